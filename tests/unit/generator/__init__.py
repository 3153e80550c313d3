"""Tests of lensload.generator."""

"""Tests of lensload.verdict."""

"""Tests of lensload.config."""

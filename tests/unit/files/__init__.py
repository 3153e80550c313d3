"""Tests of lensload.files."""

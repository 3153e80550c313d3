"""Tests of lensload.results."""

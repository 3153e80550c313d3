"""Tests of lensload.report."""

"""Tests of lensload.metrics."""

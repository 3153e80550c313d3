"""Tests of lensload.processes."""

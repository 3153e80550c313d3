"""Tests of lensload.capacity."""

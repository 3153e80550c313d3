"""Tests of lensload.seed."""

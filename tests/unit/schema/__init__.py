"""Tests of lensload.schema."""

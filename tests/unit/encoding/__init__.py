"""Tests of lensload.encoding."""

"""Tests of lensload.cli."""

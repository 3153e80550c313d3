"""Tests of lensload.world."""

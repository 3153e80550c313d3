"""Tests of lensload.replay."""

"""Tests of lensload.pacing."""

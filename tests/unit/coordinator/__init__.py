"""Tests of lensload.coordinator."""

"""Tests of lensload.delivery."""

"""Tests of lensload.kafka."""

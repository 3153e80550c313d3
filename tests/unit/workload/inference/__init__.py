"""Tests of lensload.workload.inference."""

"""Tests of lensload.workload."""

"""Workloads: events of anybody's schemas, made by the generators that a workload file names."""

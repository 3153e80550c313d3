"""Workloads: events of any schemas, as a workload file says. It never sends one."""

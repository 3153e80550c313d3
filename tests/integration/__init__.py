"""Tests with real processes, the embedded cluster, and a real Kafka and registry."""

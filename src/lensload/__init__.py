"""Load generator and benchmark for LENS on Kafka: events at a given rate, and how long each takes to arrive."""

__version__ = "0.1.0"

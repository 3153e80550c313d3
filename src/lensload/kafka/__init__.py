"""Reaching a Kafka cluster, embedded or real: connections, topics, producers, readers. It never makes an event."""

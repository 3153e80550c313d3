"""Reaching a Kafka cluster, embedded or real, and its topics. It knows nothing of what is sent."""

"""Checks before a run: the cluster, the registry, the topics and this machine. It changes none of them (`--probe-topic` makes one topic and deletes it)."""

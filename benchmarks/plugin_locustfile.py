"""The locustfile that locust-plugins' own example leads to: its KafkaUser, one send an event, of constant bytes.

It is what `peers.py` compares lensload against; it is not part of lensload.
"""

# pyright: basic, reportMissingImports=false
# locust-plugins is no dependency of lensload's.

import os

from locust import constant, task
from locust_plugins.users.kafka import KafkaUser

VALUE = bytes(int(os.environ["PEER_BYTES"]))


class PluginUser(KafkaUser):
    """Sends one record after another, as fast as it can."""

    bootstrap_servers = os.environ["PEER_BOOTSTRAP"]
    wait_time = constant(0)

    @task
    def send(self) -> None:
        """One event: the same bytes as the last."""
        self.client.send(os.environ["PEER_TOPIC"], VALUE)

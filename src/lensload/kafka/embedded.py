"""The embedded cluster: librdkafka's mock of a broker, in this process."""

from typing import Self

from confluent_kafka import KafkaException, Producer

from lensload.errors import ClusterError
from lensload.kafka.connection import LOGGER, addresses


class EmbeddedCluster:
    """librdkafka's mock cluster in this process: one broker on a port of 127.0.0.1, until closed.

    Other processes of this machine may connect too. Nothing is kept when it closes. It creates a topic when
    first asked for it, always with four partitions.
    """

    def __init__(self) -> None:
        self._host: Producer | None = Producer({"test.mock.num.brokers": 1, "logger": LOGGER})
        try:
            metadata = self._host.list_topics(timeout=10)
        except KafkaException as error:
            raise ClusterError(f"The embedded cluster does not start: {error.args[0].str()}.") from error
        self.bootstrap_servers: str = ",".join(addresses(metadata))

    def close(self) -> None:
        """End the cluster and forget what was written to it. Closing twice is once."""
        self._host = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

"""The writer: records into the cluster, in order, once each, with bounded memory.

Nothing is reported record by record, which costs more than producing: whether all has arrived is told by where the
partitions end.
"""

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from lensload.errors import ClusterError
from lensload.kafka.client_errors import Troubles
from lensload.kafka.producing import produce_all, producer_settings, refusing_contradictions
from lensload.seed.records import Records

LINGER_MS: Final = 50
_QUEUE_RECORDS: Final = 400_000
_QUEUE_KILOBYTES: Final = 131_072
_FULL_QUEUE_WAIT_S: Final = 0.005
_CHUNK: Final = 5_000  # records between two looks at what has gone wrong
_RESUME: Final = "What has been sent stays; continue with --resume once the cause is gone."


def settings(own: Mapping[str, Any], compression: str, most_bytes: int) -> dict[str, Any]:
    """The producer's settings: what keeps each partition whole and in order, then what makes it fast.

    Args:
        own: the client's, whose tuning stands above ours.
        compression: of batches.
        most_bytes: the largest batch that all topics take.
    """
    fast = {
        "linger.ms": LINGER_MS,
        "batch.size": most_bytes,
        "batch.num.messages": 100_000,
        "queue.buffering.max.messages": _QUEUE_RECORDS,
        "queue.buffering.max.kbytes": _QUEUE_KILOBYTES,
        "compression.type": compression,
    }
    whole = {"acks": "all", "enable.idempotence": True, "delivery.report.only.error": True}
    return {**producer_settings(own, fast), **whole}


class Writer:
    """Writes records of topics.

    Args:
        producer_settings: what `settings` gives.
        names: the name in the cluster of each topic.
        listen: called now and then while writing or waiting; what it raises ends that.
    """

    def __init__(
        self, producer_settings: dict[str, Any], names: Mapping[str, str], listen: Callable[[], None]
    ) -> None:
        self._names = names
        self._listen = listen
        self._troubles = Troubles()
        self._failed: KafkaError | None = None
        self._unseen = 0  # records since the last look at what has gone wrong
        own = {"on_delivery": self._on_failure, "error_cb": self._on_error}
        with refusing_contradictions():
            self._producer = Producer({**producer_settings, **own})

    def write(self, partition: int, records: Records) -> None:
        """Hand records of one partition to the client, waiting while its queue is full.

        Raises:
            ClusterError: the cluster refused something.
        """
        name, times, count = self._names[records.topic], records.timestamp_ms.tolist(), len(records)
        headers = (
            [records.headers.get(place) for place in range(count)] if records.headers else [None] * count
        )
        nobody, start = repeat(None), 0
        while start < count:
            part = slice(start, start + _CHUNK)
            columns = records.keys[part], repeat(partition), nobody, nobody, times[part], headers[part]
            taken, error = produce_all(self._producer, name, records.values[part], *columns)
            start += taken
            self._unseen += taken
            if isinstance(error, KafkaException):
                raise _refusal(error.args[0]) from error
            if error:
                self._producer.poll(_FULL_QUEUE_WAIT_S)
            if error or self._unseen >= _CHUNK:
                self._look()

    def flush(self) -> None:
        """Wait until nothing is under way any more.

        Raises:
            ClusterError: something could not be sent.
        """
        while self._producer.flush(0.1):
            self._look()
        self._look()

    def flush_for(self, seconds: float) -> None:
        """Wait until nothing is under way any more, but no longer than so; whatever goes wrong."""
        self._producer.flush(seconds)

    def waiting(self) -> int:
        """How many records are under way."""
        return len(self._producer)

    def take_notices(self) -> list[str]:
        """What the client complained of since the last call, as sentences."""
        return self._troubles.take()

    def _look(self) -> None:
        self._unseen = 0
        self._producer.poll(0)
        if self._failed is not None:
            raise _refusal(self._failed)
        self._listen()

    def _on_failure(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed = self._failed or error

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failed = self._failed or error
        self._troubles(error)


def _refusal(error: KafkaError) -> ClusterError:
    return ClusterError(f"The cluster does not take what is sent: {error.str()}.", _RESUME)

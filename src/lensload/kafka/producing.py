"""Producing records: what every producer of ours does in the same way, whatever it counts and measures."""

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from operator import length_hint
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from lensload.errors import UsageError
from lensload.kafka.admin import TopicAdmin

_FULL_QUEUE_WAIT_S: Final = 0.005
BATCH_BYTES: Final = 1_000_000
"""The largest batch that is sent, where the topics take it."""
_BATCH_OVERHEAD_BYTES: Final = 1_000
_LEAST_BATCH_BYTES: Final = 500
_DEFAULT_MAX_BYTES: Final = 1_048_588


def producer_settings(settings: Mapping[str, Any], tuning: Mapping[str, Any]) -> dict[str, Any]:
    """What a producer is made with: `settings` over `tuning` over what all producers share."""
    shared: dict[str, Any] = {
        "enable.idempotence": True,  # a retry must neither double nor reorder
        "partitioner": "murmur2_random",  # as Java producers do, so that joins stay co-partitioned
        "reconnect.backoff.max.ms": 1_000,  # a broker that comes back is found within a second
    }
    return {**shared, **tuning, **settings}


@contextmanager
def refusing_contradictions() -> Generator[None]:
    """While a producer is made: what librdkafka refuses of its properties together.

    Raises:
        UsageError: each is right by itself, and they contradict each other.
    """
    try:
        yield
    except KafkaException as error:
        raise UsageError(
            f"librdkafka does not take a producer's properties together: {error.args[0].str().rstrip('.')}.",
            "Producers have enable.idempotence=true unless --acks or the --client-config file says else: change what is named"
            " there.",
        ) from error


def largest_batch(admin: TopicAdmin, names: Iterable[str]) -> int:
    """The largest batch, in bytes, that all of the topics take (max.message.bytes), and no more than BATCH_BYTES.

    Raises:
        ClusterError: the cluster does not answer.
    """
    sizes = [int(admin.settings(name).get("max.message.bytes", _DEFAULT_MAX_BYTES)) for name in names]
    smallest = min(sizes, default=_DEFAULT_MAX_BYTES)
    room = smallest - min(_BATCH_OVERHEAD_BYTES, smallest // 4)
    return max(_LEAST_BATCH_BYTES, min(BATCH_BYTES, room))


def produce(
    producer: Producer, name: str, value: bytes | None, key: bytes | str | None, details: Mapping[str, Any]
) -> None:
    """Hand one record to the client, waiting while its queue is full.

    Args:
        producer: the client.
        name: the topic's name in the cluster.
        value: as on the wire.
        key: as on the wire.
        details: partition, timestamp and headers, as `Producer.produce` takes them.

    Raises:
        KafkaException: the client does not take it.
    """
    while True:
        try:
            producer.produce(name, value, key, **details)
        except BufferError:
            producer.poll(_FULL_QUEUE_WAIT_S)
        else:
            return


def produce_all(
    producer: Producer, name: str, values: Sequence[bytes | None], *columns: Iterable[Any]
) -> tuple[int, BufferError | KafkaException | None]:
    """Hand records to the client, one after another, as far as it takes them; it never waits.

    Args:
        producer: the client.
        name: the topic's name in the cluster.
        values: of the records.
        columns: what else `Producer.produce` takes by place, of each record: key, partition, callbacks, timestamp, headers.

    Returns:
        How many the client took, and what it had against the next one: BufferError for a full queue.
    """
    left = iter(values)
    try:
        # deque(map(…)) calls produce() from C, one record after another, without a Python frame.
        deque(map(producer.produce, repeat(name), left, *columns), maxlen=0)
    except (BufferError, KafkaException) as error:
        return len(values) - length_hint(left) - 1, error
    return len(values), None

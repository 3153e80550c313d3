"""Producing records: what every producer of ours does in the same way, whatever it counts and measures."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import length_hint
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

_FULL_QUEUE_WAIT_S: Final = 0.005


def producer_settings(settings: Mapping[str, Any], tuning: Mapping[str, Any]) -> dict[str, Any]:
    """What a producer is made with: `settings` over `tuning` over what all producers share."""
    shared: dict[str, Any] = {
        "enable.idempotence": True,  # a retry must neither double nor reorder
        "partitioner": "murmur2_random",  # as Java producers do, so that joins stay co-partitioned
        "reconnect.backoff.max.ms": 1_000,  # a broker that comes back is found within a second
    }
    return {**shared, **tuning, **settings}


def produce(
    producer: Producer,
    name: str,
    value: bytes | None,
    key: bytes | str | None,
    details: Mapping[str, Any],
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

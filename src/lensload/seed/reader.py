"""The reader: what partitions hold between two offsets, in order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, Message, TopicPartition

from lensload.kafka import reading
from lensload.kafka.reading import Place, consumer_settings

_AT_ONCE: Final = 10_000
_WAIT_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring messages of one partition.

    Attributes:
        place: the topic's name in the cluster, and the partition.
        messages: the messages, by rising offset; offsets may be missing between them.
    """

    place: Place
    messages: list[Message]


def read(settings: Mapping[str, Any], ranges: Mapping[Place, tuple[int, int]]) -> Iterator[Stretch | None]:
    """Every message from the first offset up to the one before the second, partition by partition in order.

    Gives None now and then when there is nothing, so that the caller can see to other things.

    Raises:
        ClusterError: the cluster refuses, or has been silent for 30 s though there is more to read.
    """
    left = {place: end for place, (begin, end) in ranges.items() if begin < end}
    if not left:
        return
    consumer = Consumer(consumer_settings(settings, group="lensload-seed", to_the_end=True))
    try:
        with reading.refusals():
            consumer.assign([TopicPartition(*place, ranges[place][0]) for place in left])
        silence = reading.Silence()
        while left:
            messages = reading.consume(consumer, _AT_ONCE, _WAIT_S)
            if messages:
                silence.end()
            silence.check("The cluster")
            stretches, ended = _sorted(messages, left)
            yield from stretches
            yield None
            for place in ended:
                left.pop(place, None)
                consumer.pause([TopicPartition(*place)])
    finally:
        consumer.close()


def plain(value: str | bytes | None) -> bytes | None:
    """A key, a value or a header's value as the client gives it, as bytes."""
    return value.encode() if isinstance(value, str) else value


def headers_of(message: Message) -> list[tuple[str, bytes]]:
    """The message's headers; an absent value is an empty one."""
    headers: Any = message.headers()
    return [(name, plain(value) or b"") for name, value in headers or ()]


def _sorted(messages: list[Message], left: Mapping[Place, int]) -> tuple[list[Stretch], list[Place]]:
    """The messages by partition, without what lies behind the ends; and which partitions have come to theirs."""
    by_place: dict[Place, list[Message]] = {}
    ended: list[Place] = []
    for message in messages:
        place = reading.place_of(message)
        end, offset = left.get(place), int(message.offset() or 0)
        if end is None:
            continue
        if message.error() is None and offset < end:
            by_place.setdefault(place, []).append(message)
        # The last offsets may hold no message, so that only the end-of-partition event tells.
        passed = offset + 1 if message.error() is None else offset if reading.ends_partition(message) else 0
        if passed >= end:
            ended.append(place)
    return [Stretch(place, messages) for place, messages in by_place.items()], ended

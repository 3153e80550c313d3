"""The reader: what partitions hold between two offsets, in order."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from lensload.errors import ClusterError
from lensload.observer.observer import consumer_settings

Place = tuple[str, int]

_AT_ONCE: Final = 10_000
_WAIT_S: Final = 0.2
_SILENCE_S: Final = 30.0
_ALIVE: Final = frozenset({"_PARTITION_EOF", "_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT"})


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring messages of one partition.

    Attributes:
        place: the topic's name in the cluster, and the partition.
        messages: the messages, by rising offset; offsets may be missing between them.
    """

    place: Place
    messages: list[Message]


def read(settings: Mapping[str, Any], ranges: Mapping[Place, tuple[int, int]]) -> Iterator[Run | None]:
    """Every message from the first offset up to the one before the second, partition by partition in order.

    Gives None now and then when there is nothing, so that the caller can see to other things.

    Raises:
        ClusterError: the cluster refuses, or has been silent for 30 s though there is more to read.
    """
    left = {place: end for place, (begin, end) in ranges.items() if begin < end}
    if not left:
        return
    own = consumer_settings({**settings}, embedded=False)
    own |= {"group.id": "lensload-seed", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer(own)
    try:
        consumer.assign([TopicPartition(*place, ranges[place][0]) for place in left])
        heard_s = time.monotonic()
        while left:
            came = consumer.consume(_AT_ONCE, _WAIT_S)
            if came:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > _SILENCE_S:
                raise ClusterError(
                    f"The cluster has not answered for {_SILENCE_S:.0f} s, though there is more to read.",
                    "See whether all brokers are up, then try again.",
                )
            runs, ended = _runs(came, left)
            yield from runs
            yield None
            for place in ended:
                left.pop(place, None)
                consumer.pause([TopicPartition(*place)])
    except KafkaException as error:
        raise _refused(error) from error
    finally:
        consumer.close()


def plain(value: str | bytes | None) -> bytes | None:
    """A key, a value or a header's value as the client gives it, as bytes."""
    return value.encode() if isinstance(value, str) else value


def headers_of(message: Message) -> list[tuple[str, bytes]]:
    """The message's headers; an absent value is an empty one."""
    found: Any = message.headers()
    return [(name, plain(value) or b"") for name, value in found or ()]


def _runs(came: list[Message], left: Mapping[Place, int]) -> tuple[list[Run], list[Place]]:
    """What came, by partition, without what lies behind the ends; and which partitions have come to theirs."""
    runs: dict[Place, list[Message]] = {}
    ended: list[Place] = []
    for message in came:
        place = str(message.topic()), int(message.partition() or 0)
        end, offset = left.get(place), int(message.offset() or 0)
        if (error := message.error()) is not None:
            if error.name() == "_PARTITION_EOF" and end is not None and offset >= end:
                ended.append(place)  # its last offsets hold no message
            elif error.name() not in _ALIVE:
                raise _refused(KafkaException(error))
        elif end is not None and offset < end:
            runs.setdefault(place, []).append(message)
            if offset == end - 1:
                ended.append(place)
        elif end is not None:
            ended.append(place)
    return [Run(place, messages) for place, messages in runs.items()], ended


def _refused(error: KafkaException) -> ClusterError:
    return ClusterError(
        f"The cluster does not let it be read: {error.args[0].str()}.",
        "Allow these credentials Read on the topics, or see whether all brokers are up.",
    )

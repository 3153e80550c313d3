"""Reading partitions: what every consumer of ours does in the same way, whatever it does with the messages."""

import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from lensload.errors import ClusterError

Place = tuple[str, int]
"""A topic's name in the cluster, and the number of one of its partitions."""

_SILENCE_S: Final = 30.0
_NOT_THERE: Final = {"_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART"}
_MAY_NOT: Final = {"TOPIC_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"}


def consumer_settings(
    settings: Mapping[str, Any], *, embedded: bool = False, group: str | None = None, to_the_end: bool = False
) -> dict[str, Any]:
    """What a consumer is made with so that reading adds no latency of its own; `settings` come first.

    Args:
        settings: librdkafka's properties.
        embedded: whether the cluster is the embedded one.
        group: the consumer group; offsets are committed in it by nobody but the caller.
        to_the_end: report the end of each partition; the event would wake whoever follows a live one for each batch.
    """
    own: dict[str, Any] = {
        "enable.partition.eof": to_the_end,
        "auto.offset.reset": "earliest",
        "fetch.queue.backoff.ms": 5,  # by default, a reader that caught its breath waits 1 s
        "queued.max.messages.kbytes": 262_144,
        # A broker that is back is found sooner than the producer finds it, or reading would be late by the wait. The
        # defaults are 10 s for a connection, and half a second for a partition that gave an error.
        "reconnect.backoff.max.ms": 100,
        "fetch.error.backoff.ms": 50,
    }
    if embedded:
        # The mock broker sleeps out the whole wait before it looks for messages again.
        own["fetch.wait.max.ms"] = 5
    grouped = {"group.id": group, "enable.auto.commit": False} if group else {}
    return {**own, **settings, **grouped}


@contextmanager
def refusals() -> Generator[None]:
    """What the client raises within, as our own error.

    Raises:
        ClusterError: in place of a KafkaException.
    """
    try:
        yield
    except KafkaException as error:
        raise refusal(error.args[0]) from error


def consume(consumer: Consumer, at_most: int, timeout_s: float) -> list[Message]:
    """What comes next, the ends of partitions among it, waiting at most so long; perhaps nothing.

    Raises:
        ClusterError: the client does not go on, or there is an error that no waiting mends.
    """
    with refusals():
        messages = consumer.consume(at_most, timeout_s)
    for message in messages:
        error = message.error()
        if error is not None and (error.fatal() or error.name() in _NOT_THERE | _MAY_NOT):
            raise refusal(error)
    return messages


def offsets(consumer: Consumer, places: Iterable[Place], at: int, timeout_s: float) -> dict[Place, int]:
    """An offset of each partition.

    Args:
        consumer: whom to ask.
        places: of which partitions.
        at: OFFSET_BEGINNING, OFFSET_END, or a time in Unix ms: the first message from then on, OFFSET_END for none.
        timeout_s: for all of them.

    Raises:
        ClusterError: a partition does not tell its offset, or not in time.
    """
    # All in one request: on a connection that fetches, each waits until the broker has answered the fetch.
    wanted = [TopicPartition(*place, at) for place in places]
    with refusals():
        answers = consumer.offsets_for_times(wanted, timeout=timeout_s) if wanted else []
    for each in answers:
        if each.error is not None:
            raise refusal(each.error, f"Partition {each.partition} of {each.topic}")
    return {(each.topic, each.partition): each.offset for each in answers}


def header_of(message: Message, name: str) -> bytes:
    """The header of a message by its name, the last one of several; empty where it has none."""
    try:
        value = dict(message.headers() or ()).get(name)
    except (SystemError, UnicodeDecodeError):  # another's record: a name of a header is no UTF-8
        return b""
    return value if isinstance(value, bytes) else b""


def place_of(message: Message) -> Place:
    """Where a message, or the error that came in place of one, belongs."""
    return str(message.topic()), int(message.partition() or 0)


def ends_partition(message: Message) -> bool:
    """Whether it is librdkafka's event that a partition has been read to its present end, which `offset` tells."""
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001  # public, whatever its name


def refusal(error: KafkaError, what: str = "The cluster") -> ClusterError:
    """The error to raise where `what` cannot be read."""
    if error.name() in _MAY_NOT:
        hint = "Allow these credentials Read on topics and group, or check --client-config."
    elif error.name() in _NOT_THERE:
        hint = "It was deleted while it was read, or these credentials may not see it."
    else:
        hint = "Check that all brokers are up and reachable at the addresses that they advertise."
    return ClusterError(f"{what} cannot be read: {error.str()}.", hint)


class Silence:
    """How long nothing has come from a cluster though there is more to read."""

    def __init__(self) -> None:
        self._heard_s = time.monotonic()

    def end(self) -> None:
        """Something has come, or nothing need come now."""
        self._heard_s = time.monotonic()

    def check(self, what: str) -> None:
        """Give up after 30 s.

        Raises:
            ClusterError: `what` has been silent for so long.
        """
        if time.monotonic() - self._heard_s > _SILENCE_S:
            raise ClusterError(
                f"{what} has not answered for {_SILENCE_S:.0f} s, though there is more to read.",
                "Check that all brokers are up, then try again; a replay with --group continues where it stopped.",
            )

"""How many requests a producer may have without an answer on a connection: few enough for librdkafka to sleep meanwhile."""

from collections.abc import Collection, Mapping
from typing import Any, Final

LIMIT: Final = "max.in.flight.requests.per.connection"
_NAMES: Final = (LIMIT, "max.in.flight")
_TRUE: Final = {"true", "t", "1"}
_MOST: Final = 5  # that librdkafka has of an idempotent producer
_LEAST: Final = 2  # the broker serves one request of a connection while the next is on its way


def limited(settings: Mapping[str, Any], partitions: Collection[int], brokers: int) -> dict[str, Any]:
    """A producer's settings, with a limit of unanswered requests if librdkafka's own would make it spin.

    An idempotent librdkafka (2.16) sends a partition nothing more while five of its messages have no answer. If there are
    then others older than the linger, the thread of the partition's broker does not sleep but looks again and again: a
    broker that takes its time costs a whole core here (librdkafka's issues 2565 and 3692). It does sleep while a request
    cannot be sent for the limit. If that is below the number of partitions that a broker leads, this is so
    whenever the broker does not answer: others' requests wait behind those of the first.

    Args:
        settings: librdkafka's properties; a limit among them stays.
        partitions: how many each topic has.
        brokers: how many there are to lead them.
    """
    idempotent = str(settings.get("enable.idempotence", False)).lower() in _TRUE
    fewest = sum(count // max(1, brokers) for count in partitions)
    if not idempotent or any(name in settings for name in _NAMES) or not _LEAST < fewest <= _MOST:
        return dict(settings)
    return {**settings, LIMIT: fewest - 1}

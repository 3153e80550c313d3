"""Fingerprints of the last records of partitions, by which a seed that is resumed knows its own."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from confluent_kafka import Message

from lensload.kafka.reading import Place
from lensload.seed import reader

_LONGEST: Final = 500
_HASH_BYTES: Final = 16


def fingerprint(
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
    headers: Sequence[tuple[str, bytes]] | None = None,
) -> bytes:
    """What a record is told from others by."""
    sizes = (-1 if part is None else len(part) for part in (key, value))
    head = repr((*sizes, timestamp_ms, list(headers or ()))).encode()
    return sha256(head + (key or b"") + (value or b"")).digest()[:_HASH_BYTES]


def last_fingerprints(
    settings: Mapping[str, Any], ranges: Mapping[Place, tuple[int, int]]
) -> dict[Place, list[bytes]]:
    """The fingerprints of the last 500 records, or fewer, of each range of offsets.

    Raises:
        ClusterError: the cluster refuses, or does not answer.
    """
    ends = {place: (max(begin, end - _LONGEST), end) for place, (begin, end) in ranges.items()}
    fingerprints: dict[Place, list[bytes]] = {place: [] for place in ranges}
    for stretch in reader.read(settings, ends):
        if stretch is not None:
            for message in stretch.messages:
                fingerprints[stretch.place].append(of_message(message))
    return fingerprints


def of_message(message: Message) -> bytes:
    """The fingerprint of a record as it was read."""
    key, value = reader.plain(message.key()), reader.plain(message.value())
    return fingerprint(key, value, message.timestamp()[1], reader.headers_of(message))

"""Records of a cluster compared one by one with those that a plan makes."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from confluent_kafka import Message

from lensload.kafka.reading import Place
from lensload.seed import reader
from lensload.seed.manifest import TopicEntry, places
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream
from lensload.seed.records import Headers
from lensload.seed.schemas import key_schemas


def first_differences(
    plan: Plan,
    topics: Mapping[str, TopicEntry],
    settings: Mapping[str, Any],
    ranges: Mapping[Place, tuple[int, int]],
) -> dict[Place, int]:
    """The first offset of each range at which the cluster has another record than the plan makes, if there is one.

    Args:
        plan: played once, up to the ends of the ranges.
        topics: the manifest's.
        settings: librdkafka's properties.
        ranges: of which partitions, from which offset to the one before which.

    Raises:
        ClusterError: the cluster refuses, or does not answer.
    """
    expected = _expected(plan, topics, ranges)
    left = {place: iter(known) for place, known in expected.items()}
    at = {place: begin for place, (begin, _) in ranges.items()}  # the offset up to which all is equal
    differing: set[Place] = set()
    for stretch in reader.read(settings, ranges):
        if stretch is None or stretch.place in differing:
            continue
        place = stretch.place
        for message in stretch.messages:
            if message.offset() != at[place] or next(left[place], None) != _of_message(message):
                differing.add(place)
                break
            at[place] += 1
    return {place: at[place] for place, (_, end) in ranges.items() if at[place] < end}


def _expected(
    plan: Plan, topics: Mapping[str, TopicEntry], ranges: Mapping[Place, tuple[int, int]]
) -> dict[Place, list[bytes]]:
    """The fingerprint of each record that the plan puts at the offsets of the ranges."""
    counts = {topic: len(each["partitions"]) for topic, each in topics.items()}
    ids = {topic: each["schema_id"] for topic, each in topics.items()}
    at = {place: entry["first_offset"] for place, entry in places(topics).items()}
    keys = key_schemas(plan, {topic: each.get("key_schema_id") for topic, each in topics.items()})
    fingerprints: dict[Place, list[bytes]] = {place: [] for place in ranges}
    for records in RecordStream(plan, ids, Partitioner(counts, key_schemas=keys)).records():
        for number, part in records.by_partition():
            place = topics[records.topic]["name"], number
            if place in ranges:
                begin, end = ranges[place]
                times: list[int] = part.timestamp_ms.tolist()
                fingerprints[place] += [
                    _fingerprint(part.keys[n], part.values[n], times[n], part.headers.get(n, []))
                    for n in range(max(0, begin - at[place]), min(len(part), end - at[place]))
                ]
                at[place] += len(part)
        if all(at[place] >= end for place, (_, end) in ranges.items()):
            break
    return fingerprints


def _fingerprint(key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers) -> bytes:
    sizes = (-1 if part is None else len(part) for part in (key, value))
    head = repr((*sizes, timestamp_ms, headers)).encode()
    return sha256(head + (key or b"") + (value or b"")).digest()[:16]


def _of_message(message: Message) -> bytes:
    key, value = reader.plain(message.key()), reader.plain(message.value())
    return _fingerprint(key, value, message.timestamp()[1], reader.headers_of(message))

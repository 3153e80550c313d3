"""Verifying: the cluster read back, and held against the manifest."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message

from lensload.kafka.admin import TopicAdmin
from lensload.kafka.reading import Place
from lensload.report.progress import ProgressView
from lensload.seed import reader
from lensload.seed.digest import PartitionDigest
from lensload.seed.fingerprints import first_differences
from lensload.seed.manifest import Manifest, PartitionEntry, places
from lensload.seed.plan import Plan
from lensload.seed.records import Headers


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a partition is not what the manifest says.

    Attributes:
        place: the topic's name in the cluster, and the partition.
        offset: the first that differs; None where that cannot be told.
        reason: in what.
    """

    place: Place
    offset: int | None
    reason: str

    def __str__(self) -> str:
        where = "" if self.offset is None else f" from offset {self.offset:,}"
        return f"{self.place[0]}, partition {self.place[1]}{where}: {self.reason}"


def differences(manifest: Manifest, settings: Mapping[str, Any], view: ProgressView) -> list[Difference]:
    """Where the cluster differs from the manifest: for each partition its first difference, if it has one.

    Raises:
        ClusterError: the cluster does not answer, or refuses.
    """
    entries = places(manifest["topics"])
    admin = TopicAdmin(settings)
    counts = admin.counts([each["name"] for each in manifest["topics"].values()])
    ranges_now = admin.ranges(counts)
    by_place = {
        place: difference
        for place, entry in entries.items()
        if (difference := _by_offsets(place, entry, ranges_now.get(place))) is not None
    }
    readable = {
        place: (entry["first_offset"], min(entry["first_offset"] + entry["count"], ranges_now[place][1]))
        for place, entry in entries.items()
        if place in ranges_now and ranges_now[place][0] <= entry["first_offset"]
    }
    suspects: list[Place] = []
    for place, difference in _read(manifest, settings, readable, view).items():
        whole = readable[place][1] == entries[place]["first_offset"] + entries[place]["count"]
        if isinstance(difference, Difference):
            by_place[place] = difference
        elif whole and difference != entries[place]["digest"]:
            suspects.append(place)
    if suspects:
        plan = Plan.from_dict(manifest["plan"])
        ranges = {place: readable[place] for place in suspects}
        offsets = first_differences(plan, manifest["topics"], settings, ranges)
        by_place |= {place: _other_bytes(place, offsets.get(place)) for place in suspects}
    return [by_place[place] for place in sorted(by_place)]


def _other_bytes(place: Place, offset: int | None) -> Difference:
    if offset is None:
        reason = "the digest differs, but not from what this version of lensload makes: another wrote it"
        return Difference(place, None, reason)
    return Difference(place, offset, "other bytes, or another timestamp")


def _by_offsets(place: Place, entry: PartitionEntry, offsets: tuple[int, int] | None) -> Difference | None:
    if offsets is None:
        return Difference(place, None, "there is no such partition")
    (low, high), begin = offsets, entry["first_offset"]
    end = begin + entry["count"]
    if entry["count"] and low > begin:
        return Difference(place, begin, f"deleted up to offset {low:,}")
    if high < end:
        return Difference(place, high, f"{end - high:,} records are missing")
    if high > end:
        return Difference(place, end, f"{high - end:,} records too many")
    return None


def _read(
    manifest: Manifest,
    settings: Mapping[str, Any],
    ranges: Mapping[Place, tuple[int, int]],
    view: ProgressView,
) -> dict[Place, str | Difference]:
    """The digest of each partition as it is, or where it has a hole."""
    ids = {each["name"]: each["schema_id"] for each in manifest["topics"].values()}
    digests = {place: PartitionDigest(ids[place[0]]) for place in ranges}
    results: dict[Place, str | Difference] = {}
    total, begun_s = sum(end - begin for begin, end in ranges.values()), time.monotonic()
    for stretch in reader.read(settings, ranges):
        if stretch is not None and stretch.place not in results:
            digest, begin = digests[stretch.place], ranges[stretch.place][0]
            expected = begin + digest.count
            hole = _hole(stretch.messages, expected)
            if hole is not None:
                results[stretch.place] = Difference(stretch.place, hole, "no record there")
            else:
                _add(digest, stretch.messages)
        done = sum(digest.count for digest in digests.values())
        view.show(time.monotonic() - begun_s, done, done, total)
    for place, (begin, end) in ranges.items():
        count = digests[place].count
        if place not in results and count < end - begin:
            results[place] = Difference(place, begin + count, "no record there")
        results.setdefault(place, digests[place].done())
    return results


def _hole(messages: Sequence[Message], expected: int) -> int | None:
    last = messages[-1].offset()
    if last == expected + len(messages) - 1:
        return None
    offsets = [message.offset() for message in messages]
    return next(expected + place for place, offset in enumerate(offsets) if offset != expected + place)


def _add(digest: PartitionDigest, messages: Sequence[Message]) -> None:
    headers: dict[int, Headers] = {}
    for place, any_of_them in enumerate(map(Message.headers, messages)):
        if any_of_them:
            headers[place] = reader.headers_of(messages[place])
    keys = list(map(reader.plain, map(Message.key, messages)))
    values = list(map(reader.plain, map(Message.value, messages)))
    times = [stamp for _, stamp in map(Message.timestamp, messages)]
    digest.add(keys, values, times, headers)

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
    whole = {
        place: (entry["first_offset"], entry["first_offset"] + entry["count"])
        for place, entry in entries.items()
        if place not in by_place or by_place[place].offset == entry["first_offset"] + entry["count"]
    }
    digests = _digests(manifest, settings, whole, view)
    suspects = {place: whole[place] for place in whole if digests[place] != entries[place]["digest"]}
    if suspects:
        plan = Plan.from_dict(manifest["plan"])
        offsets = first_differences(plan, manifest["topics"], settings, suspects)
        by_place |= {place: _other_bytes(place, offsets.get(place)) for place in suspects}
    return [by_place[place] for place in sorted(by_place)]


def _other_bytes(place: Place, offset: int | None) -> Difference:
    if offset is None:
        reason = "the digest differs, but not from what this version of lensload makes: another wrote it"
        return Difference(place, None, reason)
    return Difference(place, offset, "other bytes, another timestamp, or no record")


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


def _digests(
    manifest: Manifest,
    settings: Mapping[str, Any],
    ranges: Mapping[Place, tuple[int, int]],
    view: ProgressView,
) -> dict[Place, str]:
    """The digest of each partition as it is."""
    ids = {each["name"]: each["schema_id"] for each in manifest["topics"].values()}
    digests = {place: PartitionDigest(ids[place[0]]) for place in ranges}
    total, begun_s = sum(end - begin for begin, end in ranges.values()), time.monotonic()
    for stretch in reader.read(settings, ranges):
        if stretch is not None:
            _add(digests[stretch.place], stretch.messages)
        done = sum(digest.count for digest in digests.values())
        view.show(time.monotonic() - begun_s, done, done, total)
    return {place: digest.done() for place, digest in digests.items()}


def _add(digest: PartitionDigest, messages: Sequence[Message]) -> None:
    headers: dict[int, Headers] = {}
    for place, any_of_them in enumerate(map(Message.headers, messages)):
        if any_of_them:
            headers[place] = reader.headers_of(messages[place])
    keys = list(map(reader.plain, map(Message.key, messages)))
    values = list(map(reader.plain, map(Message.value, messages)))
    times = [stamp for _, stamp in map(Message.timestamp, messages)]
    digest.add(keys, values, times, headers)

"""The preflight of a seed: cluster, registry and topics are checked and prepared, before anything is sent.

It is done once, by the parent: workers get what it found, and check no more than that the records which are there
already are the seed's own.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lensload.config.model import RunConfig
from lensload.errors import ClusterError, UsageError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.producing import largest_batch
from lensload.kafka.reading import Place
from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions
from lensload.schema.definitions import Schema
from lensload.seed.manifest import Manifest, PartitionEntry, TopicEntry
from lensload.seed.plan import Plan
from lensload.seed.topic_settings import KEPT_FOR_GOOD, Obstacle, obstacles

_EVENT_BYTES: Final = 330  # an event with its share of the batch, uncompressed
_ANEW: Final = "Begin anew with --recreate, or another --topic-prefix."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a seed goes: topics and schemas, ready.

    Attributes:
        settings: librdkafka's properties.
        topics: each topic as the manifest has it, with the offsets at which the seed begins.
        facts: what the cluster says of itself.
        most_bytes: the largest batch that all topics take.
        notices: what to tell before anything is sent.
    """

    settings: dict[str, Any]
    topics: dict[str, TopicEntry]
    facts: dict[str, Any]
    most_bytes: int
    notices: tuple[str, ...] = ()


def prepare(plan: Plan, config: RunConfig, *, append: bool, recreate: bool, set_retention: bool) -> Target:
    """Reach cluster and registry; register schemas, create topics, and find nothing in the way.

    Raises:
        UsageError: topics hold other data, or have settings under which the history would not stay.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    reached = _reach(plan.topics, config, config.cluster.topic_prefix)
    admin, names = reached.admin, {topic: config.cluster.topic_prefix + topic for topic in plan.topics}
    existing = admin.counts(list(names.values()))
    if recreate:
        admin.delete(list(existing))
        existing = {}
    elif not append:
        _require_empty(admin, existing)
    if not set_retention:
        _require_fit(admin, plan, existing)
    counts = ensure_topics(
        reached.settings, list(names.values()), config.cluster.partitions, config.cluster.replication_factor, embedded=False,
        topic_settings=KEPT_FOR_GOOD,
    )  # fmt: skip
    changeable = [name for name in counts if set_retention or name not in existing]
    changed = {name: _fit(admin, plan, name, counts[name]) for name in changeable}
    ranges = admin.ranges(counts)
    entries: dict[str, TopicEntry] = {
        topic: {
            "name": name,
            "schema_id": reached.schema_ids[topic],
            "fingerprint": reached.schemas[topic].fingerprint,
            "settings_changed": changed.get(name, {}),
            "partitions": [_entry(number, ranges[name, number][1]) for number in range(counts[name])],
        }
        for topic, name in names.items()
    }
    return reached.target(entries)


def reopen(manifest: Manifest, config: RunConfig) -> Target:
    """The target of an interrupted seed, to continue there.

    Raises:
        UsageError: topics or schemas are others than they were.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    entries = manifest["topics"]
    reached = _reach(entries, config, str(manifest["options"]["topic_prefix"]))
    counts = reached.admin.counts([entry["name"] for entry in entries.values()])
    for topic, entry in entries.items():
        count, schema_id = counts.get(entry["name"], 0), reached.schema_ids[topic]
        if count != len(entry["partitions"]):
            raise UsageError(
                f"The topic {entry['name']} has {count} partitions,"
                f" and had {len(entry['partitions'])} when it was seeded.",
                _ANEW,
            )
        if schema_id != entry["schema_id"] or reached.schemas[topic].fingerprint != entry["fingerprint"]:
            raise UsageError(
                f"The schema of {entry['name']} has the id {schema_id}, and had {entry['schema_id']} when it was seeded.",
                "Give the registry that was used then (--registry-url), or begin anew with --recreate.",
            )
    return reached.target(dict(entries))


def ranges_written(target: Target, admin: TopicAdmin) -> dict[Place, tuple[int, int]]:
    """What of the seed is in the cluster: for each partition the offset at which it begins, and the one at its end.

    Raises:
        UsageError: some of it has been deleted.
    """
    ranges = admin.still_ranges({each["name"]: len(each["partitions"]) for each in target.topics.values()})
    written: dict[Place, tuple[int, int]] = {}
    for topic in target.topics.values():
        for entry in topic["partitions"]:
            place = topic["name"], entry["partition"]
            low, high = ranges[place]
            begin = entry["first_offset"]
            if high < begin or low > begin:
                raise UsageError(
                    f"Partition {place[1]} of {place[0]} holds offsets {low:,} to {high:,}, and the seed begins at"
                    f" {begin:,}: some of it has been deleted.",
                    _ANEW,
                )
            written[place] = begin, high
    return written


@dataclass(frozen=True, slots=True)
class _Reached:
    """A cluster and a registry that answer, with the schemas registered."""

    settings: dict[str, Any]
    facts: connection.ClusterFacts
    admin: TopicAdmin
    schemas: dict[str, Schema]
    schema_ids: dict[str, int]

    def target(self, entries: dict[str, TopicEntry]) -> Target:
        most_bytes = largest_batch(self.admin, [entry["name"] for entry in entries.values()])
        notices = tuple(
            f"The settings of {name} may not be seen with these credentials: whether it would delete any of this"
            " history cannot be told."
            for name in sorted(self.admin.unseen)
        )
        facts = {"cluster_id": self.facts.cluster_id, "brokers": list(self.facts.brokers)}
        return Target(self.settings, entries, facts, most_bytes, notices)


def _reach(topics: Iterable[str], config: RunConfig, prefix: str) -> _Reached:
    settings = connection.client_settings(config.cluster, str(config.cluster.bootstrap_servers))
    facts = connection.check(settings)
    loaded = definitions.load()
    schemas = {topic: loaded[topic] for topic in topics}
    with connection.registry_of(config.cluster) as client:
        schema_ids = client.register(schemas, prefix, mode=config.cluster.register_schemas)
    return _Reached(settings, facts, TopicAdmin(settings), schemas, schema_ids)


def _entry(number: int, first_offset: int) -> PartitionEntry:
    return {
        "partition": number,
        "first_offset": first_offset,
        "count": 0,
        "bytes": 0,
        "digest": "",
        "first_timestamp_ms": None,
        "last_timestamp_ms": None,
    }


def _require_empty(admin: TopicAdmin, counts: Mapping[str, int]) -> None:
    messages: dict[str, int] = {}
    for (name, _), (low, high) in admin.ranges(counts).items():
        messages[name] = messages.get(name, 0) + high - low
    full = [f"{name} ({count:,})" for name, count in messages.items() if count]
    if full:
        raise UsageError(
            f"These topics hold messages already: {', '.join(full)}. Nothing was sent.",
            "Say --append to write behind them, --recreate to delete the topics first, or give another --topic-prefix.",
        )


def _require_fit(admin: TopicAdmin, plan: Plan, existing: Mapping[str, int]) -> None:
    complaints = [
        f"{name}: {each.key} is {each.value}, which {each.effect}; it would have to be {each.wanted}"
        for name, count in existing.items()
        for each in _obstacles(admin, plan, name, count)
    ]
    if complaints:
        raise UsageError(
            "The settings of these topics do not suit this history. Nothing was sent.\n"
            + "\n".join(complaints),
            "Say --set-retention to have them changed (the manifest says so), or change them yourself.",
        )


def _fit(admin: TopicAdmin, plan: Plan, name: str, count: int) -> dict[str, str]:
    """Change what of a topic's settings is in the way; returns what was changed."""
    wanted = {each.key: each.wanted for each in _obstacles(admin, plan, name, count)}
    if wanted:
        admin.change(name, wanted)
        left = _obstacles(admin, plan, name, count)
        if left:
            raise ClusterError(f"{name} keeps {left[0].key} at {left[0].value}.", "Nothing was sent.")
    return wanted


def _obstacles(admin: TopicAdmin, plan: Plan, name: str, count: int) -> list[Obstacle]:
    # Model metrics have three keys, so one partition may get all of a topic.
    topic_bytes = plan.expected_events * _EVENT_BYTES
    return obstacles(
        admin.settings(name),
        now_ms=time.time_ns() // 1_000_000,
        start_ms=plan.start_ms,
        until_ms=plan.until_ms,
        partition_bytes=topic_bytes // max(1, min(count, 2)),
    )

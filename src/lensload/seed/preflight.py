"""The preflight of a seed: cluster, registry and topics are checked and prepared, before anything is sent.

It is done once, by the parent: workers get what it found, and check no more than that the records which are there
already are the seed's own.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from lensload.config.model import RunConfig
from lensload.errors import ClusterError, UsageError
from lensload.ids import NS_PER_MS
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.producing import largest_batch
from lensload.kafka.reading import Place
from lensload.kafka.topic_settings import KEPT_FOR_GOOD, Obstacle, obstacles
from lensload.kafka.topics import ensure_topics
from lensload.seed.manifest import Manifest, TopicEntry, empty_partition, places
from lensload.seed.options import SeedOptions
from lensload.seed.plan import Plan
from lensload.seed.schemas import TopicSchema, registered
from lensload.seed.sources import source_of

_ANEW: Final = "Begin anew with --recreate, or another --topic-prefix."


@dataclass(frozen=True, slots=True)
class _Most:
    """A plan, and how many bytes a topic may get of it."""

    plan: Plan
    topic_bytes: int


@dataclass(slots=True)
class Target:
    """Where a seed goes: a cluster and a registry that answer, with the schemas registered, and topics there.

    Attributes:
        settings: librdkafka's properties.
        facts: what the cluster says of itself.
        admin: a client for its topics.
        schemas: what writes each topic's records.
        topics: each topic as the manifest has it, with the offsets at which the seed begins.
    """

    settings: dict[str, Any]
    facts: connection.ClusterFacts
    admin: TopicAdmin
    schemas: dict[str, TopicSchema]
    topics: dict[str, TopicEntry] = field(default_factory=dict[str, TopicEntry])

    @classmethod
    def reached(cls, plan: Plan, config: RunConfig, prefix: str) -> Self:
        """Reach cluster and registry, and register the schemas; no topics yet.

        Raises:
            RefusedError: cluster or registry cannot be reached, or refuse.
        """
        settings = connection.client_settings(config.cluster)
        facts = connection.check(settings)
        with connection.registry_of(config.cluster) as client:
            schemas = registered(plan, client, prefix, config.cluster.register_schemas)
        return cls(settings, facts, TopicAdmin(settings), schemas)

    @property
    def counts(self) -> dict[str, int]:
        """How many partitions each topic has, by its name in the cluster."""
        return {each["name"]: len(each["partitions"]) for each in self.topics.values()}

    def most_bytes(self) -> int:
        """The largest batch that all topics take."""
        return largest_batch(self.admin, self.counts)

    def notices(self) -> list[str]:
        """What to tell before anything is sent."""
        return [
            f"These credentials do not allow reading the settings of {name}: it is not known whether it would delete"
            " any of this history."
            for name in sorted(self.admin.unseen)
        ]


def prepare(plan: Plan, config: RunConfig, options: SeedOptions) -> Target:
    """Reach cluster and registry; register schemas, create topics, and find nothing in the way.

    Raises:
        UsageError: topics hold other data, or have settings under which the history would not stay.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    cluster = config.cluster
    target = Target.reached(plan, config, cluster.topic_prefix)
    admin, names = target.admin, {cluster.topic_prefix + topic: topic for topic in plan.topics}
    most = _Most(plan, plan.expected_events * source_of(plan).event_bytes)
    existing = admin.counts(list(names))
    if options.recreate:
        admin.delete(list(existing))
        existing = {}
    elif not options.append:
        _require_empty(admin, existing)
    if not options.set_retention:
        _require_fit(admin, most, existing)
    counts = ensure_topics(
        target.settings, list(names), cluster.partitions, cluster.replication_factor, embedded=False,
        topic_settings=KEPT_FOR_GOOD,
    )  # fmt: skip
    changeable = [name for name in counts if options.set_retention or name not in existing]
    changed = {name: _fit(admin, most, name, counts[name]) for name in changeable}
    ranges = admin.ranges(counts)
    for name, topic in names.items():
        schema = target.schemas[topic]
        target.topics[topic] = {
            "name": name,
            "schema_id": schema.schema_id,
            "fingerprint": schema.fingerprint,
            "settings_changed": changed.get(name, {}),
            "partitions": [
                empty_partition(number, ranges[name, number][1]) for number in range(counts[name])
            ],
        }
        if schema.key_schema_id is not None:
            target.topics[topic]["key_schema_id"] = schema.key_schema_id
    return target


def reopen(manifest: Manifest, plan: Plan, config: RunConfig) -> Target:
    """The target of an interrupted seed, to continue there.

    Raises:
        UsageError: topics or schemas are others than they were.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    entries = manifest["topics"]
    target = Target.reached(plan, config, str(manifest["options"]["topic_prefix"]))
    counts = target.admin.counts([entry["name"] for entry in entries.values()])
    for topic, entry in entries.items():
        count, schema = counts.get(entry["name"], 0), target.schemas[topic]
        if count != len(entry["partitions"]):
            raise UsageError(
                f"The topic {entry['name']} has {count} partitions,"
                f" and had {len(entry['partitions'])} when it was seeded.",
                _ANEW,
            )
        was = TopicSchema(entry["fingerprint"], entry["schema_id"], entry.get("key_schema_id"))
        if schema != was:
            raise UsageError(
                f"The schema of {entry['name']} is {schema}, and was {was} when it was seeded.",
                "Give the registry that was used then (--registry-url), or begin anew with --recreate.",
            )
    target.topics = entries
    return target


def ranges_written(target: Target) -> dict[Place, tuple[int, int]]:
    """What of the seed is in the cluster: for each partition the offset at which it begins, and the one at its end.

    Raises:
        UsageError: some of it has been deleted.
    """
    ranges, written = target.admin.still_ranges(target.counts), dict[Place, tuple[int, int]]()
    for place, entry in places(target.topics).items():
        (low, high), begin = ranges[place], entry["first_offset"]
        if high < begin or low > begin:
            raise UsageError(
                f"Partition {place[1]} of {place[0]} holds offsets {low:,} to {high:,}, and the seed begins at"
                f" {begin:,}: some of it has been deleted.",
                _ANEW,
            )
        written[place] = begin, high
    return written


def _require_empty(admin: TopicAdmin, counts: Mapping[str, int]) -> None:
    messages: Counter[str] = Counter()
    for (name, _), (low, high) in admin.ranges(counts).items():
        messages[name] += high - low
    full = [f"{name} ({count:,})" for name, count in messages.items() if count]
    if full:
        raise UsageError(
            f"These topics hold messages already: {', '.join(full)}. Nothing was sent.",
            "Say --append to write behind them, --recreate to delete the topics first, or give another --topic-prefix.",
        )


def _require_fit(admin: TopicAdmin, most: _Most, existing: Mapping[str, int]) -> None:
    complaints = [
        f"{name}: {each.key} is {each.value}, which {each.effect}; it would have to be {each.wanted}"
        for name, count in existing.items()
        for each in _obstacles(admin, most, name, count)
    ]
    if complaints:
        raise UsageError(
            "The settings of these topics do not suit this history. Nothing was sent.\n"
            + "\n".join(complaints),
            "Say --set-retention to have them changed (the manifest says so), or change them yourself.",
        )


def _fit(admin: TopicAdmin, most: _Most, name: str, count: int) -> dict[str, str]:
    """Change what of a topic's settings is in the way; returns what was changed."""
    wanted = {each.key: each.wanted for each in _obstacles(admin, most, name, count)}
    if wanted:
        admin.change(name, wanted)
        if left := _obstacles(admin, most, name, count):
            raise ClusterError(f"{name} keeps {left[0].key} at {left[0].value}.", "Nothing was sent.")
    return wanted


def _obstacles(admin: TopicAdmin, most: _Most, name: str, count: int) -> list[Obstacle]:
    # A topic may have few keys, as LENS's model metrics do, so one partition may get all of it.
    return obstacles(
        admin.settings(name),
        now_ms=time.time_ns() // NS_PER_MS,
        start_ms=most.plan.start_ms,
        until_ms=most.plan.until_ms,
        partition_bytes=most.topic_bytes // max(1, min(count, 2)),
    )

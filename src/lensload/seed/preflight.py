"""The ground: a cluster and a registry made ready for a seed, before anything is sent."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lensload.config.model import RunConfig
from lensload.errors import ClusterError, UsageError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions, registry
from lensload.seed.manifest import Manifest, TopicEntry
from lensload.seed.plan import Plan
from lensload.seed.topic_settings import KEPT_FOR_GOOD, Obstacle, obstacles

_EVENT_BYTES: Final = 330  # an event with its share of the batch, uncompressed
_BATCH_OVERHEAD_BYTES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Ground:
    """TopicAdmin and schemas, ready.

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


def prepared(plan: Plan, config: RunConfig, *, append: bool, recreate: bool, set_retention: bool) -> Ground:
    """Reach cluster and registry; register, create, and find nothing in the way.

    Raises:
        UsageError: topics hold other data, or have settings under which the history would not stay.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    settings = connection.client_settings(config.cluster, str(config.cluster.bootstrap_servers))
    facts = connection.check(settings)
    loaded = {topic: schema for topic, schema in definitions.load().items() if topic in plan.topics}
    with registry.connect(config.cluster.registry_url or "mock://") as books:
        ids = books.register(loaded, config.cluster.topic_prefix)
    names = {topic: config.cluster.topic_prefix + topic for topic in plan.topics}
    topics = TopicAdmin(settings)
    there = topics.counts(list(names.values()))
    if recreate:
        topics.delete(list(there))
        there = {}
    elif not append:
        _require_empty(topics, there)
    _require_fit(topics, plan, there, set_retention=set_retention)
    counts = ensure_topics(
        settings, list(names.values()), config.cluster.partitions, config.cluster.replication_factor, embedded=False,
        topic_settings=KEPT_FOR_GOOD,
    )  # fmt: skip
    ours = [name for name in counts if name not in there]
    changed = _fitted(topics, plan, counts, there if set_retention else {}, ours)
    ranges = topics.ranges(counts)
    entries: dict[str, TopicEntry] = {}
    for topic, name in names.items():
        entries[topic] = {
            "name": name,
            "schema_id": ids[topic],
            "fingerprint": loaded[topic].fingerprint,
            "settings_changed": changed.get(name, {}),
            "partitions": [
                {
                    "partition": number,
                    "first_offset": ranges[name, number][1],
                    "count": 0,
                    "bytes": 0,
                    "digest": "",
                    "first_timestamp_ms": None,
                    "last_timestamp_ms": None,
                }
                for number in range(counts[name])
            ],
        }
    notices = tuple(
        f"The settings of {name} may not be seen with these credentials: whether it would delete any of this history"
        " cannot be told."
        for name in sorted(topics.unseen)
    )
    return Ground(settings, entries, _facts(facts), _most_bytes(topics, counts), notices)


def found_again(manifest: Manifest, config: RunConfig) -> Ground:
    """The ground that an interrupted seed left, to go on there.

    Raises:
        UsageError: topics or schemas are others than they were.
        RefusedError: cluster or registry cannot be reached, or refuse.
    """
    settings = connection.client_settings(config.cluster, str(config.cluster.bootstrap_servers))
    facts = connection.check(settings)
    known = manifest["topics"]
    loaded = {topic: schema for topic, schema in definitions.load().items() if topic in known}
    prefix = str(manifest["options"]["topic_prefix"])
    with registry.connect(config.cluster.registry_url or "mock://") as books:
        ids = books.register(loaded, prefix)
    topics = TopicAdmin(settings)
    counts = topics.counts([each["name"] for each in known.values()])
    for topic, each in known.items():
        if counts.get(each["name"]) != len(each["partitions"]):
            raise UsageError(
                f"The topic {each['name']} has {counts.get(each['name'], 0)} partitions,"
                f" and had {len(each['partitions'])} when it was seeded.",
                _ANEW,
            )
        if ids[topic] != each["schema_id"] or loaded[topic].fingerprint != each["fingerprint"]:
            raise UsageError(
                f"The schema of {each['name']} has the id {ids[topic]}, and had {each['schema_id']} when it was seeded.",
                "Give the registry that was used then (--registry-url), or begin anew with --recreate.",
            )
    return Ground(settings, dict(known), _facts(facts), _most_bytes(topics, counts))


def held_behind(ground: Ground, topics: TopicAdmin) -> dict[tuple[str, int], tuple[int, int]]:
    """What of the seed is there already: for each partition the offset it begins at, and the one it ends at.

    Raises:
        UsageError: some of it has been deleted.
    """
    ranges = topics.still_ranges({each["name"]: len(each["partitions"]) for each in ground.topics.values()})
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for each in ground.topics.values():
        for entry in each["partitions"]:
            place = each["name"], entry["partition"]
            low, high = ranges[place]
            begin = entry["first_offset"]
            if high < begin or low > begin:
                raise UsageError(
                    f"Partition {place[1]} of {place[0]} holds offsets {low:,} to {high:,}, and the seed begins at"
                    f" {begin:,}: some of it has been deleted.",
                    _ANEW,
                )
            found[place] = begin, high
    return found


_ANEW: Final = "Begin anew with --recreate, or another --topic-prefix."


def _require_empty(topics: TopicAdmin, counts: Mapping[str, int]) -> None:
    held: dict[str, int] = {}
    for (name, _), (low, high) in topics.ranges(counts).items():
        held[name] = held.get(name, 0) + high - low
    full = [f"{name} ({count:,})" for name, count in held.items() if count]
    if full:
        raise UsageError(
            f"These topics hold messages already: {', '.join(full)}. Nothing was sent.",
            "Say --append to write behind them, --recreate to delete the topics first, or give another --topic-prefix.",
        )


def _require_fit(topics: TopicAdmin, plan: Plan, there: Mapping[str, int], *, set_retention: bool) -> None:
    if set_retention:
        return
    told: list[str] = []
    for name, count in there.items():
        told += [
            f"{name}: {each.key} is {each.value}, which {each.effect}; it would have to be {each.wanted}"
            for each in _obstacles(topics, plan, name, count)
        ]
    if told:
        raise UsageError(
            "The settings of these topics do not suit this history. Nothing was sent.\n" + "\n".join(told),
            "Say --set-retention to have them changed (the manifest says so), or change them yourself.",
        )


def _fitted(
    topics: TopicAdmin,
    plan: Plan,
    counts: Mapping[str, int],
    allowed: Mapping[str, int],
    ours: Sequence[str],
) -> dict[str, dict[str, str]]:
    """Change what is in the way in topics of our own, and where it is allowed; gives what was changed."""
    changed: dict[str, dict[str, str]] = {}
    for name in [*allowed, *ours]:
        wanted = {each.key: each.wanted for each in _obstacles(topics, plan, name, counts[name])}
        if wanted:
            topics.change(name, wanted)
            changed[name] = wanted
            left = _obstacles(topics, plan, name, counts[name])
            if left:
                raise ClusterError(f"{name} keeps {left[0].key} at {left[0].value}.", "Nothing was sent.")
    return changed


def _obstacles(topics: TopicAdmin, plan: Plan, name: str, count: int) -> list[Obstacle]:
    # Model metrics have three keys, so one partition may get all of a topic.
    topic_bytes = plan.expected_events * _EVENT_BYTES
    return obstacles(
        topics.settings(name),
        now_ms=time.time_ns() // 1_000_000,
        start_ms=plan.start_ms,
        until_ms=plan.until_ms,
        partition_bytes=topic_bytes // max(1, min(count, 2)),
    )


def _most_bytes(topics: TopicAdmin, counts: Mapping[str, int]) -> int:
    found = [int(topics.settings(name).get("max.message.bytes", 1_048_588)) for name in counts]
    return min(found) - _BATCH_OVERHEAD_BYTES


def _facts(facts: connection.ClusterFacts) -> dict[str, Any]:
    return {"cluster_id": facts.cluster_id, "brokers": list(facts.brokers)}

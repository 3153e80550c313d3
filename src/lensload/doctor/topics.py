"""The topics as a run meets them: rights, and settings that would refuse, delete or change what is sent."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from lensload.config.model import RunConfig
from lensload.doctor.finding import Finding, finding, refusal
from lensload.errors import RefusedError
from lensload.ids import NS_PER_MS
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.client_errors import in_words
from lensload.kafka.topic_settings import obstacles
from lensload.kafka.topics import MAY_NOT, lacking_rights, refused_creations

_finding = partial(finding, "topics")
_refusal = partial(refusal, "topics")

_HISTORY_MS: Final = 14 * 86_400_000  # what `seed` writes unless --days says otherwise
_SHORT_RETENTION_MS: Final = 600_000
_ROOM_BYTES: Final = 64 * 1024 * 1024
_SMALL_MESSAGE_BYTES: Final = 2_000  # an event of LENS has 50 to 400 bytes, and a batch of one some 70 more


@dataclass(frozen=True, slots=True)
class Target:
    """The topics of a run in a cluster.

    Attributes:
        admin: asks about topics and their settings.
        client: asks about the rest.
        names: each topic's name, with its prefix.
        config: of the run.
    """

    admin: TopicAdmin
    client: AdminClient
    names: Sequence[str]
    config: RunConfig


def examined(target: Target) -> list[Finding]:
    """What there is to find about the topics; nothing is created or written.

    Raises:
        RefusedError: the cluster does not answer.
    """
    metadata = target.admin.all()
    denied = {name for name in target.names if _is_denied(metadata.get(name))}
    there = [name for name in target.names if name in metadata and name not in denied]
    missing = [name for name in target.names if name not in metadata]
    found = [_denied(name) for name in sorted(denied)]
    found += _creation(target, missing)
    found += _rights(target, there)
    for name in there:
        partitions = metadata[name].partitions
        leaderless = [number for number, each in partitions.items() if each.leader < 0]
        found += _layout(target.config, name, len(partitions), leaderless)
    found += fitness(target, {name: metadata[name] for name in there})
    if there and not any(each["severity"] in ("refused", "invalid", "warning") for each in found):
        found.append(
            _finding("topics_fit", "ok", f"Permissions and settings are right for a run: {', '.join(there)}.")
        )
    return found


def fitness(target: Target, topics: Mapping[str, Any]) -> list[Finding]:
    """What of the topics' settings would spoil a run, or a history; `bench` looks at these too.

    What is the same of several topics is one finding.

    Args:
        target: where they are.
        topics: by name, as the cluster's metadata has them.

    Raises:
        RefusedError: the cluster does not answer.
    """
    names: dict[tuple[str, str], list[str]] = {}
    findings: dict[tuple[str, str], Finding] = {}
    for name, topic in topics.items():
        replicas = min((len(each.replicas) for each in topic.partitions.values()), default=1)
        for each in _fitness_of(target, name, replicas, max(1, len(topic.partitions))):
            is_of_it = each["text"].startswith(f"{name}: ")
            key = each["code"], each["text"].removeprefix(name) if is_of_it else each["text"]
            findings[key] = each
            names.setdefault(key, []).extend([name] if is_of_it else [])
    for key, each in findings.items():
        each["text"] = ", ".join(names[key]) + key[1]
    return list(findings.values())


def _fitness_of(target: Target, name: str, replicas: int, partitions: int) -> Iterator[Finding]:
    settings = target.admin.settings(name)
    if name in target.admin.unseen:
        yield _finding(
            "settings_unseen",
            "note",
            f"These credentials do not allow reading the settings of {name}.",
            "It is not known whether they are right for a run.",
            "Allow DescribeConfigs on it.",
        )
        return
    number = {key: int(settings.get(key, "-1")) for key in _NUMBERS}
    yield from _replicas(target.config, name, number["min.insync.replicas"], replicas)
    yield from _size(name, number["max.message.bytes"])
    yield from _retention(name, settings, number)
    yield from _timestamps(name, settings)
    yield from _history(name, settings, partitions)


_NUMBERS: Final = ("min.insync.replicas", "max.message.bytes", "retention.ms", "retention.bytes")


def _is_denied(topic: Any) -> bool:  # noqa: ANN401 - TopicMetadata has no types
    return topic is not None and topic.error is not None and topic.error.name() in MAY_NOT


def _denied(name: str) -> Finding:
    return _refusal(
        "topic_describe_denied",
        f"These credentials do not allow describing {name}.",
        "Allow Describe, Write and Read on it, or give a --topic-prefix whose topics these credentials may use.",
    )


def _creation(target: Target, missing: Sequence[str]) -> Iterator[Finding]:
    """Whether what is missing may be created as configured: the broker is asked to check it, and to do nothing."""
    cluster = target.config.cluster
    refused = refused_creations(
        target.client, missing, cluster.partitions, cluster.replication_factor, only_check=True
    )
    if refused:
        reasons = "; ".join(dict.fromkeys(map(in_words, refused.values())))
        yield _refusal(
            "topics_not_creatable",
            f"Topics are missing and cannot be created: {reasons} ({', '.join(refused)}).",
            "Ask an administrator to create them, allow Create on them, or change --partitions, --replication-factor or"
            " --topic-prefix.",
        )
    elif missing:
        text = f"These topics do not exist yet: {', '.join(missing)}."
        yield _finding("topics_missing", "note", text, "The first run creates them; the cluster allows it.")


def _rights(target: Target, there: Sequence[str]) -> Iterator[Finding]:
    try:
        lacking = lacking_rights(target.client, there) if there else {}
    except KafkaException as error:
        raise RefusedError(
            f"The cluster did not answer about its topics: {in_words(error.args[0])}.",
            "Check that all brokers are up.",
        ) from error
    for name, rights in lacking.items():
        yield _refusal(
            "topic_rights",
            f"These credentials lack {rights} on {name}.",
            "Allow Write and Read on it, or give a --topic-prefix whose topics these credentials may use.",
        )


def _layout(config: RunConfig, name: str, partitions: int, leaderless: Sequence[int]) -> Iterator[Finding]:
    if leaderless:
        yield _refusal(
            "no_leader",
            f"{name} has no leader for {len(leaderless)} of {partitions} partitions.",
            "Start the brokers that have these partitions.",
        )
    if partitions < config.load.workers:
        yield _finding(
            "fewer_partitions_than_workers",
            "note",
            f"{name} has {partitions} partitions for {config.load.workers} workers.",
            "Some observers read nothing from it, and the others read more.",
            "Use at least as many partitions as workers.",
        )


def _replicas(config: RunConfig, name: str, least: int, replicas: int) -> Iterator[Finding]:
    if least > replicas and config.producer.acks == "all":
        yield _finding(
            "min_insync_replicas",
            "warning",
            f"{name}: min.insync.replicas is {least}, and there are {replicas} replicas.",
            "Brokers before Kafka 4 then refuse every event with acks=all.",
            f"Set min.insync.replicas to {replicas} or less, or add replicas.",
        )


def _size(name: str, most_bytes: int) -> Iterator[Finding]:
    if 0 <= most_bytes < _SMALL_MESSAGE_BYTES:
        yield _finding(
            "max_message_bytes",
            "refused",
            f"{name}: max.message.bytes is {most_bytes:,}.",
            "The broker refuses the larger ones of LENS's events.",
            f"Set it to {_SMALL_MESSAGE_BYTES:,} or more; the default is 1,048,588.",
        )


def _retention(name: str, settings: Mapping[str, str], number: Mapping[str, int]) -> Iterator[Finding]:
    if "compact" in settings.get("cleanup.policy", ""):
        yield _finding(
            "compacted",
            "warning",
            f"{name}: cleanup.policy is {settings['cleanup.policy']}.",
            "The broker deletes all but the last event of each key, also during a run. A run is invalid if events are"
            " deleted before they are read, and a history loses events.",
            "Set cleanup.policy to delete, or give a --topic-prefix.",
        )
    too_short = 0 <= number["retention.ms"] < _SHORT_RETENTION_MS
    too_small = 0 <= number["retention.bytes"] < _ROOM_BYTES
    if too_short or too_small:
        key = "retention.ms" if too_short else "retention.bytes"
        yield _finding(
            "short_retention",
            "warning",
            f"{name}: {key} is {number[key]:,}.",
            "A run is invalid if events are deleted before the observer reads them (deleted_before_read).",
            f"Set retention.ms to {_SHORT_RETENTION_MS:,} and retention.bytes to {_ROOM_BYTES:,}, or more.",
        )


def _timestamps(name: str, settings: Mapping[str, str]) -> Iterator[Finding]:
    if settings.get("message.timestamp.type") == "LogAppendTime":
        yield _finding(
            "log_append_time",
            "warning",
            f"{name}: message.timestamp.type is LogAppendTime.",
            "The broker replaces the timestamp of each event. Latencies are not affected: they use the due time in the"
            " event. seed refuses the topic, and replay --start TIME uses the broker's timestamps.",
            "Set message.timestamp.type to CreateTime for a history.",
        )


def _history(name: str, settings: Mapping[str, str], partitions: int) -> Iterator[Finding]:
    """What `seed` would refuse of the settings, with its own rules, beyond what is told already."""
    now_ms = time.time_ns() // NS_PER_MS
    told = {"cleanup.policy", "message.timestamp.type"}
    in_the_way = [
        each
        for each in obstacles(
            settings,
            now_ms=now_ms,
            start_ms=now_ms - _HISTORY_MS,
            until_ms=now_ms,
            partition_bytes=_ROOM_BYTES // partitions,
        )
        if each.key not in told
    ]
    if in_the_way:
        listed = ", ".join(f"{each.key} is {each.value}, which {each.effect}" for each in in_the_way)
        yield _finding(
            "history_would_not_stay",
            "note",
            f"{name}: {listed}.",
            "Runs are not affected, but seed refuses to write a history of 14 days there.",
            "Use seed --set-retention to change the topic.",
        )

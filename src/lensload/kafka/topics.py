"""Having the topics that a run needs, ready to be written and read."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclOperation,  # pyright: ignore[reportPrivateImportUsage]
    AdminClient,
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]
)

from lensload.errors import ClusterError
from lensload.kafka.client_errors import most_telling
from lensload.kafka.connection import admin_client, unreachable
from lensload.kafka.diagnosis import ADVERTISED_ADVICE

_TOPICS_S = 10.0
_OPENED_PER_S = 200  # partitions, at the least
_LEADERS_S = 5.0
_LOOK_AGAIN_S = 0.02
_RIGHTS = "Allow these credentials Describe, Write and Read on it, or give a --topic-prefix whose topics they may use."
MAY_NOT = {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"}
"""Names of the errors of topics that the credentials may not use."""


def ensure_topics(
    settings: Mapping[str, Any],
    names: Sequence[str],
    partitions: int | None,
    replication_factor: int | None,
    embedded: bool,
    topic_settings: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Have every topic of `names` (prefix included), ready to be written and read.

    Missing ones are created, with a leader for every partition before this returns; existing ones are used as
    they are. None stands for the broker's own default. Several processes may do this at once. On the embedded cluster `partitions` and
    `replication_factor` decide nothing: see `EmbeddedCluster`. Those that are created get `topic_settings`.

    Returns:
        The number of partitions of each topic.

    Raises:
        ClusterError: a topic may not be created, written or read, or is not ready within 10 s, or a broker that
            leads one cannot be reached; names the topic or the broker, and what to do.
    """
    admin, troubles = admin_client(settings)
    # A broker takes its time to open thousands of partitions.
    deadline_s = time.monotonic() + _TOPICS_S + len(names) * (partitions or 0) / _OPENED_PER_S
    try:
        known = admin.list_topics(timeout=_TOPICS_S).topics
    except KafkaException as error:
        admin.poll(0)
        raise unreachable(settings, [error.args[0], *troubles], _TOPICS_S) from error
    try:
        if not embedded:
            missing = [name for name in names if name not in known]
            refused = refused_creations(admin, missing, partitions, replication_factor, topic_settings)
            _check_created(refused)
        counts = _await_leaders(admin, names, deadline_s)
        if not embedded:
            _check_allowed(admin, names)
        _await_answers(admin, counts, deadline_s)
    except (KafkaException, TimeoutError) as error:
        admin.poll(0)
        answers = [error.args[0]] if isinstance(error, KafkaException) else []
        raise ClusterError(
            f"A broker does not answer at the address that it advertises: {most_telling([*answers, *troubles])}.",
            ADVERTISED_ADVICE,
        ) from error
    return counts


def refused_creations(
    admin: AdminClient,
    names: Sequence[str],
    partitions: int | None,
    replication_factor: int | None,
    topic_settings: Mapping[str, str] | None = None,
    *,
    only_check: bool = False,
) -> dict[str, KafkaError]:
    """Create topics that are missing; gives what the broker has against each that it does not create.

    `only_check`: have the broker check whether it would create them, and do nothing.
    """
    topics = [
        NewTopic(name, partitions or -1, replication_factor or -1, config=dict(topic_settings or {}))
        for name in names
    ]
    timeouts: Any = {"operation_timeout": _TOPICS_S, "request_timeout": _TOPICS_S}
    futures = admin.create_topics(topics, validate_only=only_check, **timeouts) if topics else {}
    errors = {name: future.exception(_TOPICS_S + 1) for name, future in futures.items()}
    refused = {name: error.args[0] for name, error in errors.items() if error is not None}
    # One that exists by now: another worker was faster.
    return {name: error for name, error in refused.items() if error.name() != "TOPIC_ALREADY_EXISTS"}


def _check_created(refused: Mapping[str, KafkaError]) -> None:
    for name, error in refused.items():
        if error.name().startswith("_"):
            raise KafkaException(error)
        raise ClusterError(f"The topic {name} cannot be created: {error.str()}", _creation_hint(error.name()))


def _creation_hint(name: str) -> str:
    if name in MAY_NOT:
        return "Have it created by someone who may, or allow these credentials Create and Describe on it."
    if name == "INVALID_REPLICATION_FACTOR":
        return (
            "Give a --replication-factor that is no more than the brokers, and no less than the cluster requires;"
            " without it the brokers' own default is used."
        )
    if name == "POLICY_VIOLATION":
        return (
            "The cluster does not allow a topic with these settings: give other --partitions or --replication-factor,"
            " or ask its operators to create the topic."
        )
    return "Create it by hand, or check --partitions, --replication-factor and --topic-prefix."


def _await_leaders(admin: AdminClient, names: Sequence[str], deadline_s: float) -> dict[str, int]:
    """The number of partitions of each topic, as soon as all have leaders."""
    counts: dict[str, int] = {}
    while True:
        for name in [name for name in names if name not in counts]:
            topic = admin.list_topics(name, timeout=max(0.1, deadline_s - time.monotonic())).topics[name]
            if topic.error is not None and topic.error.name() in MAY_NOT:
                raise ClusterError(
                    f"The topic {name} may not be used with these credentials: {topic.error.str()}.", _RIGHTS
                )
            if topic.partitions and all(each.leader >= 0 for each in topic.partitions.values()):
                counts[name] = len(topic.partitions)
        lacking = [name for name in names if name not in counts]
        if not lacking:
            return counts
        if time.monotonic() >= deadline_s:
            raise ClusterError(
                f"These topics have no leader for every partition: {', '.join(lacking)}.",
                "Check that all brokers are up, then try again.",
            )
        time.sleep(_LOOK_AGAIN_S)


def _check_allowed(admin: AdminClient, names: Sequence[str]) -> None:
    """Refuse now what the brokers would refuse event by event."""
    for name, lacking in lacking_rights(admin, names).items():
        raise ClusterError(f"The topic {name} refuses these credentials: {lacking} not allowed.", _RIGHTS)


def lacking_rights(admin: AdminClient, names: Sequence[str]) -> dict[str, str]:
    """What these credentials may not do on a topic and a run does, such as "WRITE and READ"; only where it is so.

    Raises:
        KafkaException: the cluster does not answer.
    """
    described = admin.describe_topics(
        TopicCollection(list(names)), include_authorized_operations=True, request_timeout=_TOPICS_S
    )
    found: dict[str, str] = {}
    for name, future in described.items():
        allowed = future.result(_TOPICS_S + 1).authorized_operations
        if not allowed or AclOperation.ALL in allowed:  # none: the broker does not tell
            continue
        lacking = [each.name for each in (AclOperation.WRITE, AclOperation.READ) if each not in allowed]
        if lacking:
            found[name] = " and ".join(lacking)
    return found


def _await_answers(admin: AdminClient, counts: Mapping[str, int], deadline_s: float) -> None:
    """Wait until each partition's leader has answered something.

    Metadata names the leader of a new partition a moment before that broker knows of it; and brokers often
    advertise addresses that only they can reach.
    """
    wanted: Any = {
        TopicPartition(name, number): OffsetSpec.latest()
        for name, count in counts.items()
        for number in range(count)
    }
    while True:
        try:
            for future in admin.list_offsets(wanted, request_timeout=_LEADERS_S).values():
                future.result(_LEADERS_S + 1)
        except KafkaException as error:
            reason = error.args[0]
            if reason.name().startswith("_"):  # librdkafka's own word, not a broker's: there was no answer
                raise
            if reason.name() in MAY_NOT or time.monotonic() >= deadline_s:
                slow = "The brokers are not ready with the topics: try again, or give fewer --partitions."
                raise ClusterError(
                    f"The topics cannot be used: {most_telling([reason])}.",
                    _RIGHTS if reason.name() in MAY_NOT else slow,
                ) from error
            time.sleep(_LOOK_AGAIN_S)
        else:
            return

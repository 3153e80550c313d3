"""The Kafka cluster, embedded or real: reaching it, and having the topics that a run needs."""

import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclOperation,  # pyright: ignore[reportPrivateImportUsage]
    AdminClient,
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]
)

from lensload.config.model import RunConfig
from lensload.errors import ClusterError
from lensload.kafka import client_config

LOGGER = logging.getLogger("lensload.kafka")
"""Where librdkafka's own log lines go (it hands them over when its client is polled); silent unless handled."""
LOGGER.addHandler(logging.NullHandler())

EMBEDDED_PARTITIONS = 4
"""Partitions of every topic on the embedded cluster: it creates a topic when first asked for it, always so."""

_TOPICS_S = 10.0
_LEADERS_S = 5.0
_LOOK_AGAIN_S = 0.02
_ATTEMPT_S = 1.0
_REFUSED_PATIENCE_S = 2.0
_TOLD_AGAIN_S = 30.0
# What librdkafka says (KafkaError.name()) and no waiting will mend, with what to do about it.
_HOPELESS = {
    "_AUTHENTICATION": "Check security.protocol and the sasl properties in the --client-config file.",
    "_SSL": "Check security.protocol and the ssl properties in the --client-config file, and that the port speaks TLS.",
    "_RESOLVE": "Check the host's name in --bootstrap-servers.",
    "_BAD_MSG": "Something other than Kafka answers there: check the port in --bootstrap-servers.",
}
_START = "Start the cluster, or check --bootstrap-servers; without it the embedded cluster is used."
_RIGHTS = "Allow these credentials Describe, Write and Read on it, or give a --topic-prefix whose topics they may use."
_MAY_NOT = {"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED"}


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a cluster says of itself.

    Attributes:
        cluster_id: its own name for itself; None if it has none.
        brokers: the address of each broker as the cluster advertises it.
    """

    cluster_id: str | None
    brokers: tuple[str, ...]


class Troubles:
    """What a client complains of, kept as sentences for people; to be given to it as its `error_cb`.

    A client that has lost its broker complains twenty times a second, so the same sentence is told again only
    after half a minute.
    """

    def __init__(self) -> None:
        self._fresh: dict[str, int] = {}
        self._told_s: dict[str, float] = {}

    def __call__(self, error: KafkaError) -> None:
        """Note one."""
        text = _words(error)
        self._fresh[text] = self._fresh.get(text, 0) + 1

    def take(self) -> list[str]:
        """What is to be told now."""
        now_s = time.monotonic()
        due = [
            text for text in self._fresh if now_s - self._told_s.get(text, -_TOLD_AGAIN_S) >= _TOLD_AGAIN_S
        ]
        self._told_s.update(dict.fromkeys(due, now_s))
        counts = {text: self._fresh.pop(text) for text in due}
        return [f"{text} ({count} times)" if count > 1 else text for text, count in counts.items()]


class EmbeddedCluster:
    """librdkafka's mock cluster in this process: one broker on a port of 127.0.0.1, until closed.

    Other processes of this machine may connect too. Nothing is kept when it closes.
    """

    def __init__(self) -> None:
        self._host: Producer | None = Producer({"test.mock.num.brokers": 1, "logger": LOGGER})
        try:
            metadata = self._host.list_topics(timeout=10)
        except KafkaException as error:
            raise ClusterError(f"The embedded cluster does not start: {error.args[0].str()}.") from error
        self.bootstrap_servers: str = ",".join(_addresses(metadata))

    def close(self) -> None:
        """End the cluster and forget what was written to it. Closing twice is once."""
        self._host = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def client_settings(config: RunConfig, bootstrap_servers: str) -> dict[str, Any]:
    """What every librdkafka client of a run is made with: the address, the --client-config file, and logging.

    Producers, consumers and admin clients take the same dict; add to a copy what only one of them needs. On the
    embedded cluster the file's security properties are left out.

    Raises:
        UsageError: the --client-config file is not fit (see `properties.read`).
    """
    own = client_config.read(config.client_config) if config.client_config else {}
    if config.embedded:
        own = client_config.without_security(own)
    return {"client.id": "lensload", **own, "bootstrap.servers": bootstrap_servers, "logger": LOGGER}


def check(settings: Mapping[str, Any], timeout_s: float = 10.0) -> ClusterFacts:
    """Reach the cluster, and tell what it says of itself.

    A broker that is just starting is waited for, but not for long; refused credentials, an unknown host or
    something that is not Kafka are told at once.

    Raises:
        ClusterError: it cannot be reached within `timeout_s`, or refuses us; names the address, the reason as the
            client gave it, and what to do.
    """
    admin, troubles = _admin(settings)
    begun_s = time.monotonic()
    while True:
        left_s = timeout_s - (time.monotonic() - begun_s)
        try:
            metadata = admin.list_topics(timeout=max(0.1, min(_ATTEMPT_S, left_s)))
        except KafkaException as error:
            admin.poll(0)
            waited_s = time.monotonic() - begun_s
            if waited_s >= timeout_s or _gives_up(troubles, waited_s):
                raise _unreachable(settings, [error.args[0], *troubles], waited_s) from error
        else:
            return ClusterFacts(metadata.cluster_id, tuple(_addresses(metadata)))


def ensure_topics(
    settings: Mapping[str, Any],
    names: Sequence[str],
    partitions: int,
    replication_factor: int,
    embedded: bool,
    topic_settings: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Have every topic of `names` (prefix included), ready to be written and read.

    Missing ones are created, with a leader for every partition before this returns; existing ones are used as
    they are. Several processes may do this at once. On the embedded cluster `partitions` and
    `replication_factor` decide nothing: see EMBEDDED_PARTITIONS. Those that are created get `topic_settings`.

    Returns:
        The number of partitions of each topic.

    Raises:
        ClusterError: a topic may not be created, written or read, or is not ready within 10 s, or a broker that
            leads one cannot be reached; names the topic or the broker, and what to do.
    """
    admin, troubles = _admin(settings)
    deadline_s = time.monotonic() + _TOPICS_S
    try:
        known = admin.list_topics(timeout=_TOPICS_S).topics
    except KafkaException as error:
        admin.poll(0)
        raise _unreachable(settings, [error.args[0], *troubles], _TOPICS_S) from error
    try:
        if not embedded:
            missing = [name for name in names if name not in known]
            _create(admin, missing, partitions, replication_factor, topic_settings or {})
        found = _await_leaders(admin, names, deadline_s)
        if not embedded:
            _check_allowed(admin, names)
        _await_answers(admin, found, deadline_s)
    except (KafkaException, TimeoutError) as error:
        admin.poll(0)
        told = [error.args[0]] if isinstance(error, KafkaException) else []
        raise ClusterError(
            f"A broker does not answer at the address that it advertises: {_reason([*told, *troubles])}.",
            "Set the brokers' advertised.listeners to addresses that can be reached from this machine.",
        ) from error
    return found


def _admin(settings: Mapping[str, Any]) -> tuple[AdminClient, list[KafkaError]]:
    """A client, and the list that gathers what it complains of whenever it is polled."""
    troubles: list[KafkaError] = []
    own: dict[str, Any] = {**settings, "error_cb": troubles.append}
    return AdminClient(own), troubles


def _gives_up(troubles: Iterable[KafkaError], waited_s: float) -> bool:
    refused = any("Connection refused" in trouble.str() for trouble in troubles)
    hopeless = any(trouble.name() in _HOPELESS for trouble in troubles)
    return hopeless or (refused and waited_s >= _REFUSED_PATIENCE_S)


def _unreachable(
    settings: Mapping[str, Any], troubles: Sequence[KafkaError], waited_s: float
) -> ClusterError:
    hint = next((_HOPELESS[trouble.name()] for trouble in troubles if trouble.name() in _HOPELESS), _START)
    return ClusterError(
        f"The cluster at {settings['bootstrap.servers']} cannot be reached (tried for {waited_s:.0f} s):"
        f" {_reason(troubles)}.",
        hint,
    )


def _reason(troubles: Sequence[KafkaError]) -> str:
    """The most telling of the troubles, in librdkafka's words without its inner workings."""
    telling = [trouble for trouble in troubles if trouble.name() != "_ALL_BROKERS_DOWN"]
    if not telling:
        return "no answer"
    worst = next((trouble for trouble in telling if trouble.name() in _HOPELESS), telling[-1])
    return _words(worst)


def _words(error: KafkaError) -> str:
    """An error in librdkafka's words without its inner workings, so that what is the same reads the same."""
    if error.name() == "_ALL_BROKERS_DOWN":  # whose own words count brokers that never were ("0/2 are down")
        return "no broker can be reached"
    text = re.sub(r" \(after \d+ms.*\)|Local: |^GroupCoordinator: |ipv[46]#", "", error.str())
    return re.sub(r"(:\d+)/(?:bootstrap|\d+)", r"\1", text)


def _addresses(metadata: Any) -> list[str]:  # noqa: ANN401 - ClusterMetadata has no types
    return [f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()]


def _create(
    admin: AdminClient,
    names: Sequence[str],
    partitions: int,
    replication_factor: int,
    topic_settings: Mapping[str, str],
) -> None:
    if not names:
        return
    config = dict(topic_settings)
    topics = [
        NewTopic(name, num_partitions=partitions, replication_factor=replication_factor, config=config)
        for name in names
    ]
    futures = admin.create_topics(topics, operation_timeout=_TOPICS_S, request_timeout=_TOPICS_S)
    for name, future in futures.items():
        try:
            future.result(_TOPICS_S)
        except KafkaException as error:
            reason = error.args[0]
            if reason.name() == "TOPIC_ALREADY_EXISTS":
                continue  # another worker was faster
            if reason.name().startswith("_"):
                raise
            raise ClusterError(
                f"The topic {name} cannot be created: {reason.str()}", _creation_hint(reason.name())
            ) from error


def _creation_hint(name: str) -> str:
    if name in _MAY_NOT:
        return "Have it created by someone who may, or allow these credentials Create and Describe on it."
    if name == "INVALID_REPLICATION_FACTOR":
        return "There are too few brokers for it: give a smaller --replication-factor."
    return "Create it by hand, or check --partitions, --replication-factor and --topic-prefix."


def _await_leaders(admin: AdminClient, names: Sequence[str], deadline_s: float) -> dict[str, int]:
    """The number of partitions of each topic, as soon as all have leaders."""
    found: dict[str, int] = {}
    while True:
        for name in names:
            if name in found:
                continue
            topic = admin.list_topics(name, timeout=max(0.1, deadline_s - time.monotonic())).topics[name]
            if topic.error is not None and topic.error.name() in _MAY_NOT:
                raise ClusterError(
                    f"The topic {name} may not be used with these credentials: {topic.error.str()}.",
                    _RIGHTS,
                )
            if topic.partitions and all(each.leader >= 0 for each in topic.partitions.values()):
                found[name] = len(topic.partitions)
        if len(found) == len(names):
            return found
        if time.monotonic() >= deadline_s:
            lacking = ", ".join(name for name in names if name not in found)
            raise ClusterError(
                f"These topics have no leader for every partition: {lacking}.",
                "See whether all brokers are up, then try again.",
            )
        time.sleep(_LOOK_AGAIN_S)


def _check_allowed(admin: AdminClient, names: Sequence[str]) -> None:
    """Refuse now what the brokers would refuse event by event."""
    described = admin.describe_topics(
        TopicCollection(list(names)), include_authorized_operations=True, request_timeout=_TOPICS_S
    )
    for name, future in described.items():
        allowed = future.result(_TOPICS_S).authorized_operations
        if not allowed:  # the broker does not tell
            continue
        lacking = [each.name for each in (AclOperation.WRITE, AclOperation.READ) if each not in allowed]
        if lacking and AclOperation.ALL not in allowed:
            raise ClusterError(
                f"The topic {name} refuses these credentials: {' and '.join(lacking)} not allowed.",
                _RIGHTS,
            )


def _await_answers(admin: AdminClient, found: Mapping[str, int], deadline_s: float) -> None:
    """Wait until each partition's leader has answered something.

    Metadata names the leader of a new partition a moment before that broker knows of it; and brokers often
    advertise addresses that only they can reach.
    """
    wanted: Any = {
        TopicPartition(name, number): OffsetSpec.latest()
        for name, count in found.items()
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
            if reason.name() in _MAY_NOT or time.monotonic() >= deadline_s:
                raise ClusterError(f"The topics cannot be used: {_reason([reason])}.", _RIGHTS) from error
            time.sleep(_LOOK_AGAIN_S)
        else:
            return

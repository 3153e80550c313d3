"""The brokers as this machine reaches them: each advertised address, by name and address family."""

import socket
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]
)

from lensload.doctor.finding import Finding, finding
from lensload.errors import LensloadError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.client_errors import in_words

_finding = partial(finding, "cluster")

_CONNECT_S: Final = 2.0
_ANSWER_S: Final = 10.0
_MOST_LOOKED_AT: Final = 64
_PROBES: Final = 8
_CLOCK_APART_MS: Final = 1_000.0


def reached(settings: Mapping[str, Any]) -> list[Finding]:
    """Whether the cluster answers, and whether each broker is reached where it says that it is.

    Raises:
        ClusterError: it does not answer.
    """
    begun_s = time.monotonic()
    facts = connection.check(settings)
    took_ms = (time.monotonic() - begun_s) * 1e3
    text = (
        f"The cluster at {settings['bootstrap.servers']} answered in {took_ms:,.0f} ms and has"
        f" {len(facts.brokers)} broker{'s' if len(facts.brokers) > 1 else ''}."
    )
    with ThreadPoolExecutor(16) as pool:
        addresses = pool.map(_address, facts.brokers[:_MOST_LOOKED_AT])
        return [_finding("cluster_reached", "ok", text), *addresses]


def _address(address: str) -> Finding:
    """A broker's advertised address: whether its name has addresses, and which of them accept a connection."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        every = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except OSError as error:
        return _unreachable(address, f"its name cannot be resolved ({error.strerror})")
    failures: list[str] = []
    reached_at: list[str] = []
    for family, _, _, _, where in dict.fromkeys(every):
        named = f"{'IPv6' if family == socket.AF_INET6 else 'IPv4'} {where[0]}"
        try:
            with socket.create_connection((str(where[0]), int(where[1])), timeout=_CONNECT_S):
                reached_at.append(named)
        except OSError as error:
            failures.append(f"{named}: {error.strerror or error}")
    if not reached_at:
        return _unreachable(address, "; ".join(failures))
    if failures:
        return _finding(
            "address_family",
            "warning",
            f"The broker at {address} can be reached by {', '.join(reached_at)}, but not by {'; '.join(failures)}.",
            "A client may try the address that does not answer first, which delays each connection.",
            "Set broker.address.family=v4 (or v6) in the --client-config file.",
        )
    text = f"The broker at {address} accepts connections ({', '.join(reached_at)})."
    return _finding("broker_reached", "ok", text)


def _unreachable(address: str, reason: str) -> Finding:
    return _finding(
        "broker_unreachable",
        "refused",
        f"The broker that advertises {address} cannot be reached: {reason}.",
        "No run can begin if this broker leads a partition of its topics.",
        "Set the broker's advertised.listeners to an address that this machine can reach.",
    )


def clock(settings: Mapping[str, Any], prefix: str) -> list[Finding]:
    """How far the brokers' clock is from this machine's, by a topic that is created for it and deleted again."""
    name = f"{prefix}lensload-doctor-{uuid.uuid4().hex[:12]}"
    client, admin = AdminClient(dict(settings)), TopicAdmin(settings)
    try:
        topic = NewTopic(name, 1, config={"message.timestamp.type": "LogAppendTime"})
        client.create_topics([topic], operation_timeout=_ANSWER_S)[name].result(_ANSWER_S)
    except KafkaException as error:
        return [
            finding(
                "clock",
                "clock_not_compared",
                "note",
                f"The brokers' clock could not be read: {in_words(error.args[0])}.",
                "It is not known whether it agrees with this machine's clock.",
                "Allow Create, Write and Delete on topics with this --topic-prefix.",
            )
        ]
    try:
        readings = _readings(settings, name)
    finally:
        left = _deleted(admin, name)
    return [*left, _clock_finding(readings)]


def _deleted(admin: TopicAdmin, name: str) -> list[Finding]:
    try:
        admin.delete([name])
    except LensloadError as error:
        return [
            finding(
                "topics",
                "probe_topic_left",
                "warning",
                f"The topic {name}, created to read the brokers' clock, could not be deleted: {error.message}",
                "",
                "Delete it by hand.",
            )
        ]
    return []


def _readings(settings: Mapping[str, Any], name: str) -> list[tuple[float, float]]:
    """For each message: how far the broker's clock is ahead in ms, and how well that is known."""
    answers: list[int] = []

    def delivered(error: object, message: Any) -> None:  # noqa: ANN401 - Message has no types
        if error is None:
            answers.append(message.timestamp()[1])

    producer = Producer({**settings, "linger.ms": 0, "on_delivery": delivered})
    found: list[tuple[float, float]] = []
    for _ in range(_PROBES):
        sent_ms = time.time() * 1e3
        producer.produce(name, b"lensload doctor")
        producer.flush(_ANSWER_S)
        heard_ms = time.time() * 1e3
        if answers:
            # The broker's stamp is a whole millisecond, cut off.
            found.append((answers.pop() + 0.5 - (sent_ms + heard_ms) / 2, (heard_ms - sent_ms) / 2 + 0.5))
    return found


def _clock_finding(readings: list[tuple[float, float]]) -> Finding:
    if not readings:
        return finding(
            "clock", "clock_not_compared", "note", "The brokers' clock could not be read: no answer."
        )
    ahead_ms, doubt_ms = min(readings, key=lambda each: each[1])
    where = "ahead of" if ahead_ms > 0 else "behind"
    text = f"The broker's clock is {abs(ahead_ms):,.1f} ms {where} this machine's (+/- {doubt_ms:,.1f} ms)."
    if abs(ahead_ms) - doubt_ms <= _CLOCK_APART_MS:
        return finding("clock", "broker_clock", "ok", text)
    return finding(
        "clock",
        "broker_clock",
        "warning",
        text,
        "Latencies do not use the broker's clock. Retention, the topics' limits of timestamps and replay --start TIME do.",
        "Synchronise both clocks with NTP (chronyd).",
    )

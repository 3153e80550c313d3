"""Reaching a Kafka cluster: what every client is made with, and whether the cluster answers."""

import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from lensload.config import client_file
from lensload.config.fields import Cluster
from lensload.config.fields import Registry as RegistryFields
from lensload.errors import ClusterError
from lensload.kafka import client_config
from lensload.kafka.diagnosis import diagnosed, is_hopeless, of_another_protocol

if TYPE_CHECKING:
    from lensload.schema.registry import Registry

LOGGER = logging.getLogger("lensload.kafka")
"""Where librdkafka's own log lines go (it hands them over when its client is polled); silent unless handled."""
LOGGER.addHandler(logging.NullHandler())

REACH_S = 7.5
"""How long a cluster is tried for: so that an address that never answers is named within ten, starting up included."""

_ATTEMPT_S = 1.0
_SUSPICIOUS_S = 3.0
_REFUSED_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a cluster says of itself.

    Attributes:
        cluster_id: its own name for itself; None if it has none.
        brokers: the address of each broker as the cluster advertises it.
    """

    cluster_id: str | None
    brokers: tuple[str, ...]


def client_settings(cluster: Cluster, bootstrap_servers: str | None = None) -> dict[str, Any]:
    """What every librdkafka client of a run is made with: the address, the --client-config file, and logging.

    Producers, consumers and admin clients take the same dict; add to a copy what only one of them needs. On the
    embedded cluster what of the file is about a connection is left out.

    Args:
        cluster: from the configuration.
        bootstrap_servers: where the cluster is, if not where the configuration says: the embedded one.

    Raises:
        UsageError: the --client-config file is not fit (see `client_config.read`).
    """
    own = client_config.read(cluster.client_config) if cluster.client_config else {}
    if cluster.embedded:
        own = client_config.for_embedded(own)
    address = bootstrap_servers or cluster.bootstrap_servers or ""
    return {"client.id": "lensload", **own, "bootstrap.servers": address, "logger": LOGGER}


def notices(cluster: Cluster) -> list[str]:
    """What of the --client-config file is left out, and what in it looks wrong.

    Raises:
        UsageError: the file is not fit (see `client_config.read`).
    """
    if not cluster.client_config:
        return []
    own = client_config.read(cluster.client_config)
    found = list(client_file.read(cluster.client_config).notices)
    dropped = [key for key in own if key not in client_config.for_embedded(own)] if cluster.embedded else []
    if dropped:
        found.append(f"{cluster.client_config}: the embedded cluster does without {', '.join(dropped)}.")
    return found


def registry_of(where: RegistryFields, url: str | None = None) -> "Registry":
    """The registry that goes with a configuration, or that at `url`, with the credentials of the environment or of the --client-config file.

    Raises:
        UsageError: the file, or what the environment says of the registry, is not fit.
    """
    from lensload.schema.registry import connect  # noqa: PLC0415 - slow to import, and observers need none

    return connect(url or where.registry, client_file.registry_environ(where.client_config, os.environ))


def check(settings: Mapping[str, Any], timeout_s: float = REACH_S) -> ClusterFacts:
    """Reach the cluster, and tell what it says of itself.

    A broker that is just starting is waited for, but not for long; refused credentials, an unknown host or
    something that is not Kafka are told at once.

    Raises:
        ClusterError: it cannot be reached within `timeout_s`, or refuses us; names the address, the reason as the
            client gave it, and what to do.
    """
    admin, troubles = admin_client(settings)
    begun_s, suspected = time.monotonic(), False
    while True:
        left_s = timeout_s - (time.monotonic() - begun_s)
        try:
            metadata = admin.list_topics(timeout=max(0.1, min(_ATTEMPT_S, left_s)))
        except KafkaException as error:
            admin.poll(0)
            waited_s = time.monotonic() - begun_s
            if not suspected and waited_s >= _SUSPICIOUS_S:
                suspected, timeout_s = True, 0.0 if of_another_protocol(settings) else timeout_s
            if waited_s >= timeout_s or _gives_up(troubles, waited_s):
                raise unreachable(settings, [error.args[0], *troubles], waited_s) from error
        else:
            return ClusterFacts(metadata.cluster_id, tuple(addresses(metadata)))


def admin_client(settings: Mapping[str, Any]) -> tuple[AdminClient, list[KafkaError]]:
    """A client, and the list that gathers what it complains of whenever it is polled."""
    troubles: list[KafkaError] = []
    own: dict[str, Any] = {**settings, "error_cb": troubles.append}
    return AdminClient(own), troubles


def unreachable(settings: Mapping[str, Any], troubles: Sequence[KafkaError], waited_s: float) -> ClusterError:
    """The error to raise when a cluster was tried for so long in vain."""
    found = diagnosed(settings, troubles)
    return ClusterError(
        f"The cluster at {settings['bootstrap.servers']} cannot be reached (tried for {waited_s:.0f} s):"
        f" {found.reason}.",
        found.advice,
    )


def addresses(metadata: Any) -> list[str]:  # noqa: ANN401 - ClusterMetadata has no types
    """Each broker's address as the cluster advertises it."""
    return [f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()]


def _gives_up(troubles: Iterable[KafkaError], waited_s: float) -> bool:
    refused = any("Connection refused" in trouble.str() for trouble in troubles)
    hopeless = any(map(is_hopeless, troubles))
    return hopeless or (refused and waited_s >= _REFUSED_PATIENCE_S)

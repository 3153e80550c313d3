"""What a run needs before its first event: a cluster that answers, its schemas in the registry, its topics."""

from dataclasses import dataclass
from typing import Any

from lensload.config.model import RunConfig
from lensload.kafka import connection
from lensload.kafka.connection import ClusterFacts
from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions, registration, registry
from lensload.schema.definitions import Schema
from lensload.schema.migration import newer_schemas
from lensload.schema.registry import Registry


@dataclass(frozen=True, slots=True)
class Version:
    """Schemas of topics, by topic.

    Attributes:
        schemas: as this program has them.
        ids: the registry's id of each.
        texts: as the registry has them: with other docs or properties, perhaps.
    """

    schemas: dict[str, Schema]
    ids: dict[str, int]
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run found, or had made.

    Attributes:
        settings: what every client of the cluster is made with.
        cluster: what the cluster says of itself.
        registry: a connection, to be closed by whoever asked for it.
        versions: the schemas of the run's topics; behind them, if any topic changes over, the newer ones of those.
    """

    settings: dict[str, Any]
    cluster: ClusterFacts
    registry: Registry
    versions: tuple[Version, ...]


def prepare(config: RunConfig, bootstrap_servers: str, registry_url: str, *, embedded: bool) -> Surroundings:
    """Reach cluster and registry, and have all schemas registered and all topics ready; again and again is once.

    Args:
        config: of the run.
        bootstrap_servers: where the cluster is, the embedded one's address filled in.
        registry_url: where the registry is, or mock://.
        embedded: whether the cluster is the embedded one.

    Raises:
        ClusterError: the cluster cannot be reached or used, or a topic cannot.
        RegistryError: the registry cannot be reached or used.
        SchemaError: a schema file, or a newer schema, does not fit.
        UsageError: the --client-config file does not.
    """
    cluster, topics = config.cluster, config.load.topics
    schemas = {topic: schema for topic, schema in definitions.load().items() if topic in topics}
    newer = newer_schemas(config.producer.evolve, schemas)
    settings = connection.client_settings(cluster, bootstrap_servers)
    facts = connection.check(settings)
    books = connection.registry_of(cluster, registry_url)
    try:
        known = registration.register(books, schemas, cluster.topic_prefix, cluster.register_schemas)
        schema_ids = registry.schema_ids(known)
        newer_ids = registration.register_newer(books, newer, schema_ids, cluster.topic_prefix)
        names = [cluster.topic_prefix + topic for topic in topics]
        ensure_topics(settings, names, cluster.partitions, cluster.replication_factor, embedded=embedded)
        versions = (
            Version(schemas, schema_ids, {topic: each.text for topic, each in known.items()}),
            Version(newer, newer_ids, {topic: schema.text for topic, schema in newer.items()}),
        )
    except BaseException:
        books.close()
        raise
    return Surroundings(settings, facts, books, versions if newer else versions[:1])

"""What a run needs before its first event: a cluster that answers, its schemas in the registry, its topics."""

from dataclasses import dataclass, field
from typing import Any

from lensload.config.model import RunConfig
from lensload.encoding.keys import KeySchema
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
        schemas: as this program has them, parsed.
        ids: the registry's id of each.
        texts: as the registry has them: with other docs or properties, perhaps.
        keys: the schema of the keys of those topics whose keys are Avro.
        subjects: the subject of each topic that has its schema from one that is not named by the topic.
    """

    schemas: dict[str, dict[str, Any]]
    ids: dict[str, int]
    texts: dict[str, str]
    keys: dict[str, KeySchema] = field(default_factory=dict[str, KeySchema])
    subjects: dict[str, str] = field(default_factory=dict[str, str])


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
    settings = connection.client_settings(cluster, bootstrap_servers)
    facts = connection.check(settings)
    books = connection.registry_of(cluster, registry_url)
    try:
        versions = _of_workload(config, books) if config.load.workload else _of_lens(config, books)
        names = [cluster.topic_prefix + topic for topic in topics]
        ensure_topics(settings, names, cluster.partitions, cluster.replication_factor, embedded=embedded)
    except BaseException:
        books.close()
        raise
    return Surroundings(settings, facts, books, versions)


def _of_lens(config: RunConfig, books: Registry) -> tuple[Version, ...]:
    """LENS's schemas, registered, and the newer ones that topics change over to."""
    cluster = config.cluster
    schemas = {topic: schema for topic, schema in definitions.load().items() if topic in config.load.topics}
    newer = newer_schemas(config.producer.evolve, schemas)
    known = registration.register(books, schemas, cluster.topic_prefix, cluster.register_schemas)
    schema_ids = registry.schema_ids(known)
    newer_ids = registration.register_newer(books, newer, schema_ids, cluster.topic_prefix)
    versions = (
        Version(_parsed(schemas), schema_ids, {topic: each.text for topic, each in known.items()}),
        Version(_parsed(newer), newer_ids, {topic: schema.text for topic, schema in newer.items()}),
    )
    return versions if newer else versions[:1]


def _parsed(schemas: dict[str, Schema]) -> dict[str, dict[str, Any]]:
    return {topic: schema.parsed for topic, schema in schemas.items()}


def _of_workload(config: RunConfig, books: Registry) -> tuple[Version, ...]:
    """The schemas of the workload's topics, registered or looked up."""
    from lensload.workload.registration import register  # noqa: PLC0415 - seldom wanted

    cluster, workload = config.cluster, config.load.workload
    wanted = [topic for topic in workload.topics if topic.name in config.load.topics] if workload else []
    found = register(books, wanted, cluster.topic_prefix, cluster.register_schemas)
    named = {topic: definitions.subject(topic, cluster.topic_prefix) for topic in found}
    return (
        Version(
            {topic: each.value.parsed for topic, each in found.items()},
            {topic: each.value.known.schema_id for topic, each in found.items()},
            {topic: each.value.known.text for topic, each in found.items()},
            {
                topic: KeySchema(each.key.parsed, each.key.known.schema_id)
                for topic, each in found.items()
                if each.key
            },
            {
                topic: each.value.subject
                for topic, each in found.items()
                if each.value.subject != named[topic]
            },
        ),
    )

"""All that the doctor looks at, in the order in which a run meets it."""

from collections.abc import Callable
from typing import Any

from lensload.config.model import RunConfig
from lensload.doctor import cluster, machine, schemas, topics
from lensload.doctor.finding import Area, Finding, finding, refusal
from lensload.errors import LensloadError, UsageError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.schema import definitions


def examine(config: RunConfig, *, probe_topic: bool = False) -> list[Finding]:
    """What there is to find before a run with this configuration; nothing is registered, created or written.

    Args:
        config: of the run.
        probe_topic: create a topic to read the brokers' clock, and delete it again.
    """
    found = [
        finding("connection", "client_config", "warning", notice, "The login may fail because of it.")
        for notice in connection.notices(config.cluster)
    ]
    if config.cluster.embedded:
        found.append(_embedded())
    else:
        settings = connection.client_settings(config.cluster, str(config.cluster.bootstrap_servers))
        of_cluster = _tried("cluster", lambda: cluster.reached(settings))
        found += of_cluster
        if not any(each["code"] == "cluster_refused" for each in of_cluster):
            found += _tried("topics", lambda: topics.examined(_target(config, settings)))
            if probe_topic:
                found += _tried("clock", lambda: cluster.clock(settings, config.cluster.topic_prefix))
        found += _tried("registry", lambda: _registry(config))
    return [*found, *machine.examined(config)]


def settings_in_the_way(config: RunConfig, settings: dict[str, Any]) -> list[Finding]:
    """What the topics' settings would do to a run: the part that costs a request a topic, and that `bench` looks at."""
    target = _target(config, settings)

    def looked_at() -> list[Finding]:
        every = target.admin.all()
        return topics.fitness(target, {name: every[name] for name in target.names if name in every})

    return [each for each in _tried("topics", looked_at) if each["severity"] not in ("ok", "note")]


def _target(config: RunConfig, settings: dict[str, Any]) -> topics.Target:
    names = [config.cluster.topic_prefix + topic for topic in config.load.topics]
    return topics.Target(TopicAdmin(settings), connection.admin_client(settings)[0], names, config)


def _registry(config: RunConfig) -> list[Finding]:
    if (config.cluster.registry_url or "mock:").startswith("mock:"):
        text = "No registry is used (mock://): schema ids are invented."
        return [finding("registry", "no_registry", "note", text, "No other program can decode the events.")]
    if config.load.workload is not None:
        text = "The schemas of a workload are not compared with the registry here."
        return [
            finding("registry", "workload_schemas", "note", text, "A run registers those that are missing.")
        ]
    loaded = {topic: schema for topic, schema in definitions.load().items() if topic in config.load.topics}
    with connection.registry_of(config.cluster) as registry:
        return schemas.examined(
            registry, loaded, config.cluster.topic_prefix, config.cluster.register_schemas
        )


def _embedded() -> Finding:
    return finding(
        "cluster",
        "embedded",
        "note",
        "No --bootstrap-servers: a run uses the embedded cluster.",
        "Its figures are the client's, never a broker's.",
        "Give --bootstrap-servers and --registry-url to use a real cluster.",
    )


def _tried(area: Area, look: Callable[[], list[Finding]]) -> list[Finding]:
    """What is found; an error of ours becomes a finding, so that the rest is looked at too."""
    try:
        return look()
    except UsageError as error:
        return [refusal(area, f"{area}_usage", error.message, error.hint, "usage")]
    except LensloadError as error:
        return [refusal(area, f"{area}_refused", error.message, error.hint)]

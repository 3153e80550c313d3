"""`lensload bench`: everything is checked here, before anything starts; then this process becomes the run's."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from lensload import bench as bench_process
from lensload.capacity.repeat import repeated
from lensload.cli.options import Command, config_option, run_options
from lensload.config import loading
from lensload.config.model import RunConfig
from lensload.errors import LensloadError, UsageError
from lensload.kafka import client_config
from lensload.report import outputs
from lensload.schema import definitions
from lensload.schema.migration import newer_schemas

BENCH_DURATION_S = 30.0
_REACH_S = 7.5  # so that an address that never answers is named within ten, starting up included


@click.command(
    cls=Command,
    short_help="Send events at a rate and measure their latency.",
    epilog="Every flag but --config may also stand in lensload.toml (topic_prefix = ...) or in the environment"
    " (LENSLOAD_TOPIC_PREFIX=...). A flag beats the environment, which beats the file.",
)
@run_options()
@config_option
def bench(config: Path | None, **flags: str | list[str] | None) -> None:
    """Send events at a rate, measure, show a table, and write the run file.

    Without an address the run takes place on an embedded cluster, whose numbers are the client's, never a
    Kafka broker's. Exit codes: 0 passed; 1 an objective was missed or events were lost; 2 wrong usage; 3 the
    measurement is invalid; 4 the cluster or the registry cannot be reached or refused.
    """
    run = prepare(flags, config)
    if not run.cluster.embedded:
        _reach(run)
    if run.load.repeat > 1 and run.outputs.web:
        raise UsageError("--web shows one run, and --repeat asks for several.", "Leave out one of the two.")
    if run.load.repeat > 1:
        sys.exit(repeated(run, bench_process.command)[1])
    command, environ = bench_process.command(run, os.environ)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environ)  # noqa: S606 - no shell is wanted


def prepare(flags: Mapping[str, str | list[str] | None], file: Path | None) -> RunConfig:
    """The configuration of a bench run, with all that can be checked before anything starts.

    Raises:
        UsageError: a value, the file, the --client-config file, a schema file or the run file's place is unfit.
    """
    run = loading.load(flags, file=file)
    if run.load.duration_s is None:
        run = run.changed(duration_s=BENCH_DURATION_S)
    newer_schemas(run.producer.evolve, _of_run(run), lambda newer: _verdict(run, newer))
    if run.cluster.client_config:
        client_config.read(run.cluster.client_config)
    outputs.check(run.outputs)
    if run.outputs.prometheus_port:
        from lensload.coordinator.prometheus import check_free  # noqa: PLC0415 - slow to import, and seldom wanted

        check_free(run.outputs.prometheus_host, run.outputs.prometheus_port)
    return run


def _reach(run: RunConfig) -> None:
    """Reach cluster and registry, and have topics and schemas there, before any worker wants the same.

    The generators do all this again; but here a wrong address is named within ten seconds.
    """
    # Half of a start's time, and not for the embedded cluster.
    from lensload.kafka import connection  # noqa: PLC0415
    from lensload.kafka.topics import ensure_topics  # noqa: PLC0415
    from lensload.schema import registration, registry  # noqa: PLC0415

    loaded = definitions.load()
    settings = connection.client_settings(run.cluster, run.cluster.bootstrap_servers or "")
    connection.check(settings, timeout_s=_REACH_S)
    with registry.connect(run.cluster.registry_url or "mock://") as books:
        schema_ids = books.register(loaded, run.cluster.topic_prefix, timeout_s=_REACH_S)
        registration.register_newer(
            books, newer_schemas(run.producer.evolve, _of_run(run)), schema_ids, run.cluster.topic_prefix
        )
    names = [run.cluster.topic_prefix + topic for topic in run.load.topics]
    ensure_topics(settings, names, run.cluster.partitions, run.cluster.replication_factor, embedded=False)


def _of_run(run: RunConfig) -> dict[str, definitions.Schema]:
    return {topic: schema for topic, schema in definitions.load().items() if topic in run.load.topics}


def _verdict(run: RunConfig, newer: definitions.Schema) -> str:
    """What the run's registry says of a newer schema, as a line to add to LENS's own verdict; "" without one."""
    if not run.cluster.registry_url or run.cluster.registry_url.startswith("mock:"):
        return ""
    from lensload.schema import registration, registry  # noqa: PLC0415 - half of a start's time

    try:
        with registry.connect(run.cluster.registry_url) as books:
            fits = registration.verdict(
                books, definitions.subject(newer.topic.name, run.cluster.topic_prefix), newer
            )
    except LensloadError as error:
        return f"\nThe registry could not be asked: {error.message}"
    says = {
        True: "it may follow",
        False: "it may not follow",
        None: "none, for want of a version to compare with",
    }
    return f"\nThe registry's own verdict: {says[fits]}."

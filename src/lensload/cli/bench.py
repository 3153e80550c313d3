"""`lensload bench`: everything is checked here, before anything starts; then this process makes the run."""

import signal
import sys

import click

from lensload import bench as bench_process
from lensload.cli.options import Command, Given, run_options, tell_notices
from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.processes.stop_signals import stopping_by
from lensload.report import outputs
from lensload.schema import definitions
from lensload.schema.migration import newer_schemas

BENCH_DURATION_S = 30.0


@click.command(
    cls=Command,
    epilog="Every option but --config can also be set in lensload.toml (topic_prefix = ...) or in the environment"
    " (LENSLOAD_TOPIC_PREFIX=...). A flag overrides the environment, which overrides the file.",
)
@run_options()
def bench(given: Given) -> None:
    """Send events at a rate, measure their latency, print the result, and write the run file.

    Without --bootstrap-servers the run uses an embedded cluster, whose figures are the client's, never a
    Kafka broker's. Exit codes: 0 passed; 1 an objective was missed or events were lost; 2 wrong usage; 3 the
    measurement is invalid; 4 the cluster or the registry cannot be reached or refused.
    """
    run = prepare(given)
    if run.load.repeat > 1:
        from lensload.capacity.repeat import repeated  # noqa: PLC0415 - slow to import, and seldom wanted

        if run.outputs.web:
            raise UsageError(
                "--web shows one run, and --repeat asks for several.", "Leave out one of the two."
            )
        with stopping_by(signal.default_int_handler):
            look_around(run)
            code = repeated(run, bench_process.command)[1]
        sys.exit(code)
    sys.exit(bench_process.run(run, lambda: look_around(run)))


def look_around(run: RunConfig) -> None:
    """Have everything ready on a cluster with an address; say what was created, and which settings are in the way.

    The generators do all this again, each on its host; but here a wrong address is named within ten seconds.

    Raises:
        LensloadError: as `preflight.prepare` does.
    """
    if run.cluster.embedded:
        return
    from lensload.doctor.examination import settings_in_the_way  # noqa: PLC0415 - half of a start's time
    from lensload.kafka import preflight  # noqa: PLC0415
    from lensload.kafka.created import noting_created  # noqa: PLC0415

    cluster, registry = run.cluster.bootstrap_servers or "", run.cluster.registry_url or "mock://"
    with noting_created(run.cluster, run.load.topics, run.load.workload) as created:
        found = preflight.prepare(run, cluster, registry, embedded=False)
        found.registry.close()
    for text in created:
        click.echo(text, err=True)
    for each in settings_in_the_way(run, found.settings):
        click.echo(f"Notice: {each['text']} {each['meaning']} {each['fix']}", err=True)


def prepare(given: Given) -> RunConfig:
    """The configuration of a bench run, with all that can be checked before anything starts.

    Raises:
        UsageError: a value, the file, the --client-config file, a schema file or the run file's place is unfit.
    """
    run = given.config()
    if run.load.duration_s is None:
        run = run.changed(duration_s=BENCH_DURATION_S)
    if run.load.workload is None:
        schemas = {topic: schema for topic, schema in definitions.load().items() if topic in run.load.topics}
        newer_schemas(run.producer.evolve, schemas)
    tell_notices(run.cluster)
    outputs.check(run.outputs)
    if run.outputs.prometheus_port:
        from lensload.coordinator.prometheus import check_free  # noqa: PLC0415 - slow to import, and seldom wanted

        check_free(run.outputs.prometheus_host, run.outputs.prometheus_port)
    return run

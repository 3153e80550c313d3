"""The command line: `lensload bench`, and the other commands from their own modules.

Of `bench`, everything is checked here, before anything starts, and then this process becomes the run's
(`lensload.bench`). Exit codes are those of the errors' tree, and 2 for what click refuses.
"""

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lensload import __version__, atomic_file
from lensload import bench as bench_process
from lensload.capacity.repeat import repeated
from lensload.cli.capacity import capacity
from lensload.cli.compare import compare
from lensload.cli.replay import replay
from lensload.cli.report import report
from lensload.cli.run_options import run_options
from lensload.cli.schemas import schemas_group
from lensload.cli.seed import seed
from lensload.config import loading
from lensload.config.model import RunConfig
from lensload.errors import InvalidRunError, LensloadError
from lensload.kafka import client_config
from lensload.pacing.pacer import Profile
from lensload.report.outputs import Views
from lensload.schema import definitions
from lensload.schema.migration import newer_schemas

BENCH_DURATION_S = 30.0
_REACH_S = 7.5  # so that an address that never answers is named within ten, starting up included


class _Commands(click.Group):
    """A group whose commands may raise LensloadError: shown as its text on stderr and its exit code."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command; no error of ours becomes a traceback, and none of others an exit code of a verdict."""
        try:
            return super().invoke(ctx)
        except LensloadError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Error: Stopped.", err=True)
            ctx.exit(InvalidRunError.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # noqa: BLE001 - Python would end with 1, which is a verdict
            traceback.print_exc()
            click.echo("Error: This is a fault of lensload; the lines above say where.", err=True)
            ctx.exit(InvalidRunError.exit_code)


@click.group(name="lensload", cls=_Commands, context_settings={"max_content_width": 110})
@click.version_option(__version__, prog_name="lensload")
def main() -> None:
    """Coherent LENS events on Kafka at a controlled rate, and latency that can be defended."""


@main.command(
    epilog="Every flag but --config may also stand in lensload.toml (topic_prefix = ...) or in the environment"
    " (LENSLOAD_TOPIC_PREFIX=...). A flag beats the environment, which beats the file."
)
@run_options()
@click.option("--config", metavar="FILE", type=Path, help="Read this file in place of lensload.toml.")
def bench(config: Path | None, **flags: str | list[str] | None) -> None:
    """Run headless: send events at a rate, measure, show a table, write the run file.

    Without an address the run takes place on an embedded cluster, whose numbers are the client's, never a
    Kafka broker's.
    """
    run = prepare(flags, config)
    if not run.embedded:
        _reach(run)
    if run.repeat > 1:
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
    if run.duration_s is None:
        run = run.changed(duration_s=BENCH_DURATION_S)
    Profile.parse(run.profile)
    newer_schemas(run.evolve, _of_run(run), lambda newer: _verdict(run, newer))
    if run.client_config:
        client_config.read(run.client_config)
    atomic_file.check_writable(run.run_file)
    Views.of(run).check()
    if run.prometheus_port:
        from lensload.coordinator.prometheus import check_free  # noqa: PLC0415 - slow to import, and seldom wanted

        check_free(run.prometheus_host, run.prometheus_port)
    return run


def _reach(run: RunConfig) -> None:
    """Reach cluster and registry, and have topics and schemas there, before any worker wants the same.

    The engines do all this again; but here a wrong address is named within ten seconds, without Locust around it.
    """
    # Half of a start's time, and not for the embedded cluster.
    from lensload.kafka import connection  # noqa: PLC0415
    from lensload.kafka.topics import ensure_topics  # noqa: PLC0415
    from lensload.schema import registration, registry  # noqa: PLC0415

    loaded = definitions.load()
    settings = connection.client_settings(run, run.bootstrap_servers or "")
    connection.check(settings, timeout_s=_REACH_S)
    with registry.connect(run.registry_url or "mock://") as books:
        schema_ids = books.register(loaded, run.topic_prefix, timeout_s=_REACH_S)
        registration.register_newer(
            books, newer_schemas(run.evolve, _of_run(run)), schema_ids, run.topic_prefix
        )
    names = [run.topic_prefix + topic for topic in run.topics]
    ensure_topics(settings, names, run.partitions, run.replication_factor, embedded=False)


def _of_run(run: RunConfig) -> dict[str, definitions.Schema]:
    return {topic: schema for topic, schema in definitions.load().items() if topic in run.topics}


def _verdict(run: RunConfig, newer: definitions.Schema) -> str:
    """What the run's registry says of a newer schema, as a line to add to LENS's own verdict; "" without one."""
    if not run.registry_url or run.registry_url.startswith("mock:"):
        return ""
    from lensload.schema import registration, registry  # noqa: PLC0415 - half of a start's time

    try:
        with registry.connect(run.registry_url) as books:
            fits = registration.verdict(books, definitions.subject(newer.topic.name, run.topic_prefix), newer)
    except LensloadError as error:
        return f"\nThe registry could not be asked: {error.message}"
    says = {
        True: "it may follow",
        False: "it may not follow",
        None: "none, for want of a version to compare with",
    }
    return f"\nThe registry's own verdict: {says[fits]}."


main.add_command(capacity)
main.add_command(schemas_group)
main.add_command(replay)
main.add_command(report)
main.add_command(compare)
main.add_command(seed)

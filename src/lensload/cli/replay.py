"""`lensload replay`: the command line's door to replay."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from lensload.config import loading
from lensload.config.options import options

Command = TypeVar("Command", bound=Callable[..., Any])

_CLUSTER = ("bootstrap_servers", "registry_url", "client_config", "topic_prefix", "replication_factor")


def _with_cluster_options(command: Command) -> Command:
    """Give the command the flags that say where the cluster is; one not given is None."""
    for option in reversed([option for option in options() if option.field in _CLUSTER]):
        click.option(option.flag, option.name, metavar=option.metavar, help=option.help)(command)
    return command


@click.command(
    epilog="Exit codes: 0 done, also when messages were kept aside; 2 wrong usage, or a topic or version that does"
    " not exist; 3 stopped before the end; 4 cluster or registry cannot be reached or refuse."
)
@click.argument("topics", metavar="TOPIC...", nargs=-1, required=True)
@click.option(
    "--start",
    metavar="WHERE",
    help="earliest; a time (2026-01-31T12:00:00Z, or Unix milliseconds): the first message at or after it; or"
    " offset:N.  [default: earliest, or where the group stopped]",
)
@click.option("--partition", "partitions", metavar="N", type=click.IntRange(min=0), multiple=True,
              help="Read this partition alone; may be given several times.")  # fmt: skip
@click.option(
    "--group",
    metavar="NAME",
    help="Read as this consumer group: several replays may share the work, and one that was stopped goes on."
    " Without it, nothing is left behind in the cluster.",
)
@click.option("--follow", is_flag=True, help="Go on with what comes after the present ends, until Ctrl-C.")
@click.option(
    "--as-version",
    metavar="VERSION",
    help="Resolve every record to this schema: latest, the number of a version of the topic's subject, or an"
    " .avsc file. Without it, each is as it was written.",
)
@click.option("--print", "layout", type=click.Choice(["table", "jsonl"]), help="Print the records.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Print at most so many.")
@click.option("--output-format", "file_format", type=click.Choice(["avro", "parquet"]),
              help="Write the records to files, one for each topic and schema: Avro containers, or Parquet (with lensload[parquet]).")  # fmt: skip
@click.option(
    "--output-dir",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the records to files in this new or empty folder.",
)
@click.option(
    "--into-topic",
    "into",
    metavar="TOPIC",
    help="Produce the messages into this topic: bytes, key, headers and timestamp as they are.",
)
@click.option(
    "--speed",
    metavar="PACE",
    help="The pace of --into-topic, by the original timestamps: original, a multiple such as 2x, or full.  [default: full]",
)
@click.option(
    "--decode", is_flag=True, help="Decode every value, also where headers would do: finds what does not fit."
)
@click.option(
    "--rejects",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where messages go that cannot be decoded, as JSON lines.  [default: replay-rejects.jsonl, if there are any]",
)
@_with_cluster_options
@click.option("--config", metavar="FILE", type=Path, help="Read this file in place of lensload.toml.")
def replay(
    topics: tuple[str, ...],
    config: Path | None,
    **given: object,
) -> None:
    """Read history back: each message by the schema version that wrote it.

    From the earliest offset, a time or an offset, up to the present ends; counted, printed, written to files or
    produced into another topic. What cannot be decoded is counted, kept aside, and stops nothing.
    """
    from lensload.replay import job  # noqa: PLC0415 - the clients cost half a second, which --help need not pay

    flags = {option.name: given.pop(option.name) for option in options() if option.field in _CLUSTER}
    rest: dict[str, Any] = given
    job.run(job.Wish(topics=topics, **rest), loading.load(flags, file=config))

"""`lensload replay`: read topics back, to count, print, write or send what they hold."""

from typing import Any

import click

from lensload.cli.options import (
    FOLDER,
    NEW_FILE,
    Command,
    Given,
    Quantity,
    option_group,
    run_options,
    tell_notices,
)
from lensload.config.fields import Cluster

_CLUSTER = ("bootstrap_servers", "registry_url", "client_config", "topic_prefix", "replication_factor")
_what = option_group("What to read")
_how = option_group("What to do with it")


@click.command(
    cls=Command,
    epilog="Exit codes: 0 done, also when messages were set aside; 2 wrong usage, or a topic or version that does"
    " not exist; 3 stopped before the end; 4 the cluster or the registry cannot be reached or refused.",
)
@click.argument("topics", metavar="TOPIC...", nargs=-1, required=True)
@_what(
    "--start",
    metavar="WHERE",
    help="Where to start: earliest; the first message at or after a time (2026-01-31T12:00:00Z, -1h for an hour"
    " ago, or Unix milliseconds); or offset:N.  [default: earliest, or where the group stopped]",
)
@_what(
    "--partition",
    "partitions",
    metavar="N",
    type=click.IntRange(min=0),
    multiple=True,
    help="Read only this partition. May be repeated.",
)
@_what(
    "--group",
    metavar="NAME",
    help="Read as this consumer group: several replays share the partitions, and a stopped replay continues."
    " Without it, nothing is stored in the cluster.",
)
@_what("--follow", is_flag=True, help="Continue with new messages until Ctrl-C.")
@_what(
    "--as-version",
    metavar="VERSION",
    help="Resolve every record to this schema: latest, the number of a version of the topic's subject, or an"
    " .avsc file. Without it, each record keeps the schema that wrote it.",
)
@_what(
    "--decode", is_flag=True, help="Decode every value even if nothing else needs it, to find invalid Avro."
)
@_how("--print", "layout", type=click.Choice(["table", "jsonl"]), help="Print the records.")
@_how(
    "--limit",
    metavar="N",
    type=Quantity(1, 10**18),
    help="Print at most this many records: the earliest of all partitions.",
)
@_how(
    "--output-dir",
    "folder",
    metavar="DIR",
    type=FOLDER,
    help="Write the records to files in this new or empty folder, one file for each topic and schema.",
)
@_how(
    "--output-format",
    "file_format",
    type=click.Choice(["avro", "parquet"]),
    help="Format of the files: Avro containers, or Parquet (needs lensload[parquet]).",
)
@_how(
    "--into-topic",
    "into",
    metavar="TOPIC",
    help="Produce the messages into this topic with the same bytes, key, headers and timestamp.",
)
@_how(
    "--speed",
    metavar="PACE",
    help="Pace of --into-topic, by the original timestamps: original, a multiple such as 2x, or full."
    "  [default: full]",
)
@_how(
    "--rejects",
    metavar="FILE",
    type=NEW_FILE,
    help="Where to write messages that cannot be decoded, as JSON lines.  [default: replay-rejects.jsonl, if there"
    " are any]",
)
@run_options(
    _CLUSTER,
    helps={"bootstrap_servers": "Addresses of the Kafka cluster: host:port, several with commas between."},
)
def replay(given: Given, **own: Any) -> None:  # noqa: ANN401 - click's values
    """Read history back: each message by the schema version that wrote it.

    Without an option that says what to do with the messages, they are counted by topic and schema version. Replay ends
    where the topics ended when it started. Messages that cannot be decoded are counted and set aside.
    """
    from lensload.replay import job  # noqa: PLC0415 - the clients cost half a second, which --help need not pay
    from lensload.replay.options import ReplayOptions  # noqa: PLC0415

    cluster = given.group(Cluster)
    tell_notices(cluster)
    job.run(ReplayOptions(**own), cluster)

"""`lensload seed`: fill a cluster, or files, with a history."""

import sys
from collections.abc import Mapping
from pathlib import Path
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
from lensload.config.options import options
from lensload.errors import UsageError
from lensload.seed.faults.kinds import FAULTS

_WHERE = ("bootstrap_servers", "registry_url", "client_config", "register_schemas", "workers", "compression")
_WHAT = (
    *("topic_prefix", "partitions", "replication_factor", "workload", "topics", "seed"),
    *("audience_size", "catalogue_size", "zipf_exponent", "lift", "experiment", "behaviour"),
)


_history = option_group("History")
_topics = option_group("Existing topics")
_manifest = option_group("Manifest")
_files = option_group("Files instead of a cluster")


@click.command(
    cls=Command,
    epilog="Flags that bench has too may also stand in lensload.toml or the environment. Exit codes: 0 done, or equal;"
    " 1 --verify found a difference; 2 wrong usage, or topics that cannot be used; 3 stopped, and can be resumed;"
    " 4 the cluster or the registry cannot be reached or refused.",
)
@_history(
    "--events",
    metavar="N",
    type=Quantity(1, 10**12),
    help="Exact number of events over all topics; spread over 14 days, or over --days.",
)
@_history(
    "--days",
    metavar="D",
    type=Quantity(0, 1e6, whole=False, days=True),
    help="Length of the history in days, or with a unit: 14, 14d, 2w, 36h. Without --events, as many events as the simulated users generate"
    " (0.5 sessions per user per day).",
)
@_history(
    "--until",
    metavar="TIME",
    help="When the history ends: now, a time ago such as -7d, or a time such as 2026-01-31T12:00:00Z.  [default: now]",
)
@_history(
    "--fault",
    metavar="NAME=RATE",
    multiple=True,
    help="Give a share of the records (0.01 or 1%) a fault, which a header names. May be repeated. Faults:"
    f" {', '.join(FAULTS)}.",
)
@_topics(
    "--append", is_flag=True, help="Write to topics that already hold records. Without it they must be empty."
)
@_topics("--recreate", is_flag=True, help="Delete the topics first, with all their records.")
@_topics(
    "--set-retention",
    is_flag=True,
    help="Change topic settings that would delete or refuse the history. The manifest lists what was changed.",
)
@_manifest(
    "--manifest",
    metavar="FILE",
    type=NEW_FILE,
    help="Where to write the manifest, the description of what was seeded.  [default: manifest.json]",
)
@_manifest(
    "--verify",
    metavar="MANIFEST",
    type=NEW_FILE,
    help="Seed nothing: read the cluster and report where it differs from the manifest.",
)
@_manifest("--resume", metavar="MANIFEST", type=NEW_FILE, help="Complete a seed that was interrupted.")
@_files(
    "--output-dir",
    metavar="DIR",
    type=FOLDER,
    help="Write one file per topic, and manifest.json, into this new or empty folder.",
)
@_files(
    "--output-format", type=click.Choice(["avro", "parquet"]), help="Format of the files in --output-dir."
)
@run_options((*_WHERE, *_WHAT), helps={"workers": "Worker processes that encode and send."})
def seed(given: Given, verify: Path | None, resume: Path | None, **own: Any) -> None:  # noqa: ANN401 - click's values
    """Fill a cluster with days of history, of LENS's world or of a workload, and write a manifest to verify it by.

    The same options, with a fixed --until, give the same records in the same partitions, byte for byte, with any
    number of workers.
    """
    own = {name: value for name, value in own.items() if value is not None}
    if verify and resume:
        raise UsageError("--verify and --resume contradict each other.", "Give one of them.")
    if verify or resume:
        _require_alone("--verify" if verify else "--resume", given, own)
    # The clients cost half a second, which --help need not pay.
    from lensload.seed import job  # noqa: PLC0415
    from lensload.seed.options import SeedOptions  # noqa: PLC0415

    run = given.config()
    tell_notices(run.cluster)
    if verify:
        sys.exit(not job.verified(verify, run))
    if resume:
        job.resume(resume, run)
    else:
        job.seed(SeedOptions(**own), run)


def _require_alone(flag: str, given: Given, own: Mapping[str, object]) -> None:
    """What a manifest has decided cannot be decided again."""
    decided = {option.name for option in options() if option.field in _WHAT}
    if flag == "--resume":
        decided -= {"workload"}  # the job compares it with the manifest's
    names = [name for name, value in given.flags.items() if value is not None and name in decided]
    names += [name for name, value in own.items() if value]
    wrong = ["--" + name.replace("_", "-") for name in names]
    if wrong:
        raise UsageError(
            f"{flag} goes by its manifest, which contradicts {', '.join(wrong)}.", "Leave them out."
        )

"""`lensload seed`: the command line's door to seeding."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lensload.cli.run_options import run_options
from lensload.config import loading
from lensload.config.options import options
from lensload.errors import UsageError
from lensload.seed.faults.kinds import FAULTS

_WHERE = ("bootstrap_servers", "registry_url", "client_config", "workers", "compression")
_WHAT = (
    *("topic_prefix", "partitions", "replication_factor", "topics", "seed"),
    *("audience_size", "catalogue_size", "zipf_exponent", "lift", "experiment"),
)


@click.command(
    epilog="Flags that bench has too may also stand in lensload.toml or the environment. Exit codes: 0 done, or equal;"
    " 1 --verify found a difference; 2 wrong usage, or topics that are not fit; 3 stopped, to be resumed; 4 cluster or"
    " registry cannot be reached or refuse."
)
@click.option("--events", metavar="N", type=click.IntRange(1, 10**12),
              help="Exactly so many events, all topics together; over 14 days, unless --days says otherwise.")  # fmt: skip
@click.option("--days", metavar="D", type=float,
              help="How many days of history. Without --events, as many events as people make: half a session a day each.")  # fmt: skip
@click.option("--until", metavar="T", help="When the history ends: now, or a time such as 2026-01-31T12:00:00Z."
              "  [default: now]")  # fmt: skip
@click.option("--fault", metavar="NAME=RATE", multiple=True,
              help="Let a share of the records, 0 to 1, have a fault, which a header names; may be repeated. Faults:"
              f" {', '.join(FAULTS)}.")  # fmt: skip
@click.option("--output-dir", metavar="DIR", type=click.Path(path_type=Path),
              help="Write files, one a topic, and manifest.json beside them, instead of filling a cluster.")  # fmt: skip
@click.option(
    "--output-format", type=click.Choice(["avro", "parquet"]), help="The format of the files in --output-dir."
)
@click.option("--manifest", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the manifest goes: what was seeded, as JSON.  [default: manifest.json]")  # fmt: skip
@click.option("--verify", metavar="MANIFEST", type=click.Path(path_type=Path, dir_okay=False),
              help="Seed nothing: read the cluster back, and say whether it is what the manifest says, or where not.")  # fmt: skip
@click.option("--resume", metavar="MANIFEST", type=click.Path(path_type=Path, dir_okay=False),
              help="Complete a seed that was interrupted.")  # fmt: skip
@click.option(
    "--append", is_flag=True, help="Write behind what the topics hold; without it they must be empty."
)
@click.option("--recreate", is_flag=True, help="Delete the topics first, with all they hold.")
@click.option("--set-retention", is_flag=True,
              help="Change settings of topics that would delete or refuse what is seeded; the manifest says which.")  # fmt: skip
@run_options((*_WHERE, *_WHAT))
@click.option("--config", metavar="FILE", type=Path, help="Read this file in place of lensload.toml.")
@click.pass_context
def seed(
    ctx: click.Context,
    config: Path | None,
    verify: Path | None,
    resume: Path | None,
    **given: Any,  # noqa: ANN401 - click's
) -> None:
    """Fill a cluster with days of coherent history: the same every time, with a manifest to check it by.

    The same options give the same topics, byte for byte and partition by partition, with any number of workers.
    """
    flags = {option.name: given.pop(option.name) for option in options() if option.field in (*_WHERE, *_WHAT)}
    if verify or resume:
        _require_alone("--verify" if verify else "--resume", verify and resume, flags, given)
    # The clients cost half a second, which --help need not pay.
    from lensload.seed import job  # noqa: PLC0415
    from lensload.seed.options import Wish  # noqa: PLC0415

    run = loading.load(flags, file=config)
    if verify:
        ctx.exit(0 if job.verified(verify, run) else 1)
    if resume:
        job.resume(resume, run)
    else:
        job.seed(Wish(**{name: value for name, value in given.items() if value is not None}), run)


def _require_alone(
    flag: str, both: object, flags: Mapping[str, str | None], given: Mapping[str, object]
) -> None:
    """What a manifest has decided cannot be decided again."""
    if both:
        raise UsageError("--verify and --resume contradict each other.", "Give one of them.")
    decided = {option.name: option.flag for option in options() if option.field in _WHAT}
    wrong = [decided[name] for name, value in flags.items() if value is not None and name in decided]
    wrong += ["--" + name.replace("_", "-") for name, value in given.items() if value]
    if wrong:
        raise UsageError(
            f"{flag} goes by its manifest, which contradicts {', '.join(wrong)}.", "Leave them out."
        )

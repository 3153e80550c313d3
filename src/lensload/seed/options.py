"""What is asked of a seed, and the plan that it makes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.files.folder import Format
from lensload.parse import moment_ms
from lensload.seed.faults.kinds import FAULTS, OF_LENS, rates_of
from lensload.seed.plan import DAYS, Plan
from lensload.world.options import DEFAULTS

if TYPE_CHECKING:
    from lensload.workload.model import Workload

MANIFEST: Final = Path("manifest.json")
_DAY_MS: Final = 86_400_000
_LEAST_DAYS: Final = 1 / 24
_MOST_DAYS: Final = 3_660.0


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """What is asked for, besides what every run has.

    Attributes:
        events: so many; None for as many as people make.
        days: how long the history is; None for 14.
        until: "now", or a time as ISO 8601 has it.
        manifest: where the manifest goes.
        append: write behind what topics hold.
        recreate: delete the topics first.
        set_retention: change settings under which the history would not stay.
        fault: what befalls records, and how often: "late=0.001".
        output_dir: a folder to write files to, instead of a cluster.
        output_format: of those files.
    """

    events: int | None = None
    days: float | None = None
    until: str = "now"
    manifest: Path = MANIFEST
    append: bool = False
    recreate: bool = False
    set_retention: bool = False
    fault: tuple[str, ...] = ()
    output_dir: Path | None = None
    output_format: Format | None = None


def plan_of(options: SeedOptions, config: RunConfig, now_ms: int) -> Plan:
    """The plan that the options make.

    Raises:
        UsageError: they are out of range, or contradict each other.
    """
    if options.events is None and options.days is None:
        raise UsageError(
            "How much is to be seeded?", "Give --events N, --days D, or both: N events over D days."
        )
    if config.load.workload:
        _check_workload(options, config.load.workload)
    if bool(options.output_dir) != bool(options.output_format):
        raise UsageError(
            "--output-dir and --output-format go together.",
            "Give --output-dir DIR --output-format avro, or parquet.",
        )
    if options.output_dir and (options.append or options.recreate or options.set_retention):
        raise UsageError(
            "--append, --recreate and --set-retention are for a cluster, --output-dir is for files.",
            "Leave out --output-dir, or the others.",
        )
    if options.output_dir and options.manifest != MANIFEST:
        raise UsageError("The manifest of --output-dir DIR is DIR/manifest.json.", "Leave out --manifest.")
    if options.append and options.recreate:
        raise UsageError("--append and --recreate contradict each other.", "Give one of them.")
    days = DAYS if options.days is None else options.days
    if not _LEAST_DAYS <= days <= _MOST_DAYS:
        raise UsageError(f"--days is {days:g}.", f"It is from 0.042 (an hour) to {_MOST_DAYS:,.0f}.")
    until_ms = _until_ms(options.until, now_ms)
    return Plan(
        start_ms=until_ms - round(days * _DAY_MS),
        until_ms=until_ms,
        events=options.events,
        topics=config.load.topics,
        world=DEFAULTS if config.load.workload else config.world,
        faults=rates_of(options.fault),
        workload=config.load.workload,
    )


def _check_workload(options: SeedOptions, workload: "Workload") -> None:
    """See that nothing is asked for that only LENS's world has."""
    if options.events is None:
        raise UsageError(
            f"How many events are to be seeded? {workload} does not say how many there are in a day.",
            "Give --events N.",
        )
    if lacking := [name for name, _ in rates_of(options.fault) if name in OF_LENS]:
        raise UsageError(
            f"--fault {lacking[0]} changes fields that LENS's events have, and these are of {workload}.",
            f"The faults of any events are {', '.join(name for name in FAULTS if name not in OF_LENS)}.",
        )


def _until_ms(text: str, now_ms: int) -> int:
    """Unix ms, a whole second for "now"."""
    try:
        until_ms = moment_ms(text, now_ms // 1000 * 1000)
    except ValueError as error:
        raise UsageError(
            f"--until is {text!r}.",
            "It is now, a time ago such as -7d, or a time such as 2026-01-31T12:00:00Z (UTC if it says nothing else).",
        ) from error
    if until_ms > now_ms:
        raise UsageError(f"--until is {text}, which lies in the future.", "History ends now at the latest.")
    if until_ms < _MOST_DAYS * _DAY_MS:
        raise UsageError(f"--until is {text}, which is too long ago.", "Give a time from 1980 on.")
    return until_ms

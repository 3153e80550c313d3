"""`lensload capacity`: the highest rate that holds the objectives, found by separate runs of `lensload bench`."""

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click

from lensload import atomic_file
from lensload.capacity import chart, result, trial
from lensload.capacity.search import Found, Plan, Search, search
from lensload.capacity.trial import Trial
from lensload.cli.options import Command, config_option, option_group, run_options
from lensload.config import loading
from lensload.config.model import VIEWS, RunConfig
from lensload.config.options import options
from lensload.errors import LensloadError, UsageError
from lensload.report import units
from lensload.values import duration_s

# What the search itself decides, and outputs that each run would write over those of the run before.
_OURS = ("rate", "duration", "run_file", "repeat")
_STEADY = ("constant", "poisson")


def _seconds(ctx: click.Context, parameter: click.Parameter, value: str) -> float:  # noqa: ARG001 - click's
    try:
        return duration_s(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _fraction(ctx: click.Context, parameter: click.Parameter, value: str) -> float:  # noqa: ARG001 - click's
    try:
        return float(value.strip().removesuffix("%")) / (100 if "%" in value else 1)
    except ValueError as error:
        raise click.BadParameter(f"it should be a share such as 5% or 0.05, not {value!r}") from error


_search = option_group("Search")
_result = option_group("Result")


@click.command(
    cls=Command,
    short_help="Find the highest rate that holds the objectives.",
    epilog="Exit codes: 0 a rate holds, and the cluster, the generator or --max-rate is the limit above it; 1 not even"
    " the lowest rate holds; 2 wrong usage; 3 the runs are invalid at any rate, or the search was stopped; 4 the"
    " cluster or the registry cannot be reached or refused.",
)
@_search(
    "--start-rate",
    "start_per_s",
    type=float,
    default=1_000.0,
    metavar="RATE",
    show_default=True,
    help="The first rate, in events/s. Lower rates are tried only if the generator cannot keep up with it.",
)
@_search(
    "--max-rate",
    "max_per_s",
    type=float,
    default=1e8,
    metavar="RATE",
    help="The highest rate to try.  [default: until a rate does not hold]",
)
@_search(
    "--growth",
    type=float,
    default=2.0,
    metavar="NUMBER",
    show_default=True,
    help="Factor by which the rate grows until it does not hold.",
)
@_search(
    "--resolution",
    callback=_fraction,
    default="5%",
    metavar="SHARE",
    show_default=True,
    help="The search ends when the highest rate that holds is this close to one that does not.",
)
@_search(
    "--step-duration",
    default="30s",
    metavar="DURATION",
    show_default=True,
    help="How long each run measures, after its --warmup.",
)
@_search(
    "--settle",
    callback=_seconds,
    default="5s",
    metavar="DURATION",
    show_default=True,
    help="How long to pause between runs.",
)
@_result(
    "--result",
    "result_file",
    type=Path,
    default=Path("capacity.json"),
    metavar="FILE",
    show_default=True,
    help="Where to write the result, as JSON.",
)
@_result(
    "--chart",
    "chart_file",
    type=Path,
    default=Path("capacity.svg"),
    metavar="FILE.svg|FILE.png",
    show_default=True,
    help="Where to write the chart of latency by rate.",
)
@_result(
    "--runs-dir",
    "runs_folder",
    type=Path,
    default=Path("capacity-runs"),
    metavar="DIR",
    show_default=True,
    help="Folder for the run file of each run.",
)
@run_options(without=(*_OURS, *VIEWS, "web"))
@config_option
def capacity(**given: Any) -> None:  # noqa: ANN401 - click's values
    """Find the highest rate that holds the objectives (--slo): a search over real runs.

    The rate grows until an objective is missed; then the search bisects. Each run warms up, measures and drains by
    itself. A rate that misses is tried again before it counts, and the rate that is reported has held twice. If the
    generator cannot keep up with a rate, the search ends below it and reports so: the cluster may hold more.
    """
    own = {name: given.pop(name) for name in ("step_duration", "settle", "runs_folder", "config")}
    files = {name: given.pop(name) for name in ("result_file", "chart_file")}
    plan = Plan(*(given.pop(name) for name in ("start_per_s", "max_per_s", "growth", "resolution")))
    config = _checked({**given, "duration": own["step_duration"]}, own["config"])
    chart.check(files["chart_file"])
    atomic_file.check_writable(files["result_file"], "result", "--result")
    atomic_file.check_writable(files["chart_file"], "chart", "--chart")
    arguments = _arguments({**given, "duration": own["step_duration"]}, own["config"], config)
    runs = _Runs(arguments, own["runs_folder"], own["settle"])
    signal.signal(signal.SIGTERM, _interrupt)  # as Ctrl-C: tell what is known, leave no run behind
    found: Found | None = None
    error: LensloadError | None = None
    with suppress(KeyboardInterrupt):
        try:
            found = _drive(search(plan), runs)
        except LensloadError as failed:
            error = failed
    capacity = result.Trials([str(slo) for slo in config.criteria.slo], plan, runs.made).result(found)
    result.write(files["result_file"], capacity)
    _tell(capacity, files)
    if error:
        raise error
    sys.exit(result.EXIT_CODES[capacity["outcome"]])


class _Runs:
    """The runs of a search, one after the other, each told in a line."""

    def __init__(self, arguments: Sequence[str], folder: Path, settle_s: float) -> None:
        self.made: list[Trial] = []
        self._arguments = arguments
        self._folder = folder
        self._settle_s = settle_s

    def at(self, rate_per_s: float) -> Trial:
        """Run at a rate, after the cluster has settled."""
        if self.made:
            time.sleep(self._settle_s)
        number = len(self.made) + 1
        click.echo(f"run {number}: {units.per_s(rate_per_s)} events/s", err=True)
        file = self._folder / f"{number:02}-{rate_per_s:.6g}.json"
        made = trial.bench(self._arguments, file, rate_per_s)
        self.made.append(made)
        because = f" ({made.because})" if made.because else ""
        click.echo(f"run {number}: {made.answer.value}{because}", err=True)
        return made


def _drive(searching: Search, runs: _Runs) -> Found:
    rate_per_s = next(searching)
    while True:
        try:
            rate_per_s = searching.send(runs.at(rate_per_s).answer)
        except StopIteration as done:
            found: Found = done.value
            return found


def _checked(flags: Mapping[str, Any], file: Path | None) -> RunConfig:
    config = loading.load(flags, file=file)
    if not config.criteria.slo:
        raise UsageError(
            "A capacity is a capacity for something: there is no objective.",
            "Give one or more, such as --slo 'end_to_end.p99 < 50ms'.",
        )
    if str(config.load.profile) not in _STEADY:
        raise UsageError(
            f"The profile {config.load.profile} has more than one rate; a search needs a steady one.",
            f"Give --profile {' or '.join(_STEADY)}, or none.",
        )
    return config


def _arguments(flags: Mapping[str, Any], file: Path | None, config: RunConfig) -> list[str]:
    """The flags that each run gets: those given here, and no outputs but its run file."""
    by_name = {option.name: option for option in options()}
    given: dict[str, Any] = {
        **flags,
        **dict.fromkeys(VIEWS, ""),
        "slo": [str(slo) for slo in config.criteria.slo],
        "repeat": 1,
    }
    arguments = ["--config", str(file)] if file else []
    for name, value in given.items():
        if value is not None and name in by_name:
            for each in value if isinstance(value, list) else [value]:
                arguments += [f"{by_name[name].flag}={each}"]
    return arguments


def _tell(found: result.Capacity, files: Mapping[str, Path]) -> None:
    drawn = chart.write(files["chart_file"], found)
    click.echo(result.table(found), nl=False)
    click.echo(f"result: {files['result_file']}" + (f", chart: {files['chart_file']}" if drawn else ""))


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's
    raise KeyboardInterrupt

"""`lensload capacity`: the highest rate that holds the objectives, found by separate runs of `lensload bench`."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from lensload import atomic_file
from lensload import bench as bench_process
from lensload.capacity import chart, result, trial
from lensload.capacity.search import Found, Plan, Search, search
from lensload.capacity.trial import Trial
from lensload.cli.options import (
    FOLDER,
    NEW_FILE,
    SECONDS,
    SHARE,
    Command,
    Given,
    Quantity,
    option_group,
    run_options,
)
from lensload.config.model import VIEWS, RunConfig
from lensload.errors import LensloadError, UsageError
from lensload.report import units

# What the search itself decides, and outputs that each run would write over those of the run before.
_OURS = ("rate", "duration", "run_file", "repeat", "web", "web_allowed_hosts", *VIEWS)
_STEADY = ("constant", "poisson")

_search = option_group("Search")
_result = option_group("Result")


@click.command(
    cls=Command,
    epilog="Exit codes: 0 a rate holds, and the cluster, the generator or --max-rate is the limit above it; 1 not even"
    " the lowest rate holds; 2 wrong usage; 3 the runs are invalid at any rate, or the search was stopped; 4 the"
    " cluster or the registry cannot be reached or refused.",
)
@_search(
    "--start-rate",
    "start_per_s",
    type=Quantity(0, 1e8, whole=False),
    default=1_000.0,
    metavar="RATE",
    help="The first rate, in events/s; with --recommender external in requests/s. Lower rates are tried only if the generator cannot keep up with it.",
)
@_search(
    "--max-rate",
    "max_per_s",
    type=Quantity(0, 1e8, whole=False),
    default=1e8,
    show_default="until a rate does not hold",
    metavar="RATE",
    help="The highest rate to try.",
)
@_search(
    "--growth",
    type=Quantity(0, 1e8, whole=False),
    default=2.0,
    metavar="NUMBER",
    help="Factor by which the rate grows until it does not hold.",
)
@_search(
    "--resolution",
    type=SHARE,
    default="5%",
    metavar="SHARE",
    help="The search ends when the highest rate that holds is this close to one that does not.",
)
@_search(
    "--step-duration",
    default="30s",
    metavar="DURATION",
    help="How long each run measures, after its --warmup.",
)
@_search(
    "--settle",
    "settle_s",
    type=SECONDS,
    default="5s",
    metavar="DURATION",
    help="How long to pause between runs.",
)
@_result(
    "--result",
    "result_file",
    type=NEW_FILE,
    default=Path("capacity.json"),
    metavar="FILE",
    help="Where to write the result, as JSON.",
)
@_result(
    "--chart",
    "chart_file",
    type=NEW_FILE,
    default=Path("capacity.svg"),
    metavar="FILE.svg|FILE.png",
    help="Where to write the chart of latency by rate.",
)
@_result(
    "--runs-dir",
    "runs_folder",
    type=FOLDER,
    default=Path("capacity-runs"),
    metavar="DIR",
    help="Folder for the run file of each run.",
)
@run_options(without=_OURS)
def capacity(
    given: Given,
    *,
    result_file: Path,
    chart_file: Path,
    runs_folder: Path,
    settle_s: float,
    step_duration: str,
    **steps: float,
) -> None:
    """Find the highest rate that holds the objectives (--slo): a search over real runs.

    The rate grows until an objective is missed; then the search bisects. Each run warms up, measures and drains by
    itself. A rate that misses is tried again before it counts, and the rate that is reported has held twice. If the
    generator cannot keep up with a rate, the search ends below it and reports so: the cluster may hold more.
    """
    plan = Plan(**steps)
    config = _checked(given.config(duration=step_duration))
    chart.check(chart_file)
    atomic_file.check_writable(result_file, "result", "--result")
    atomic_file.check_writable(chart_file, "chart", "--chart")
    runs = _Runs(config, runs_folder, settle_s)
    # As Ctrl-C: tell what is known, leave no run behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    found: Found | None = None
    error: LensloadError | None = None
    with suppress(KeyboardInterrupt):
        try:
            found = _drive(search(plan), runs)
        except LensloadError as failed:
            error = failed
    slos = [str(slo) for slo in config.criteria.slo]
    made = result.Trials(slos, plan, runs.made, runs.rate_of).result(found)
    result.write(result_file, made)
    drawn = chart.write(chart_file, made)
    click.echo(result.table(made), nl=False)
    click.echo(f"result: {result_file}" + (f", chart: {chart_file}" if drawn else ""))
    if error:
        raise error
    sys.exit(result.EXIT_CODES[made["outcome"]])


def _checked(config: RunConfig) -> RunConfig:
    """The configuration, if a search can be made with it."""
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


class _Runs:
    """The runs of a search, one after the other, each told in a line."""

    def __init__(self, config: RunConfig, folder: Path, settle_s: float) -> None:
        self.made: list[Trial] = []
        self.rate_of: result.RateOf = "requests" if config.service.external else "events"
        self._config = config
        self._folder = folder
        self._settle_s = settle_s

    def at(self, rate_per_s: float) -> Trial:
        """Run at a rate, after the cluster has settled."""
        if self.made:
            time.sleep(self._settle_s)
        number = len(self.made) + 1
        click.echo(f"run {number}: {units.per_s(rate_per_s)} {self.rate_of}/s", err=True)
        file = self._folder / f"{number:02}-{rate_per_s:.6g}.json"
        config = self._config.alone(file).changed(rate=rate_per_s)
        made = trial.bench(bench_process.command(config, os.environ), file, rate_per_s)
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

"""Runs compared: how a figure has changed, how sure that is, and what it is called.

A figure is called a regression when it is surely worse (its whole interval lies on the worse side of no change) and
worse by more than is allowed; an improvement likewise. There is no difference when the whole interval lies within what
is allowed: whatever has changed, it is not worse by more. In all other cases these runs cannot tell, and the number of
runs that would is estimated from how they differ. The level is that of the whole comparison: it is divided among the
figures that are judged (Bonferroni), so that where nothing has changed at most one comparison in twenty is called a
regression or an improvement.

How sure a change is comes from `lensload.metrics.confidence`: from the spread of several runs; with one on each side from
their blocks and an allowance for what differs from run to run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from statistics import geometric_mean
from typing import Final, Literal, TypedDict

from lensload.errors import UsageError
from lensload.metrics import confidence, slices
from lensload.metrics.confidence import LEVEL, Blocked
from lensload.metrics.counts import RATES
from lensload.metrics.histogram import PERCENTS
from lensload.results.comparability import rates_differ
from lensload.results.run import Run
from lensload.verdict.figures import Figure

FORMAT: Final = "lensload/comparison/1"
RUN_TO_RUN: Final = 0.05
DEFAULT_LIMITS: Final = {"end_to_end.p50": 0.05, "end_to_end.p99": 0.10, "achieved_per_s": 0.02}
"""By how much of itself each figure that is judged may become worse: a change that nobody would act on is none."""

_RATE_RUN_TO_RUN: Final = 0.005  # an open loop's rate is the schedule's: it hardly differs
SHOWN: Final = tuple(
    f"{stage}.{name}" for stage in ("end_to_end", "ack", "schedule_lag") for name in ("mean", *PERCENTS)
)

_BEYOND_REASON: Final = 1e100

_MOST_RUNS: Final = 50  # on each side: nobody makes more to find out

_FOLLOWS: Final = "it follows the rate that was asked for, which differs, so that it is not judged"

Call = Literal["regression", "improvement", "no difference", "cannot tell", "not judged"]

WORST_FIRST: Final[tuple[Call, ...]] = ("regression", "cannot tell", "improvement", "no difference")
"""A comparison is called as the first of these that a figure of it is called."""


class Change(TypedDict):
    """One figure in both: the ratio of new to base, less 1, and its interval.

    Attributes:
        name: of the figure, as in an objective.
        base: its value before (several runs: the geometric mean of theirs), in `unit`.
        new: its value now.
        unit: "us" or "events/s".
        change: 0.1 is a tenth more.
        low: the lower end of the interval.
        high: its upper end.
        level: of the interval's confidence.
        limit: by how much it may become worse; None where it is not judged.
        spread: one standard deviation between like runs, on logarithms, which the interval rests on.
        call: what it is called.
        runs_needed: where these runs cannot tell, about how many on each side would; None: not even fifty, or they can.
        note: what is to be known of it; "" for nothing.
    """

    name: str
    base: float | None
    new: float | None
    unit: str
    change: float | None
    low: float | None
    high: float | None
    level: float
    limit: float | None
    spread: float | None
    call: Call
    runs_needed: int | None
    note: str


class Comparison(TypedDict):
    """What a comparison says.

    Attributes:
        format: "lensload/comparison/1".
        outcome: "regression", "cannot tell", "improvement" or "no difference"; see `compare`.
        fail_on_unknown: whether "cannot tell" is a failure as a regression is.
        base: the files of the runs before.
        new: the files of the later runs.
        method: how the intervals came about.
        changes: by figure, those that are judged first.
        remarks: what else is to be known, such as conditions that differ.
    """

    format: str
    outcome: Call
    fail_on_unknown: bool
    base: list[str]
    new: list[str]
    method: str
    changes: list[Change]
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class Terms:
    """How runs are to be compared.

    Attributes:
        limits: figure to the share by which it may become worse.
        level: of confidence, of the whole comparison.
        run_to_run: one standard deviation between like runs, where there is one run on each side.
    """

    limits: Mapping[str, float]
    level: float = LEVEL
    run_to_run: float = RUN_TO_RUN


def figure_of(text: str) -> Figure:
    """The figure of that name, if it can be compared.

    Raises:
        ValueError: there is none, or it has no interval.
    """
    figure = Figure.parse(text)
    if figure.stage and figure.kind in ("min", "max"):
        raise ValueError(f"{figure.kind} is one event, and has no interval; take {figure.stage}.p9999")
    if not figure.stage and figure.kind not in RATES:
        raise ValueError(f"{figure.name} is no latency and no rate; make it an objective (--slo)")
    return figure


def compare(
    base: Sequence[Run], new: Sequence[Run], terms: Terms, shown: Sequence[str] = SHOWN
) -> tuple[list[Change], Call]:
    """All changes, those that are judged first, and what they amount to; `shown` are told besides.

    A rate of runs that were asked for unlike rates is told and not judged: it follows what was asked for.

    One regression makes the whole a regression; else one figure of which these runs cannot tell makes it "cannot tell".
    It is an improvement when a figure has improved and all others are surely not worse than allowed.

    Raises:
        UsageError: a run has no such topic, or too few samples for a figure that was asked for, or no blocks; or there
            is nothing to judge.
    """
    asked, unlike = [figure_of(name) for name in terms.limits], _unlike_rates(base, new)
    figures = [figure for figure in asked if figure.stage or not unlike]
    followers = [figure for figure in asked if figure not in figures]
    if not figures:
        raise UsageError(
            f"{', '.join(terms.limits)} cannot be judged: the runs were asked for unlike rates.",
            "Name a latency with --max-regression, or compare runs of one rate.",
        )
    others = [Figure.parse(name) for name in shown if name not in terms.limits]
    level = 1 - (1 - terms.level) / max(1, len(figures))
    sides = _Sides(base, new, terms.run_to_run)
    changes = [judged(sides.change(figure, level), terms.limits[figure.name]) for figure in figures]
    changes += [_noted(sides.change(figure, terms.level), _FOLLOWS) for figure in followers]
    more = (sides.change(figure, terms.level) for figure in others)
    changes += [change for change in more if change["change"] is not None]
    calls: list[Call] = [change["call"] for change in changes if change["limit"] is not None]
    return changes, min(calls, key=WORST_FIRST.index)


def _noted(change: Change, note: str) -> Change:
    return {**change, "note": note}


def _unlike_rates(base: Sequence[Run], new: Sequence[Run]) -> bool:
    first, *others = [*base, *new]
    return any(rates_differ(first, other) for other in others)


def failed(comparison: Comparison) -> bool:
    """Whether a gate should fail for it."""
    return comparison["outcome"] == "regression" or (
        comparison["fail_on_unknown"] and comparison["outcome"] == "cannot tell"
    )


def method(base: int, new: int, terms: Terms, changes: Sequence[Change]) -> str:
    """How the intervals of these changes came about, in a sentence or two."""
    judged = sum(change["limit"] is not None for change in changes)
    level = f"{100 * terms.level:g} % over {judged} judged figure{'s' if judged != 1 else ''} (Bonferroni)"
    if base + new > 2:
        return (
            f"Intervals: moderated t over the runs ({base} and {new}), on logarithms, with {100 * terms.run_to_run:g} % as"
            f" the spread that is expected from run to run; {level}."
        )
    return (
        "Intervals: circular block bootstrap over each run's seconds, on logarithms, and an allowance of"
        f" {100 * terms.run_to_run:g} % for what differs from run to run; {level}. Three runs of each would show that."
    )


def judged(change: Change, limit: float) -> Change:
    """The change with what it is called, where it may become worse by `limit`.

    Raises:
        UsageError: it has no interval.
    """
    if change["change"] is None or change["low"] is None or change["high"] is None:
        raise UsageError(
            f"{change['name']} cannot be compared: too few events carry it in one of the runs.",
            "Measure longer, or name other figures with --max-regression.",
        )
    if change["high"] > _BEYOND_REASON:
        raise UsageError(
            f"{change['name']} cannot be compared: one run of so few seconds does not show how much it varies.",
            "Measure for 10 s or more, or give several runs of each.",
        )
    worse, low, high = change["change"], change["low"], change["high"]
    if change["unit"] != "us":  # a rate: less of it is worse: turned round, more is worse in both
        worse, low, high = -worse, -high, -low
    if low > 0 and worse > limit:
        return {**change, "limit": limit, "call": "regression"}
    if high < 0 and -worse > limit:
        return {**change, "limit": limit, "call": "improvement"}
    if high <= limit:
        return {**change, "limit": limit, "call": "no difference"}
    runs = _runs_needed(change, limit)
    would = (
        f"about {runs} runs of each would tell" if runs else f"not even {_MOST_RUNS} runs of each would tell"
    )
    note = f"it could be worse by {_percent(high)}, and {_percent(limit)} is allowed: {would}"
    return {**change, "limit": limit, "call": "cannot tell", "runs_needed": runs, "note": note}


def _runs_needed(change: Change, limit: float) -> int | None:
    """With how many runs on each side it would be called something, if they showed the same change and spread."""
    ratio, spread = log1p(change["change"] or 0.0), change["spread"] or 0.0
    if change["unit"] != "us":
        ratio = -ratio
    # A change beyond the limit must be told from none; a smaller one from the limit.
    room = abs(ratio) if ratio > log1p(limit) else log1p(limit) - ratio
    wanted = (
        runs for runs in range(2, _MOST_RUNS + 1) if confidence.reach_of(runs, spread, change["level"]) < room
    )
    return next(wanted, None)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 10 else f"a factor of {min(1 + share, 1e6):,.3g}"


class _Sides:
    """The runs before and those after; where there is one of each, its slices are decoded once for all figures."""

    def __init__(self, base: Sequence[Run], new: Sequence[Run], run_to_run: float) -> None:
        self._base, self._new = base, new
        self._run_to_run = run_to_run
        self._blocked: dict[tuple[str, str], tuple[Blocked, Blocked]] = {}

    def change(self, figure: Figure, level: float) -> Change:
        """How a figure has changed, at a level of confidence; None where a run has no figure."""
        base, new = ([figure.of(run) or 0.0 for run in runs] for runs in (self._base, self._new))
        change: Change = {
            "name": figure.name,
            "base": None,
            "new": None,
            "unit": "us" if figure.stage else "events/s",
            "change": None,
            "low": None,
            "high": None,
            "level": level,
            "limit": None,
            "spread": None,
            "call": "not judged",
            "runs_needed": None,
            "note": "",
        }
        if not all((*base, *new)):
            return change
        within, run_to_run = None, min(_RATE_RUN_TO_RUN, self._run_to_run)
        if figure.stage:
            within, run_to_run = self._errors(figure), self._run_to_run
        ratio = confidence.change(base, new, within, level=level, run_to_run=run_to_run)
        return {
            **change,
            "base": geometric_mean(base),
            "new": geometric_mean(new),
            "change": ratio.figure - 1,
            "low": ratio.low - 1,
            "high": ratio.high - 1,
            "spread": ratio.spread,
        }

    def _errors(self, figure: Figure) -> confidence.Errors | None:
        """How uncertain the figure is within the run on either side; None where there are more than these two."""
        if len(self._base) + len(self._new) > 2:
            return None
        key = figure.stage, figure.topic
        if key not in self._blocked:
            self._blocked[key] = _blocked(self._base[0], *key), _blocked(self._new[0], *key)
        base, new = self._blocked[key]
        return base.error(figure.kind), new.error(figure.kind)


def _blocked(run: Run, stage: str, topic: str) -> Blocked:
    if not run["slices"]:
        raise UsageError(
            f"The run of {run['started_at']} has no slices of time: it ended before its first second.",
            "Run it again, for longer.",
        )
    return Blocked.of([slices.histogram(piece, stage, topic) for piece in run["slices"]])

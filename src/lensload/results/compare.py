"""Runs compared: how a figure has changed, how sure that is, and what it is called.

A figure is called a regression when it is surely worse (its whole interval lies on the worse side of no change) and
worse by more than is allowed; an improvement likewise; else there is no difference that these runs could show. The
level is that of the whole comparison: it is divided among the figures that are judged (Bonferroni), so that where
nothing has changed at most one comparison in twenty calls anything either way.

How sure a change is comes from `lensload.metrics.confidence`: from the spread of several runs; with one on each side from
their blocks and an allowance for what differs from run to run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict

from lensload.errors import UsageError
from lensload.metrics import slices
from lensload.metrics.confidence import LEVEL, PERCENTS, Blocked, Interval, change
from lensload.metrics.counts import RATES
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

Call = Literal["regression", "improvement", "no difference", "not judged"]


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
        call: what it is called.
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
    call: Call
    note: str


class Comparison(TypedDict):
    """The outcome: "regression", "improvement", "no difference"; with its changes, its method and its remarks."""

    format: str
    outcome: Call
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

    Raises:
        UsageError: a run has no such topic, or too few samples for a figure that was asked for, or no blocks.
    """
    judged = [figure_of(name) for name in terms.limits]
    alone = len(base) + len(new) == 2
    sides = _Side(base, alone), _Side(new, alone)
    level = 1 - (1 - terms.level) / max(1, len(judged))
    changes = [_judged(figure, sides, terms, level) for figure in judged]
    for name in shown:
        if name not in terms.limits:
            found = _change(Figure.parse(name), sides, terms, terms.level)
            if found["change"] is not None:
                changes.append(found)
    calls = [found["call"] for found in changes]
    if "regression" in calls:
        return changes, "regression"
    return changes, "improvement" if "improvement" in calls else "no difference"


class _Side:
    """The runs of one side, decoded once; only where there is one on each are the blocks of any use."""

    def __init__(self, runs: Sequence[Run], alone: bool) -> None:
        self.runs = runs
        self._alone = alone
        self._blocked: dict[tuple[str, str], list[Blocked]] = {}

    def blocked(self, figure: Figure) -> list[Blocked]:
        """The latencies of each run."""
        key = (figure.stage, figure.topic)
        if key not in self._blocked:
            self._blocked[key] = [_blocked(run, *key, self._alone) for run in self.runs]
        return self._blocked[key]

    def values(self, figure: Figure) -> list[float]:
        """The figure of each run, in its unit; empty if one of them does not carry it."""
        if not figure.stage:
            return [figure.of(run) or 0.0 for run in self.runs]
        found = self.blocked(figure)
        if not all(one.carries(figure.kind) for one in found):
            return []
        return [one.figure_ns(figure.kind) / 1e3 for one in found]


def _blocked(run: Run, stage: str, topic: str, alone: bool) -> Blocked:
    """A run's latencies, with its blocks where they are wanted; a stage that has none is told as a whole."""
    if topic not in (*run["topics"], "all"):
        raise UsageError(f"A run has no topic {topic}.", f"It has {', '.join(run['topics']) or 'none'}.")
    whole = _whole(run, stage, topic)
    if not alone or stage not in slices.STAGES_KEPT:
        return Blocked.of(whole)
    if not run["slices"]:
        raise UsageError(
            f"The run of {run['started_at']} has no slices of time: it ended before its first second.",
            "Run it again, for longer.",
        )
    return Blocked.of(whole, [slices.histogram(piece, stage, topic) for piece in run["slices"]])


def _whole(run: Run, stage: str, topic: str) -> slices.Histogram:
    merged = slices.Histogram()
    for its_topic, text in run["histograms"].get(stage, {}).items():
        if topic in ("all", its_topic):
            merged.add(slices.Histogram.from_encoded(text))
    return merged


def _judged(figure: Figure, sides: tuple[_Side, _Side], terms: Terms, level: float) -> Change:
    found = _change(figure, sides, terms, level)
    limit = terms.limits[figure.name]
    if found["change"] is None or found["low"] is None or found["high"] is None:
        raise UsageError(
            f"{figure.name} cannot be compared: too few events carry it in one of the runs.",
            "Measure longer, or name other figures with --max-regression.",
        )
    if found["high"] > _BEYOND_REASON:
        raise UsageError(
            f"{figure.name} cannot be compared: one run of so few seconds does not show how much it varies.",
            "Measure for 10 s or more, or give several runs of each.",
        )
    # What is worse of a rate is less of it: turned round, more is worse in both.
    turned = figure.kind in RATES
    worse, low, high = (
        (-found["change"], -found["high"], -found["low"])
        if turned
        else (found["change"], found["low"], found["high"])
    )
    call: Call = "no difference"
    if low > 0 and worse > limit:
        call = "regression"
    elif high < 0 and -worse > limit:
        call = "improvement"
    note = ""
    if call == "no difference" and high > max(limit, 2 * abs(worse)):
        note = f"it could be worse by up to {100 * high:.3g} %: more runs would tell"
    return {**found, "limit": limit, "call": call, "note": note}


def _change(figure: Figure, sides: tuple[_Side, _Side], terms: Terms, level: float) -> Change:
    base, new = (side.values(figure) for side in sides)
    found: Change = {
        "name": figure.name,
        "base": None,
        "new": None,
        "unit": "us" if figure.stage else "events/s",
        "change": None,
        "low": None,
        "high": None,
        "level": level,
        "limit": None,
        "call": "not judged",
        "note": "",
    }
    if not base or not new or not all(base) or not all(new):
        return found
    ratio = _ratio(figure, sides, (base, new), terms, level)
    means: list[Any] = [_middle(side) for side in (base, new)]
    return {
        **found,
        "base": means[0],
        "new": means[1],
        "change": ratio.figure - 1,
        "low": ratio.low - 1,
        "high": ratio.high - 1,
    }


def _ratio(
    figure: Figure,
    sides: tuple[_Side, _Side],
    values: tuple[list[float], list[float]],
    terms: Terms,
    level: float,
) -> Interval:
    allowance = terms.run_to_run if figure.stage else min(_RATE_RUN_TO_RUN, terms.run_to_run)
    within = None
    if figure.stage and len(values[0]) + len(values[1]) == 2:
        errors = [side.blocked(figure)[0].error(figure.kind) for side in sides]
        within = errors[0], errors[1]
    return change(*values, within, level=level, run_to_run=allowance)


def _middle(values: Sequence[float]) -> float:
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product

"""Where the time of the slowest events went: of those at and beyond a figure, not of the mean.

Stages are measured by different processes, so no event's own stages stand together. What is known is in which seconds the
slow events were due, and how slow the slowest of each stage were of the events due in these seconds: so many as there were
slow events.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from typing_extensions import TypedDict

from lensload.metrics.histogram import coarse_bounds
from lensload.metrics.slices import CoarseSlice
from lensload.metrics.time_series import Coarse
from lensload.results.breakdown import Breakdown, split
from lensload.verdict.figures import Figure, shown
from lensload.verdict.slo import Outcome, Slo

ALWAYS: Final = "end_to_end.p99"
_TIMED: Final = ("ack", "end_to_end")
_ABOUT_LINGER: Final = 2  # a wait of so many lingers is one for a batch to fill, with the time to take it


class Slowest(TypedDict):
    """The events at and beyond a figure, and where their time went.

    Attributes:
        figure: the name of the figure, as in an objective.
        from_us: its value: these events took so long or longer.
        events: about how many there are.
        seconds: how many seconds they were due in.
        of_s: how many seconds were measured.
        first_s: when the first of these seconds began, from the start of the schedule.
        breakdown: their mean time, by where it was spent.
    """

    figure: str
    from_us: float
    events: int
    seconds: float
    of_s: float
    first_s: float
    breakdown: Breakdown


def slowest(
    slices: Sequence[CoarseSlice], run: Mapping[str, Any], slos: Iterable[tuple[Slo, Outcome]]
) -> list[Slowest]:
    """Of end-to-end p99, and of each objective about latency that is missed.

    Args:
        slices: of the run.
        run: a `lensload.results.run.Run`, or what will be one.
        slos: the objectives, and how each turned out.
    """
    missed = [slo.figure for slo, outcome in slos if not outcome["held"]]
    return _beyond(slices, run, [Figure.parse(ALWAYS), *missed])


def slowest_of_all(
    slices: Sequence[CoarseSlice], run: Mapping[str, Any], runs: Iterable[Mapping[str, Any]]
) -> list[Slowest]:
    """Of several runs together: of each figure that `slowest` has of any of them.

    Args:
        slices: of all runs.
        run: the runs as one.
        runs: each of them.
    """
    names = dict.fromkeys([ALWAYS, *(slow["figure"] for each in runs for slow in each.get("slowest", ()))])
    return _beyond(slices, run, map(Figure.parse, names))


def _beyond(
    slices: Sequence[CoarseSlice], run: Mapping[str, Any], figures: Iterable[Figure]
) -> list[Slowest]:
    wanted = {figure.name: figure for figure in figures if figure.stage in _TIMED}
    found = (
        _of(slices, name, figure.stage, figure.topic, from_us)
        for name, figure in wanted.items()
        if (from_us := figure.of(run)) is not None
    )
    return [one for one in found if one]


def sentence(slow: Slowest, linger_ms: float | None = None) -> str:
    """Where their time went and what to do about it, for a person."""
    fall = slow["breakdown"]
    part, whole = fall[f"{fall['mostly']}_us"], fall["end_to_end_us"]
    where = {
        "generator": "in the generator, which was late: free CPU on its machine, add workers or lower the rate",
        "client": _in_client(part or 0.0, linger_ms),
        "broker": "between client and acknowledgement: look at the broker's disk, followers and network at that time",
        "consumer": "after the acknowledgement: look at what held consumers back, and at the observer's CPU",
    }
    return (
        f"{slow['figure']} and beyond ({slow['events']:,} events from {shown(slow['from_us'], 'us')} on, in"
        f" {slow['seconds']:,.0f} of {slow['of_s']:,.0f} s, first at {slow['first_s']:,.0f} s):"
        f" {shown(part or 0.0, 'us')} of {shown(whole, 'us')} were {where[fall['mostly']]}."
    )


def _in_client(waited_us: float, linger_ms: float | None) -> str:
    if linger_ms is not None and waited_us <= _ABOUT_LINGER * linger_ms * 1000:
        return f"in the client's queue, where a batch waits up to {linger_ms:g} ms to be filled (--linger-ms)"
    beyond = (
        ""
        if linger_ms is None
        else f" (--linger-ms is {linger_ms:g}; beyond it events waited for answers of the broker)"
    )
    return (
        f"in the client's queue{beyond}: look at how fast the brokers answer, and at how much may be unanswered"
        " (max.in.flight.requests.per.connection in the --client-config file; with --acks all at most 5, and nothing more of"
        " a partition while 5 of its events are unanswered: more partitions help)"
    )


def sentences(run: Mapping[str, Any]) -> list[str]:
    """Where the time of a run's slowest events went, a sentence for each figure.

    What is a reason's advice already is left out; files of earlier versions have none.
    """
    linger_ms = run["conditions"].get("configuration", {}).get("linger_ms")
    texts = [sentence(slow, linger_ms) for slow in run.get("slowest", ())]
    return [text for text in texts if all(text != reason["advice"] for reason in run["reasons"])]


def _of(slices: Sequence[CoarseSlice], name: str, stage: str, topic: str, from_us: float) -> Slowest | None:
    """The events of a stage that took so long or longer."""
    first = int(np.searchsorted(coarse_bounds()[1], from_us * 1e3))
    ways: list[tuple[CoarseSlice, int, dict[str, float | None]]] = []
    for piece in slices:
        counts = piece.of(stage, topic)
        beyond = int(counts[first:].sum())
        if beyond:
            share = beyond / int(counts.sum())
            stages = {"schedule_lag": topic, "ack": topic, "queue": "all", stage: topic}
            ways.append(
                (piece, beyond, {of: _slow_us(piece.of(of, its), share) for of, its in stages.items()})
            )
    fall = _together(ways, stage)
    if fall is None:
        return None
    return {
        "figure": name,
        "from_us": from_us,
        "events": sum(beyond for _, beyond, _ in ways),
        "seconds": sum(piece.to_s - piece.from_s for piece, _, _ in ways),
        "of_s": sum(piece.to_s - piece.from_s for piece in slices),
        "first_s": min(piece.from_s for piece, _, _ in ways),
        "breakdown": fall,
    }


def _together(ways: Sequence[tuple[Any, int, Mapping[str, float | None]]], stage: str) -> Breakdown | None:
    def mean(of: str) -> float | None:
        known = [(way[of] or 0.0, events) for _, events, way in ways if way[of] is not None]
        events = sum(events for _, events in known)
        return sum(value * events for value, events in known) / events if events else None

    lag, ack, end = mean("schedule_lag"), mean("ack"), mean(stage)
    return None if lag is None or ack is None or end is None else split(lag, mean("queue"), ack, end)


def _slow_us(counts: Coarse, share: float) -> float | None:
    """The mean of that share of values which is the slowest, in microseconds; None where there are none."""
    total = int(counts.sum())
    if not total:
        return None
    low, high = coarse_bounds()
    falling = counts[::-1]
    before = np.cumsum(falling) - falling
    taken = np.clip(share * total - before, 0, falling)
    return float(taken @ ((low + high) / 2)[::-1] / taken.sum()) / 1e3

"""The course of a run in rows: one a second, and of a long run fewer and longer ones, whose counts add up to the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from lensload.metrics.counts import PROGRESS, Progress
from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import STAGES, Stats
from lensload.metrics.time_series import Coarse, TimeSeries, add_coarse
from lensload.results.counted import WARMUP
from lensload.results.run import Row, with_lengths

MOST = 600  # ten minutes of seconds, half a megabyte


def row(stats: Stats, *, at_s: float, phase: str, target_per_s: float, queue: int) -> Row:
    """One second of the series, from what is new in that second.

    Args:
        stats: of all processes of the run, since the last row.
        at_s: when the second ended, from the start of the schedule.
        phase: "starting", "warm-up", "measuring" or "draining".
        target_per_s: the rate asked for at that time, all workers together.
        queue: events waiting in the producers' queues.
    """
    measured = {stage: stats.histogram(stage) for stage in STAGES}
    return {
        "at_s": round(at_s, 3),
        "phase": phase,
        "target_per_s": target_per_s,
        **progress(stats),
        "queue": queue,
        "latency_us": {stage: _percentiles(one) for stage, one in measured.items() if one.count},
    }


def progress(stats: Stats) -> Progress:
    """How far the events of all topics have come, those of the warm-up included."""

    def of(name: str) -> int:
        return sum(counts.get(name, 0) + counts.get(WARMUP + name, 0) for counts in stats.counts.values())

    return {name: of(name) for name in PROGRESS}  # pyright: ignore[reportReturnType]  # its names


def _percentiles(histogram: Histogram) -> dict[str, float | None]:
    figures = histogram.summary()
    return {name: figures[name] for name in ("p50", "p99", "max")}


@dataclass(slots=True)
class _Part:
    """A row while it may grow, and the coarse counts of its latencies by stage, as far as they are known."""

    row: Row
    seconds: int
    coarse: dict[str, Coarse]

    @property
    def phase(self) -> str:
        return self.row["phase"]

    def add(self, later: "_Part") -> None:
        mine, other, seconds = self.row, later.row, self.seconds + later.seconds
        target = mine["target_per_s"] * self.seconds + other["target_per_s"] * later.seconds
        mine["at_s"], mine["target_per_s"] = other["at_s"], target / seconds
        for name in PROGRESS:
            mine[name] += other[name]
        mine["queue"] = max(mine["queue"], other["queue"])
        mine["latency_us"] = {}
        self.seconds = seconds
        add_coarse(self.coarse, later.coarse)

    def finished(self) -> Row:
        if self.seconds == 1:
            return self.row
        merged = {stage: Histogram.from_coarse(coarse) for stage, coarse in self.coarse.items()}
        return {**self.row, "latency_us": {stage: _percentiles(one) for stage, one in merged.items()}}


class Series:
    """The rows of a run that is on: one a second at first, longer ones once there are more than `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._parts = TimeSeries[_Part](most)

    def append(self, row: Row, fresh: Stats) -> None:
        """Take in the row of the second that ends now, and what it was made of.

        A longer row has the greatest queue, the mean target, and percentiles to 3 %.
        """
        self._parts.append(_Part(row.copy(), 1, _coarse(fresh)))

    def rows(self) -> list[Row]:
        """All rows as the run file has them."""
        return [part.finished() for part in self._parts]


def joined(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several runs in a row: times go on from run to run, and there are no more than of one run.

    Rows that are merged for that have no latencies: only the runs' own files tell them.
    """
    parts = TimeSeries[_Part](MOST)
    for rows in runs:
        shift_s = parts.last.row["at_s"] if parts.last else 0.0
        for row, length_s in with_lengths(rows):
            moved = row.copy()
            moved["at_s"] = row["at_s"] + shift_s
            parts.append(_Part(moved, max(1, round(length_s)), {}))
    return [part.row for part in parts]


def _coarse(fresh: Stats) -> dict[str, Coarse]:
    """By stage, of all topics together."""
    by_stage: dict[str, Coarse] = {}
    for (stage, _), histogram in fresh.histograms.items():
        if stage in STAGES and histogram.count:
            add_coarse(by_stage, {stage: histogram.coarse})
    return by_stage

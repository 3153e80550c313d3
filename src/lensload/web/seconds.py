"""The course of a run for the charts: one entry a second, longer ones of a long run, never more than `MOST`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.histogram import Histogram, coarse_bounds
from lensload.metrics.stats import Stats
from lensload.metrics.time_series import Coarse, TimeSeries, add_coarse
from lensload.results.snapshot import Snapshot

MOST: Final = 300
STAGES: Final = ("schedule_lag", "ack", "end_to_end", "response")
HEAT_STAGE: Final = "end_to_end"
ROWS_A_DECADE: Final = 8

_COUNTS: Final = ("produced", "acked", "failed", "observed")

Latency = Mapping[str, float | None]


@dataclass(slots=True)
class Second:
    """One second of a run, or several that were merged.

    Attributes:
        from_s: when it begins, from the start of the schedule.
        to_s: when it ends.
        phase: of the run.
        seconds: how many there are in it.
        target_per_s: the rate asked for, the mean of them.
        queue: the most events that waited.
        counts: produced, acked, failed and observed in it.
        coarse: the coarse counts of its latencies, by stage.
        latency: p50, p99 and p99.9 in microseconds, by stage; None: to be computed from `coarse` once somebody asks.
        version: when it was changed last, in versions of its `Seconds`.
    """

    from_s: float
    to_s: float
    phase: str
    seconds: int
    target_per_s: float
    queue: int
    counts: dict[str, int]
    coarse: dict[str, Coarse]
    latency: dict[str, Latency] | None
    version: int

    def add(self, later: "Second") -> None:
        """Take in the one that follows; its percentiles are then known to 3 %."""
        both = self.seconds + later.seconds
        self.target_per_s = (self.target_per_s * self.seconds + later.target_per_s * later.seconds) / both
        self.to_s, self.seconds = later.to_s, both
        self.queue = max(self.queue, later.queue)
        for name in _COUNTS:
            self.counts[name] += later.counts[name]
        add_coarse(self.coarse, later.coarse)
        self.latency = None
        self.version = later.version

    def as_json(self) -> dict[str, Any]:
        """The entry as the page reads it; rates are per second of the entry."""
        length_s = max(self.to_s - self.from_s, 0.2)
        if self.latency is None:
            self.latency = {
                stage: percentiles(Histogram.from_coarse(coarse)) for stage, coarse in self.coarse.items()
            }
        return {
            "from_s": round(self.from_s, 2),
            "to_s": round(self.to_s, 2),
            "phase": self.phase,
            "target_per_s": round(self.target_per_s, 1),
            **{f"{name}_per_s": round(count / length_s, 1) for name, count in self.counts.items()},
            "queue": self.queue,
            "latency_us": self.latency,
            "heat": _heat(self.coarse.get(HEAT_STAGE)),
        }


class Seconds:
    """The seconds of a run so far.

    Attributes:
        version: rises with every change.
        generation: rises when entries are merged, so that all numbers of entries are others.
    """

    def __init__(self, most: int = MOST) -> None:
        self.version = 0
        self.generation = 0
        self._count = 0
        self._entries = TimeSeries[Second](most)

    def append(self, snapshot: Snapshot, fresh: Stats) -> None:
        """Take in the second that ends now, and what was counted in it."""
        self.version += 1
        last = self._entries.last
        from_s = last.to_s if last else 0.0
        there = {stage for stage, _ in fresh.histograms}
        merged = {stage: fresh.histogram(stage) for stage in STAGES if stage in there}
        measured = {stage: one for stage, one in merged.items() if one.count}
        self._entries.append(
            Second(
                from_s=min(from_s, snapshot.elapsed_s),
                to_s=snapshot.elapsed_s,
                phase=snapshot.phase,
                seconds=1,
                target_per_s=snapshot.target_per_s,
                queue=snapshot.queue,
                counts={name: _sum_of(fresh, name) for name in _COUNTS},
                coarse={stage: one.coarse for stage, one in measured.items()},
                latency={stage: percentiles(one) for stage, one in measured.items()},
                version=self.version,
            )
        )
        count = sum(1 for _ in self._entries)
        self.generation += count < self._count  # neighbours were merged
        self._count = count

    @property
    def acked_per_s(self) -> float:
        """The rate of acknowledged events in the last second."""
        last = self._entries.last
        return last.counts["acked"] / max(last.to_s - last.from_s, 0.2) if last else 0.0

    def since(self, generation: int, version: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """The number and the content of each entry that is new, or other, since that version of that generation."""
        for number, entry in enumerate(self._entries):
            if generation != self.generation or entry.version > version:
                yield number, entry.as_json()


def percentiles(histogram: Histogram) -> Latency:
    """p50, p99 and p99.9 in microseconds; None where the sample does not carry one."""
    found = histogram.summary()
    return {
        name: None if (value := found[name]) is None else float(f"{value:.4g}")
        for name in ("p50", "p99", "p999")
    }


def _sum_of(stats: Stats, name: str) -> int:
    return sum(counts.get(name, 0) + counts.get(f"warmup_{name}", 0) for counts in stats.counts.values())


def _heat(coarse: Coarse | None) -> list[list[int]]:
    """Pairs of a row and how many events it has; row r is of latencies from 10**(r / ROWS_A_DECADE) us on."""
    if coarse is None:
        return []
    rows = _rows()
    counts = np.bincount(rows, coarse, int(rows[-1]) + 1).astype(np.int64)
    return [[int(row), int(counts[row])] for row in np.flatnonzero(counts)]


@cache
def _rows() -> NDArray[np.int64]:
    """The row of the heat map of each coarse bucket; what took less than 1 us is in row 0."""
    lowest, highest = coarse_bounds()
    middle_us = np.maximum((lowest + highest) / 2_000, 1.0)
    return np.floor(np.log10(middle_us) * ROWS_A_DECADE).astype(np.int64)

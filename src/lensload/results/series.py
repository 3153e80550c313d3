"""The course of a run in rows: one a second, and of a long run fewer and longer ones, whose counts add up to the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.histogram import Histogram
from lensload.metrics.pieces import Pieces
from lensload.metrics.stats import STAGES, Tally
from lensload.results.run import Row, with_lengths

MOST = 600  # ten minutes of seconds, half a megabyte
_COUNTS = ("produced", "acked", "failed", "observed")

Coarse = Mapping[str, NDArray[np.int64]]


@dataclass(slots=True)
class _Part:
    """A row while it may grow, and the coarse counts of its latencies by stage; None where they are not known."""

    row: Row
    seconds: int
    coarse: Coarse | None

    @property
    def phase(self) -> str:
        return self.row["phase"]

    def add(self, later: "_Part") -> None:
        mine, other, seconds = self.row, later.row, self.seconds + later.seconds
        target = mine["target_per_s"] * self.seconds + other["target_per_s"] * later.seconds
        mine["at_s"], mine["target_per_s"] = other["at_s"], target / seconds
        for name in _COUNTS:
            mine[name] += other[name]
        mine["queue"] = max(mine["queue"], other["queue"])
        mine["latency_us"] = {}
        self.seconds, self.coarse = seconds, _sum(self.coarse, later.coarse)

    def finished(self) -> Row:
        if self.seconds == 1 or not self.coarse:
            return self.row
        merged = {stage: Histogram.from_coarse(coarse).summary() for stage, coarse in self.coarse.items()}
        latency = {stage: {"p50": found["p50"], "p99": found["p99"]} for stage, found in merged.items()}
        return {**self.row, "latency_us": latency}


class Series:
    """The rows of a run that is on: one a second at first, longer ones once there are more than `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._parts = Pieces[_Part](most)

    def append(self, row: Row, fresh: Tally) -> None:
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
    parts = Pieces[_Part](MOST)
    for rows in runs:
        shift_s = parts.last.row["at_s"] if parts.last else 0.0
        for row, length_s in with_lengths(rows):
            moved = row.copy()
            moved["at_s"] = row["at_s"] + shift_s
            parts.append(_Part(moved, max(1, round(length_s)), None))
    return [part.row for part in parts]


def _coarse(fresh: Tally) -> Coarse:
    """By stage, of all topics together."""
    found: dict[str, NDArray[np.int64]] = {}
    for (stage, _), histogram in fresh.histograms.items():
        if stage in STAGES and histogram.count:
            found[stage] = found[stage] + histogram.coarse if stage in found else histogram.coarse
    return found


def _sum(one: Coarse | None, other: Coarse | None) -> Coarse | None:
    if one is None or other is None:
        return None
    both = {stage: one[stage] + other[stage] for stage in one if stage in other}
    return {**one, **other, **both}

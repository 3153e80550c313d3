"""The course of a run in slices of time, which add up to it: what became of the events due in each, and how long it took.

A percentile of the whole run does not say how certain it is; what it was in each of many slices does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lensload.metrics.counts import PROGRESS, Progress, count_of
from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import Stats
from lensload.metrics.time_series import Coarse, Span, TimeSeries, add_coarse

STAGES_KEPT = ("schedule_lag", "queue", "ack", "end_to_end")

# 60 slices or more tell well how a figure varies. Their histograms are coarse, for an error need not be known to three
# digits: 16 of them a slice take about half a megabyte. Where latencies spread so widely that it would be more than
# this, there are half as many slices: a run file stays below 2 MB however long and fast the run is.
MOST = 120
MOST_BYTES = 900_000


class Slice(Progress):
    """A part of the measured time, and what became of the events that were due in it. Slices have no events of the warm-up.

    Attributes:
        from_s: when it begins, from the start of the schedule; slices follow each other without gaps.
        to_s: when it ends.
        phase: "measuring"; in files of earlier versions, whose slices count what happened in their time, "draining"
            too.
        histograms: of `STAGES_KEPT` by stage and topic ("all" for the client's queue, missing in files of earlier
            versions), encoded as those of the run but coarse (`Histogram.from_coarse`): the latencies of these events.
    """

    from_s: float
    to_s: float
    phase: str
    histograms: dict[str, dict[str, str]]


@dataclass(slots=True)
class CoarseSlice:
    """A slice while the run is on, with the coarse counts of its histograms by stage and topic: 4 KB each."""

    from_s: float
    to_s: float
    phase: str
    second: int
    seconds: int
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROGRESS, 0))
    histograms: dict[tuple[str, str], Coarse] = field(default_factory=dict[tuple[str, str], Coarse])

    def add(self, later: "CoarseSlice") -> None:
        """Take in the slice that follows this one."""
        self.to_s = max(self.to_s, later.to_s)
        self.seconds += later.seconds
        for name, n in later.counts.items():
            self.counts[name] += n
        add_coarse(self.histograms, later.histograms)

    def of(self, stage: str, topic: str = "all") -> Coarse:
        """The coarse counts of a topic at a stage, or of all topics together; zeros where there were none."""
        found = [
            counts for (its, of), counts in self.histograms.items() if its == stage and topic in ("all", of)
        ]
        return np.sum(found, axis=0) if found else Histogram().coarse

    @property
    def empty(self) -> bool:
        """Nothing happened in it."""
        return not self.histograms and not any(self.counts.values())


class Slices:
    """The slices of a run that is on: one a second at first, longer ones once there are more than `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._parts = TimeSeries[CoarseSlice](most)

    def open(self, span: Span) -> None:
        """The next second: slices are of the measured time alone."""
        if span.phase == "measuring":
            self._parts.append(CoarseSlice(span.from_s, span.to_s, span.phase, span.second, 1))

    def add(self, second: int, fresh: Stats) -> None:
        """Take in what is new of the events due in a second; of one that there is not, in the nearest."""
        part = self._parts.at(second)
        if part is None:
            return
        for by_name in fresh.counts.values():
            for name in PROGRESS:
                part.counts[name] += by_name.get(name, 0)
        kept = {
            key: one.coarse for key, one in fresh.histograms.items() if key[0] in STAGES_KEPT and one.count
        }
        add_coarse(part.histograms, kept)

    def end(self, at_s: float) -> None:
        """The latest second ends there."""
        last = self._parts.last
        if last:
            last.to_s = max(at_s, last.from_s)

    def follow_with(self, run: Sequence[Slice]) -> None:
        """Take in the slices of a run as if it had followed.

        Raises:
            UsageError: its file is damaged.
        """
        last = self._parts.last
        shift_s = last.to_s - run[0]["from_s"] if last and run else 0.0
        for piece in run:
            self._parts.append(_decoded(piece, shift_s))

    def coarse(self) -> list[CoarseSlice]:
        """All slices as they are counted."""
        return list(self._parts)

    def finished(self) -> list[Slice]:
        """All slices as the run file has them: fewer where they would take more than `MOST_BYTES`."""
        return _finished(self._parts)


def joined(runs: Sequence[Sequence[Slice]]) -> "Slices":
    """The slices of several runs in a row: times go on from run to run, and there are no more than of one run.

    Raises:
        UsageError: a file is damaged.
    """
    together = Slices()
    for run in runs:
        together.follow_with(run)
    return together


def histogram(piece: Slice, stage: str, topic: str = "all") -> Histogram:
    """The latencies of a topic at a stage in a slice, or of all topics together; empty where there were none.

    Raises:
        UsageError: the file is damaged.
    """
    merged = Histogram()
    for its_topic, text in piece["histograms"].get(stage, {}).items():
        if topic in ("all", its_topic):
            merged.add(Histogram.from_encoded(text))
    return merged


def _finished(parts: TimeSeries[CoarseSlice]) -> list[Slice]:
    found = [_encoded(part) for part in parts if part.to_s > part.from_s or not part.empty]
    return _finished(parts) if _size(found) > MOST_BYTES and parts.halve() else found


def _size(found: Sequence[Slice]) -> int:
    """The bytes of all histograms; the rest is little."""
    return sum(
        len(text) for one in found for by_topic in one["histograms"].values() for text in by_topic.values()
    )


def _decoded(piece: Slice, shift_s: float) -> CoarseSlice:
    histograms = {
        (stage, topic): Histogram.from_encoded(text).coarse
        for stage, by_topic in piece["histograms"].items()
        for topic, text in by_topic.items()
    }
    counts = {name: count_of(piece, name) for name in PROGRESS}
    from_s, to_s = piece["from_s"] + shift_s, piece["to_s"] + shift_s
    return CoarseSlice(from_s, to_s, piece["phase"], 0, max(1, round(to_s - from_s)), counts, histograms)


def _encoded(part: CoarseSlice) -> Slice:
    histograms: dict[str, dict[str, str]] = {stage: {} for stage in STAGES_KEPT}
    for stage, topic in sorted(part.histograms):
        histograms[stage][topic] = Histogram.from_coarse(part.histograms[stage, topic]).encoded()
    return {
        "from_s": round(part.from_s, 3),
        "to_s": round(part.to_s, 3),
        "phase": part.phase,
        **part.counts,  # pyright: ignore[reportReturnType]  # by the names of Progress
        "histograms": histograms,
    }

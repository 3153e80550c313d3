"""The course of a run in rows: one a second, and of a long run fewer and longer ones, whose counts add up to the same.

A row has what became of the events that were due in its time, whenever that became known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lensload.metrics.by_second import ASKED
from lensload.metrics.counts import PROGRESS, Progress
from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import STAGES, Stats
from lensload.metrics.time_series import Coarse, Span, TimeSeries, add_coarse
from lensload.results.counted import WARMUP
from lensload.results.run import Row, with_lengths

MOST: Final = 600  # ten minutes of seconds, half a megabyte
_FIGURES: Final = ("p50", "p99", "max")
_EXACT: Final = 30  # so many latest seconds are known exactly; what is known of an older one later, to 3 %


@dataclass(slots=True)
class Second:
    """One second of a run, or several that were merged.

    Attributes:
        second: the number of the first.
        seconds: how many there are in it.
        from_s: when it begins, from the start of the schedule.
        to_s: when it ends.
        phase: of the run.
        version: of the series when it was changed last.
        asked: how many events the schedule asked for.
        queue: the most events that waited in the producers' queues.
        counts: what became of its events, by the names of `PROGRESS`, warm-up included.
        coarse: the coarse counts of its latencies, by stage.
        exact: its latencies by stage, while it is one of the latest seconds; then None.
        summaries: what `exact` said at the end, until more becomes known.
    """

    second: int
    seconds: int
    from_s: float
    to_s: float
    phase: str
    version: int = 0
    asked: float = 0.0
    queue: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROGRESS, 0))
    coarse: dict[str, Coarse] = field(default_factory=dict[str, Coarse])
    exact: dict[str, Histogram] | None = field(default_factory=dict[str, Histogram])
    summaries: dict[str, Mapping[str, float | int | None]] | None = None

    @classmethod
    def of(cls, span: Span) -> "Second":
        """A second of which nothing is known yet."""
        return cls(span.second, 1, span.from_s, span.to_s, span.phase)

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.to_s - self.from_s

    @property
    def target_per_s(self) -> float:
        """The mean rate that the schedule asked for."""
        return self.asked / self.length_s if self.length_s > 0 else 0.0

    def add(self, later: "Second") -> None:
        """Take in the one that follows: its percentiles are then known to 3 %."""
        self.to_s, self.seconds = later.to_s, self.seconds + later.seconds
        self.asked += later.asked
        self.queue = max(self.queue, later.queue)
        for name in PROGRESS:
            self.counts[name] += later.counts[name]
        add_coarse(self.coarse, later.coarse)
        self.exact = self.summaries = None
        self.version = max(self.version, later.version)

    def count(self, fresh: Stats, stages: Sequence[str]) -> None:
        """Take in more of what is known of its events."""
        for name, n in progress(fresh).items():
            self.counts[name] += n  # pyright: ignore[reportOperatorIssue]  # a TypedDict's values are objects
        self.asked += fresh.totals.get(ASKED, 0.0)
        for (stage, _), histogram in fresh.histograms.items():
            if stage in stages and histogram.count:
                add_coarse(self.coarse, {stage: histogram.coarse})
                if self.exact is not None:
                    self.exact.setdefault(stage, Histogram()).add(histogram)
                self.summaries = None

    def close(self) -> None:
        """Remember the summaries alone."""
        if self.exact is not None:
            self.summaries = {stage: one.summary() for stage, one in self.exact.items()}
            self.exact = None

    def latency_us(self, names: Sequence[str]) -> dict[str, dict[str, float | None]]:
        """These figures of its latencies, by stage; None where too few events carry one."""
        summaries = self.summaries or {
            stage: one.summary()
            for stage, one in (
                self.exact.items()
                if self.exact is not None
                else ((stage, Histogram.from_coarse(coarse)) for stage, coarse in self.coarse.items())
            )
        }
        return {
            stage: {name: summaries[stage][name] for name in names} for stage in STAGES if stage in summaries
        }

    def row(self) -> Row:
        """As the run file has it."""
        return {
            "at_s": round(self.to_s, 3),
            "phase": self.phase,
            "target_per_s": round(self.target_per_s, 6),
            **self.counts,  # pyright: ignore[reportReturnType]  # by the names of Progress
            "queue": self.queue,
            "latency_us": self.latency_us(_FIGURES),
        }


class Series:
    """The seconds of a run that is on: fewer and longer ones once there are more than `most`.

    Args:
        most: how many there may be.
        stages: whose latencies are kept.

    Attributes:
        version: rises with every change.
        generation: rises when seconds are merged, so that all have other numbers.
    """

    def __init__(self, most: int = MOST, stages: Sequence[str] = STAGES) -> None:
        self.version = self.generation = 0
        self._stages = stages
        self._parts = TimeSeries[Second](most)

    def open(self, span: Span) -> None:
        """The next second: there are no gaps."""
        self.version += 1
        before = len(self._parts)
        second = Second.of(span)
        second.version = self.version
        self._parts.append(second)
        self.generation += len(self._parts) < before
        old = self._parts.at(span.second - _EXACT)
        if old and old.second <= span.second - _EXACT:
            old.close()

    def add(self, second: int, fresh: Stats) -> None:
        """Take in what is new of the events due in a second; of one that there is not, in the nearest."""
        part = self._parts.at(second)
        if part:
            self.version += 1
            part.version = self.version
            part.count(fresh, self._stages)

    def note_queue(self, queue: int) -> None:
        """So many events waited in the latest second."""
        last = self._parts.last
        if last:
            last.queue = max(last.queue, queue)

    def end(self, at_s: float) -> None:
        """The latest second ends there."""
        last = self._parts.last
        if last:
            last.to_s = max(at_s, last.from_s)

    @property
    def last(self) -> Second | None:
        """The latest; None while there is none."""
        return self._parts.last

    def since(self, generation: int, version: int) -> Iterator[tuple[int, Second]]:
        """The number and the second of each that is new, or other, since that version of that generation."""
        for number, second in enumerate(self._parts):
            if generation != self.generation or second.version > version:
                yield number, second

    def rows(self) -> list[Row]:
        """All rows as the run file has them. A longer row has the greatest queue, the mean target, and percentiles to 3 %."""
        return [second.row() for second in self._parts]


def progress(stats: Stats) -> Progress:
    """How far the events of all topics have come, those of the warm-up included."""

    def of(name: str) -> int:
        return sum(counts.get(name, 0) + counts.get(WARMUP + name, 0) for counts in stats.counts.values())

    return {name: of(name) for name in PROGRESS}  # pyright: ignore[reportReturnType]  # its names


def latencies_us(stats: Stats) -> dict[str, dict[str, float | None]]:
    """p50, p99 and max by stage, of all topics together."""
    second = Second.of(Span(0, 0.0, 0.0, ""))
    second.count(stats, STAGES)
    return second.latency_us(_FIGURES)


def joined(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """The rows of several runs in a row: times go on from run to run, and there are no more than of one run.

    Rows that are merged for that have no latencies: only the runs' own files tell them.
    """
    parts, kept = TimeSeries[Second](MOST), dict[int, Row]()
    number, shift_s = 0, 0.0
    for rows in runs:
        for row, length_s in with_lengths(rows):
            to_s = row["at_s"] + shift_s
            part = Second(number, max(1, round(length_s)), to_s - length_s, to_s, row["phase"], exact=None)
            part.asked, part.queue = row["target_per_s"] * length_s, row["queue"]
            part.counts = {name: row[name] for name in PROGRESS}
            part.summaries = {}
            kept[number] = {**row, "at_s": to_s}
            number += 1
            parts.append(part)
        shift_s = parts.last.to_s if parts.last else 0.0
    return [kept[part.second] if part.summaries == {} else part.row() for part in parts]

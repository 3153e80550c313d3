"""The course of a run, second by second of its schedule: rows and slices, of whatever became of the events due in each.

What became of a second's events is heard of over the next seconds, and of some much later. A second is opened when it is
over and all processes should have reported it; what is heard later is added to it.
"""

from dataclasses import dataclass, field
from typing import Final

from lensload.ids import NS_PER_S
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.slices import Slices
from lensload.metrics.time_series import Span
from lensload.results.series import Series
from lensload.results.snapshot import Phase

# A process that reports nothing keeps the others' seconds back no longer than this.
_MOST_NS: Final = 2 * NS_PER_S
_SHORTEST_S: Final = 0.2  # a last second that is shorter is of the one before


@dataclass(frozen=True, slots=True)
class Times:
    """When a run's schedule starts, when measuring does, and when it ends (0: when told), Unix nanoseconds."""

    start_ns: int
    measure_from_ns: int
    end_ns: int

    def phase(self, now_ns: int) -> Phase:
        """Where in its schedule the run is."""
        return "warm-up" if now_ns < self.measure_from_ns else "measuring"

    def elapsed_s(self, now_ns: int) -> float:
        """Seconds since the schedule started."""
        return max(0, now_ns - self.start_ns) / 1e9

    def measured_s(self, stopped_ns: int) -> float:
        """How long was measured, if the schedule was stopped then."""
        return max(0, min(stopped_ns, self.end_ns or stopped_ns) - self.measure_from_ns) / 1e9

    def is_measured(self, now_ns: int, stopped_ns: int) -> bool:
        """Whether a time is between the end of the warm-up and the end; stopped at `stopped_ns`, if that is not 0."""
        ends = [end_ns for end_ns in (stopped_ns, self.end_ns) if end_ns]
        return self.measure_from_ns <= now_ns <= min(ends, default=now_ns)

    @property
    def total_s(self) -> float | None:
        """Warm-up and measured time; None for a run without an end."""
        return (self.end_ns - self.start_ns) / 1e9 if self.end_ns else None

    @property
    def first_second(self) -> int:
        """The number of the first second; those of the warm-up are below 0."""
        return (self.start_ns - self.measure_from_ns) // NS_PER_S

    def span(self, second: int, until_ns: int) -> Span:
        """A second of the schedule, by its number, as far as it lies before a moment."""
        from_ns = self.measure_from_ns + second * NS_PER_S
        to_ns = min(from_ns + NS_PER_S, until_ns)
        phase = "warm-up" if second < 0 else "measuring"
        return Span(second, self.elapsed_s(from_ns), self.elapsed_s(to_ns), phase)


@dataclass(frozen=True, slots=True)
class Step:
    """What is new of the course.

    Attributes:
        opened: seconds that are over.
        fresh: what has become known of the events of these and of others.
        queue: how many events wait in the producers' queues.
        end_s: when the schedule ended, from its start; None: it is on, or what followed is not known yet.
    """

    opened: tuple[Span, ...] = ()
    fresh: StatsBySecond = field(default_factory=StatsBySecond)
    queue: int = 0
    end_s: float | None = None

    def into(self, *courses: "Series | Slices") -> None:
        """Take it into these."""
        for course in courses:
            for span in self.opened:
                course.open(span)
            for second, stats in sorted(self.fresh.seconds.items()):
                course.add(second, stats)
            if isinstance(course, Series):
                course.note_queue(self.queue)
            if self.end_s is not None:
                course.end(self.end_s)


class Course:
    """The seconds of a run that is on.

    Args:
        times: of its schedule.

    Attributes:
        series: its rows.
        slices: of the measured time.
    """

    def __init__(self, times: Times) -> None:
        self.series, self.slices = Series(), Slices()
        self._times = times
        self._next = times.first_second
        self._pending = StatsBySecond(times.measure_from_ns)

    def take_in(
        self, fresh: StatsBySecond, *, now_ns: int, reported_ns: int, stopped_ns: int, queue: int
    ) -> Step:
        """Take in what has been heard of since the last time.

        Args:
            fresh: it.
            now_ns: the time, Unix ns.
            reported_ns: until when all processes have reported.
            stopped_ns: when the schedule was stopped; 0 while it is not.
            queue: how many events wait in the producers' queues.
        """
        self._pending.add(fresh)
        known_ns = min(max(reported_ns, now_ns - _MOST_NS), self._until_ns(stopped_ns) or now_ns)
        return self._step(self._pending.second(known_ns), known_ns, queue)

    def finish(self, fresh: StatsBySecond, stopped_ns: int) -> Step:
        """Take in the rest of a schedule that was stopped then, or had ended by itself."""
        self._pending.add(fresh)
        until_ns = self._until_ns(stopped_ns) or stopped_ns
        over = self._pending.second(until_ns)
        short_s = (until_ns - self._pending.origin_ns) % NS_PER_S / NS_PER_S
        alone = self.series.last is None and self._next >= over
        end_s = self._times.elapsed_s(until_ns)
        return self._step(over + (short_s >= _SHORTEST_S or alone), until_ns, end_s=end_s)

    def _until_ns(self, stopped_ns: int) -> int:
        """When the schedule ends, as far as that is known; 0: it is not."""
        return min(filter(None, (stopped_ns, self._times.end_ns)), default=0)

    def _step(self, below: int, until_ns: int, queue: int = 0, end_s: float | None = None) -> Step:
        """Open the seconds below a number, and take in what is known of them."""
        spans = tuple(self._times.span(second, until_ns) for second in range(self._next, below))
        self._next = max(self._next, below)
        step = Step(spans, self._pending.take(self._next if end_s is None else None), queue, end_s)
        step.into(self.series, self.slices)
        return step

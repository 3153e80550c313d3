"""The course of a made-up run: what a test says of the events due in each second."""

from collections.abc import Sequence

from lensload.coordinator.course import Step
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.metrics.slices import Slices
from lensload.metrics.stats import Stats
from lensload.metrics.time_series import Span
from lensload.results.run import Row
from lensload.results.series import Series


def of_second(second: int, fresh: Stats, asked: float = 0.0) -> StatsBySecond:
    """What is known of the events due in a second, and how many were asked for."""
    found = StatsBySecond()
    found.of(second).add(fresh)
    if asked:
        found.of(second).add_total(ASKED, asked)
    return found


def measured(second: int) -> Span:
    """A whole second of a run without warm-up."""
    return Span(second, float(second), second + 1.0, "measuring")


def step(second: int, fresh: Stats, asked: float = 0.0, queue: int = 0) -> Step:
    """A second that is over, of whose events all is known."""
    return Step((measured(second),), of_second(second, fresh, asked), queue)


def slices_of(seconds: Sequence[Stats], most: int | None = None) -> Slices:
    """The slices of a run of so many seconds."""
    slices = Slices() if most is None else Slices(most)
    for second, fresh in enumerate(seconds):
        step(second, fresh).into(slices)
    return slices


def rows_of(seconds: Sequence[Stats], per_s: float = 0.0, queue: int = 0) -> list[Row]:
    """The rows of a run of so many seconds, at that rate."""
    series = Series()
    for second, fresh in enumerate(seconds):
        step(second, fresh, per_s, queue).into(series)
    return series.rows()

"""The course of a run in a bounded number of parts of time, however long it is.

There is one part a second at first. When there are too many, neighbours are merged, and later parts are twice as long.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Generic, NamedTuple, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray


class Span(NamedTuple):
    """A second of a run's schedule; the first and the last may be shorter.

    Attributes:
        second: its number, as of `lensload.metrics.by_second.StatsBySecond`.
        from_s: when it begins, from the start of the schedule.
        to_s: when it ends.
        phase: "warm-up" or "measuring".
    """

    second: int
    from_s: float
    to_s: float
    phase: str


class Part(Protocol):
    """Some time of a run."""

    @property
    def phase(self) -> str:
        """Of the run; parts of different phases are never merged."""
        ...

    @property
    def second(self) -> int:
        """The number of its first second."""
        ...

    @property
    def seconds(self) -> int:
        """How many parts of one second are in it."""
        ...

    def add(self, later: Self) -> None:
        """Take in the part that follows this one."""
        ...


Coarse = NDArray[np.int64]
"""The counts of a histogram in coarse buckets (`Histogram.coarse`)."""

K = TypeVar("K")
P = TypeVar("P", bound=Part)


class TimeSeries(Generic[P]):
    """The parts of a run so far, in the order of time: at most `most`, or one for each change of phase."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[P] = []
        self._length = 1  # of a whole part, in seconds

    def append(self, part: P) -> None:
        """Take in the next part: it is added to the last one until that is as long as the others."""
        last = self.last
        if last and last.phase == part.phase and last.seconds + part.seconds <= self._length:
            last.add(part)
            return
        self._parts.append(part)
        if len(self._parts) > self._most:
            self.halve()

    def at(self, second: int) -> P | None:
        """The part that has a second, or the nearest to it; None while there is none."""
        place = bisect_right(self._parts, second, key=lambda part: part.second)
        return self._parts[max(0, place - 1)] if self._parts else None

    def halve(self) -> bool:
        """Merge neighbours of one phase in pairs; False where no two of them are of one phase."""
        before = len(self._parts)
        self._length *= 2
        self._parts = list(_pairwise(self._parts))
        return len(self._parts) < before

    @property
    def last(self) -> P | None:
        """The latest part; None while there is none."""
        return self._parts[-1] if self._parts else None

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[P]:
        return iter(self._parts)


def _pairwise(parts: list[P]) -> Iterator[P]:
    """Half as many, each of two neighbours of one phase."""
    for _, of_phase in groupby(parts, key=lambda part: part.phase):
        neighbours = list(of_phase)
        for first, second in zip(neighbours[::2], neighbours[1::2], strict=False):
            first.add(second)
        yield from neighbours[::2]


def add_coarse(mine: dict[K, Coarse], other: Mapping[K, Coarse]) -> None:
    """Add the coarse counts of histograms to those of the same key."""
    for key, counts in other.items():
        mine[key] = mine[key] + counts if key in mine else counts

"""What was counted by the second in which the events were due, in parts that add up.

An event is produced, acknowledged and observed at three times and by two processes, and is due at one. Counted by the second
in which it was due, what became of a second's events can be held against what was asked for in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload.ids import NS_PER_S
from lensload.metrics.stats import Stats

ASKED: Final = "asked"
"""The total of a second's stats that is how many events the schedule asked for in it."""

Which = slice | NDArray[np.bool_]
"""Which of some events: an index of arrays that have an entry for each."""


@dataclass(slots=True)
class StatsBySecond:
    """Stats of each second, and of what belongs to no event's second.

    Seconds are numbered from when measuring begins; those below 0 are warm-up.

    Attributes:
        origin_ns: when second 0 begins, Unix ns.
        timeless: errors, totals and whatever else has no second.
        seconds: what was counted of the events due in each second.
    """

    origin_ns: int = 0
    timeless: Stats = field(default_factory=Stats)
    seconds: dict[int, Stats] = field(default_factory=dict[int, Stats])

    def second(self, at_ns: int) -> int:
        """The number of the second that holds a moment, Unix ns."""
        return (at_ns - self.origin_ns) // NS_PER_S

    def of(self, second: int) -> Stats:
        """The stats of a second, by its number."""
        part = self.seconds.get(second)
        if part is None:
            part = self.seconds[second] = Stats()
        return part

    def split(self, due_ns: NDArray[np.int64]) -> Iterator[tuple[int, Stats, Which]]:
        """Events by the second in which they were due: its number, its stats, and which events these are.

        Args:
            due_ns: when each event was due, Unix ns.
        """
        if not due_ns.size:
            return
        first, last = self.second(int(due_ns.min())), self.second(int(due_ns.max()))
        if first == last:  # as nearly always: events are accounted for ten times a second
            yield first, self.of(first), slice(None)
            return
        seconds = (due_ns - self.origin_ns) // NS_PER_S
        for second in np.unique(seconds).tolist():
            yield second, self.of(second), seconds == second

    def add(self, other: "StatsBySecond") -> None:
        """Count all that `other` has, whose seconds have the same numbers; `other` is left as it was."""
        self.timeless.add(other.timeless)
        for second, part in other.seconds.items():
            self.of(second).add(part)

    def take(self, below: int | None = None) -> "StatsBySecond":
        """Hand over what has gathered, and start empty; of the seconds those below a number, None: all."""
        seconds = {number: one for number, one in self.seconds.items() if below is None or number < below}
        taken = StatsBySecond(self.origin_ns, self.timeless.take(), seconds)
        self.seconds = {number: one for number, one in self.seconds.items() if number not in seconds}
        return taken

    def __iter__(self) -> Iterator[Stats]:
        """All stats, which add up to the whole."""
        yield self.timeless
        yield from self.seconds.values()

    def total(self) -> Stats:
        """The whole: a copy."""
        whole = Stats()
        for part in self:
            whole.add(part)
        return whole

    def to_wire(self) -> list[Any]:
        """All of it, exactly, as a list that msgpack can carry."""
        seconds = {second: part.to_wire() for second, part in self.seconds.items()}
        return [self.origin_ns, self.timeless.to_wire(), seconds]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Self:
        """What `to_wire` gave, again."""
        origin_ns, timeless, seconds = wire
        by_second = {second: Stats.from_wire(one) for second, one in seconds.items()}
        return cls(origin_ns, Stats.from_wire(timeless), by_second)

"""How many events the schedule asks for in each second: what the load of that second is held against."""

from collections import deque

from lensload.ids import NS_PER_S
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.pacing.pacer import Pacer


class ScheduledLoad:
    """Accounts for the rate that a schedule asks for, whether the events are made or not.

    Args:
        pacer: the schedule.
        stats: where to account, as total `ASKED` of each second.
        from_ns: when the schedule starts, Unix ns.
    """

    def __init__(self, pacer: Pacer, stats: StatsBySecond, from_ns: int) -> None:
        self._pacer, self._stats = pacer, stats
        self._planned_ns = self._accounted_ns = from_ns
        self._accounted = 0.0  # events asked for until then
        # Until when, and how many in all; no second begins between two of them.
        self._points: deque[tuple[int, float]] = deque()

    def plan(self, until_ns: int) -> None:
        """Note what is asked for until then, before the pacer's cursor moves there: later changes are of what follows."""
        first = self._stats.second(self._planned_ns) + 1
        last = self._stats.second(until_ns)
        for second in range(first, last + 1):
            self._note(self._stats.origin_ns + second * NS_PER_S)
        self._note(until_ns)

    def account(self, until_ns: int) -> None:
        """Enter what is asked for until then, as far as it is planned."""
        while self._points and self._points[0][0] <= until_ns:
            self._enter(*self._points.popleft())
        if self._points and until_ns > self._accounted_ns:
            at_ns, asked = self._points[0]
            share = (until_ns - self._accounted_ns) / (at_ns - self._accounted_ns)
            self._enter(until_ns, self._accounted + share * (asked - self._accounted))

    def _note(self, until_ns: int) -> None:
        if until_ns > self._planned_ns:
            self._planned_ns = until_ns
            self._points.append((until_ns, self._pacer.expected(until_ns)))

    def _enter(self, until_ns: int, asked: float) -> None:
        second = self._stats.second(self._accounted_ns)
        self._stats.of(second).add_total(ASKED, asked - self._accounted)
        self._accounted_ns, self._accounted = until_ns, asked

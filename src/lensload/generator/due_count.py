"""How many events of the measured time were due by a moment: what the load is held against."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.ids import NS_PER_S

# Events are planned a tenth of this ahead at most: earlier ones are due by any moment that is asked about.
_KEPT_NS: Final = NS_PER_S


class DueCount:
    """Counts the events that a schedule, or people, make due, from when they are planned on.

    Attributes:
        measure_from_ns: events due before then are warm-up, and not counted; Unix ns.
        planned: how many there are.
    """

    def __init__(self) -> None:
        self.measure_from_ns = 0
        self.planned = 0
        self._latest: deque[NDArray[np.int64]] = deque()

    def plan(self, due_ns: NDArray[np.int64]) -> None:
        """Count events that are due then, in order, made or not."""
        if not due_ns.size:
            return
        self.planned += int(np.count_nonzero(due_ns >= self.measure_from_ns))
        self._latest.append(due_ns)
        while self._latest[0][-1] < due_ns[-1] - _KEPT_NS:
            self._latest.popleft()

    def by(self, at_ns: int) -> int:
        """How many of them were due by a moment of the measured time, not more than a second before the latest."""
        return self.planned - sum(int(np.count_nonzero(due_ns > at_ns)) for due_ns in self._latest)

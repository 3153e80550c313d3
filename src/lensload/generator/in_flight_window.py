"""The room that a run without a schedule has: how many events may be made now, and for how long there was none."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.generator.producer import PacedProducer
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import StatsBySecond
from lensload.pacing.flat_out import MOST_UNDER_WAY, FlatOut

_USED: Final = 0.9  # of the places in the client's queue: its own events need some too


class InFlightWindow:
    """Counts the events that are under way, and says how many more may be made.

    The total `window_full_s` gets the measured time in which there was no room.

    Args:
        producer: has the events that were offered.
        stats: where to account.
        places: how many events the client's queue takes.

    Attributes:
        offered: how many events the producer was offered.
    """

    def __init__(self, producer: PacedProducer, stats: StatsBySecond, places: int) -> None:
        self.offered = 0
        self._producer, self._stats = producer, stats
        self._flat_out = FlatOut(min(int(places * _USED), MOST_UNDER_WAY))
        self._measure_from_ns = self._end_ns = 0
        self._full_since_ns = 0

    def begin(self, measure_from_ns: int, end_ns: int) -> None:
        """Count what is measured from then on; `end_ns` is 0 for a run without an end."""
        self._measure_from_ns, self._end_ns = measure_from_ns, end_ns

    def has_some(self, now_ns: int) -> bool:
        """Whether some events may be made; notes for how long none may."""
        has_room = self._flat_out.has_room(self._under_way)
        if not has_room and self._producer.held > len(self._producer):
            self._producer.settle()
            has_room = self._flat_out.has_room(self._under_way)
        if has_room:
            self.end(now_ns)
        else:
            self._full_since_ns = self._full_since_ns or max(now_ns, self._measure_from_ns)
        return has_room

    def due_from(self, from_ns: int) -> NDArray[np.int64]:
        """The due times of as many events as may be made, in the millisecond that `from_ns` begins."""
        return self._flat_out.due_from(from_ns, self._under_way)

    def end(self, now_ns: int) -> None:
        """Account for the time without room, if there was some until now."""
        if self._full_since_ns:
            full_ns = min(now_ns, self._end_ns or now_ns) - self._full_since_ns
            self._stats.timeless.add_total("window_full_s", max(0, full_ns) / NS_PER_S)
            self._full_since_ns = 0

    @property
    def _under_way(self) -> int:
        """How many events were made, and wait to be handed over or have a place in the client's queue."""
        return self.offered - self._producer.produced + self._producer.held

"""Waiting: records that stand behind newer ones of their partition."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.seed.faults.kinds import LATE, OUT_OF_ORDER
from lensload.seed.records import Records

LEAST_LATE_MS: Final = 10 * 60_000
MOST_LATE_MS: Final = 60 * 60_000


@dataclass(frozen=True, slots=True)
class Waiter:
    """A record that waits until something newer stands before it.

    Attributes:
        due_ms: its place is behind the first record that is newer than this.
        record: itself, alone.
    """

    due_ms: int
    record: Records

    @property
    def timestamp_ms(self) -> int:
        """Its CreateTime."""
        return int(self.record.timestamp_ms[0])

    def label(self, newest_ms: int) -> str:
        """What it is behind records up to `newest_ms`: no fault, where it stands in its order.

        Where little happens, the next newer record may be so much newer that what was to be out of order is late.
        """
        if newest_ms - self.timestamp_ms >= LEAST_LATE_MS:
            return LATE
        return OUT_OF_ORDER if newest_ms > self.timestamp_ms else ""


@dataclass(slots=True)
class WaitingRoom:
    """Those of one partition that wait, in the order in which they came.

    Attributes:
        waiters: who waits.
        newest_ms: the newest time of a record that was in its place.
    """

    waiters: list[Waiter] = field(default_factory=list[Waiter])
    newest_ms: int = -(2**63)

    def called(self, times_ms: NDArray[np.int64]) -> list[tuple[int, Waiter, str]]:
        """Those whose turn comes, each behind the number of the record behind which it stands, and with its fault.

        `times_ms` are those of the partition's next records that are in their places; they never go back.
        """
        if not len(times_ms):
            return []
        self.newest_ms = max(self.newest_ms, int(times_ms[-1]))
        behind = np.searchsorted(times_ms, [waiter.due_ms for waiter in self.waiters], side="right").tolist()
        pairs = list(zip(behind, self.waiters, strict=True))
        self.waiters = [waiter for place, waiter in pairs if place == len(times_ms)]
        return [
            (place, waiter, waiter.label(int(times_ms[place])))
            for place, waiter in pairs
            if place < len(times_ms)
        ]

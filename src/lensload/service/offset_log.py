"""When the event at each offset was due: what turns a consumer's lag in records into a lag in seconds."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Place = tuple[str, int]


class OffsetLog:
    """Offsets and due times of the run's events, partition by partition; 16 bytes an event until it is forgotten."""

    def __init__(self) -> None:
        self._fresh: dict[Place, list[tuple[Integers, Integers]]] = {}
        self._known: dict[Place, tuple[Integers, Integers]] = {}

    def enter(self, place: Place, offsets: Integers, due_ns: Integers) -> None:
        """Note events of a partition, in the order of their offsets."""
        self._fresh.setdefault(place, []).append((offsets, due_ns))

    def lag(self, place: Place, committed: int, at_ns: int) -> tuple[int, float]:
        """How far a consumer that goes on at offset `committed` was behind at a moment.

        Returns:
            The records due until then from that offset on, and how long ago the first of them was due, in seconds. A
            backlog from before the run counts from the run's first event on.
        """
        offsets, due_ns = self._of(place)
        first = int(np.searchsorted(offsets, committed))
        # Due times rise with offsets but for what several writers and retries mix up.
        due = np.flatnonzero(due_ns[first:] <= at_ns)
        if not len(due):
            return 0, 0.0
        begin = committed if first else int(offsets[first])
        return int(offsets[first + due[-1]]) + 1 - begin, (at_ns - int(due_ns[first + due[0]])) / 1e9

    def forget(self, place: Place, before: int) -> None:
        """Forget a partition's events before an offset."""
        offsets, due_ns = self._of(place)
        first = int(np.searchsorted(offsets, before))
        if first > 1:
            # One is kept, so that what was committed behind it is known to be of this run.
            self._known[place] = offsets[first - 1 :].copy(), due_ns[first - 1 :].copy()

    def _of(self, place: Place) -> tuple[Integers, Integers]:
        none = np.zeros(0, np.int64)
        parts = [self._known.get(place, (none, none)), *self._fresh.pop(place, [])]
        if len(parts) > 1:
            offsets, due_ns = zip(*parts, strict=True)
            self._known[place] = np.concatenate(offsets), np.concatenate(due_ns)
        return self._known.get(place, (none, none))

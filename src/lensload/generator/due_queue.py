"""Encoded events that wait to be produced, in the order of their due times."""

import time
from bisect import bisect_right
from collections import deque
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.encoding.encoders import Encoded
from lensload.kafka.message_table import Messages

NEVER_NS: Final = (1 << 63) - 1
_CHUNK: Final = 250  # events between two looks at the clock: a quarter of a millisecond at full speed
_TOPIC_BITS: Final = 6  # for `MOST_TOPICS`; the other bits are of the due time
_BASE_NS: Final = time.time_ns()  # due times less than 4.5 years from it have a place


class DueQueue:
    """A topic's events that wait to be produced, in the order of their due times.

    Args:
        name: the topic's name in the cluster.
        number: the topic's, which delivery reports give back with the due time.

    Attributes:
        name: the topic's name in the cluster.
        next_ns: when the first of them is due; NEVER_NS when there is none.
    """

    __slots__ = ("_batches", "_due_ns", "_number", "_place", "name", "next_ns")

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self._number = number
        self.next_ns = NEVER_NS
        self._batches: deque[tuple[Encoded, Messages]] = deque()
        # Of the first batch: due times, and how many were produced. A list, since bisect beats NumPy for one look.
        self._due_ns: list[int] = []
        self._place = 0

    def append(self, encoded: Encoded) -> None:
        """Take in a batch; none of it is due before what waits already."""
        if len(encoded):
            opaques = _sealed(self._number, encoded.due_ns)
            messages = Messages(encoded.packed_values, encoded.packed_keys, opaques, encoded.packed_headers)
            self._batches.append((encoded, messages))
            if len(self._batches) == 1:
                self._begin()

    def due_by(self, now_ns: int) -> tuple[Encoded, Messages, int, int]:
        """The first batch, and from where to where it is due by then: a chunk at most."""
        stop = bisect_right(self._due_ns, now_ns, self._place)
        return *self._batches[0], self._place, min(stop, self._place + _CHUNK)

    def drop_to(self, place: int) -> None:
        """The first batch was produced up to `place`."""
        self._place = place
        if place < len(self._due_ns):
            self.next_ns = self._due_ns[place]
        else:
            self._batches.popleft()
            self._begin()

    def waiting(self, after_ns: int) -> int:
        """How many wait, of those due after a moment."""
        every = [
            self._due_ns[self._place :],
            *(encoded.due_ns.tolist() for encoded, _ in islice(self._batches, 1, None)),
        ]
        return sum(len(due_ns) - bisect_right(due_ns, after_ns) for due_ns in every)

    def _begin(self) -> None:
        self._place = 0
        self._due_ns = self._batches[0][0].due_ns.tolist() if self._batches else []
        self.next_ns = self._due_ns[0] if self._due_ns else NEVER_NS


def _sealed(topic: int, due_ns: NDArray[np.int64]) -> NDArray[np.uint64]:
    """What a report must give back of each event, as one number: its topic's number and its due time."""
    return ((due_ns - _BASE_NS) << _TOPIC_BITS | topic).view(np.uint64)


def opened(opaques: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The topics' numbers and the due times, Unix ns."""
    signed = opaques.view(np.int64)
    return signed & ((1 << _TOPIC_BITS) - 1), (signed >> _TOPIC_BITS) + _BASE_NS

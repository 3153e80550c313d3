"""Events of one topic that were handed to librdkafka, and when."""

import numpy as np
from numpy.typing import NDArray

from lensload.delivery.sent import Portion
from lensload.encoding.encoders import Encoded


class Handovers:
    """Notes which events were handed over, chunk by chunk; there are some thousand chunks a second."""

    def __init__(self) -> None:
        self._portions: list[Portion] = []
        # A batch, and from where to where it was handed over.
        self._open: tuple[Encoded, int, int] | None = None
        # How many events, when it began, when it ended: of one chunk after another.
        self._chunks: list[int] = []

    def note(self, encoded: Encoded, start: int, stop: int, began_ns: int, ended_ns: int) -> None:
        """Events `start` to `stop` of a batch, behind those noted last if they are of the same, were handed over meanwhile."""
        if self._open and self._open[0] is encoded:
            self._open = encoded, self._open[1], stop
        else:
            self._close()
            self._open = encoded, start, stop
        self._chunks += (stop - start, began_ns, ended_ns)

    def take(self) -> tuple[list[Portion], NDArray[np.int64]]:
        """All that was noted since the last call: the events, and when each was handed over.

        The events of a chunk are taken to be evenly spread over its time.
        """
        self._close()
        counts, began_ns, ended_ns = np.array(self._chunks, np.int64).reshape(-1, 3).T
        portions, self._portions, self._chunks = self._portions, [], []
        place = np.arange(1, counts.sum() + 1) - np.repeat(np.cumsum(counts) - counts, counts)
        took_ns = np.repeat(ended_ns - began_ns, counts) * place // np.repeat(counts, counts)
        return portions, np.repeat(began_ns, counts) + took_ns

    def _close(self) -> None:
        if self._open:
            self._portions.append(Portion.of(*self._open))
            self._open = None

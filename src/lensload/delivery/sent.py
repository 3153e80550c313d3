"""The engine's own account of its events: which were handed to the producer, and which of them failed."""

from itertools import chain
from typing import Final
from zlib import adler32

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.delivery.bitmap import Page, PageKey
from lensload.delivery.reconcile import Kind
from lensload.delivery.tracker import TOPICS_A_LANE, SequenceLedger
from lensload.encoding import wire
from lensload.encoding.encoders import Encoded
from lensload.schema.definitions import TOPIC_NAMES

_FEWEST: Final = 4_000  # events entered at once: NumPy's calls cost too much for fewer


class Dispatches:
    """Which events an engine has sent, which of those in the warm-up, and which were told to have failed."""

    def __init__(self) -> None:
        kinds: tuple[Kind, ...] = ("sent", "warm", "failed")
        self._ledgers: dict[Kind, SequenceLedger] = {kind: SequenceLedger() for kind in kinds}
        self._waiting: list[tuple[Encoded, int, int]] = []
        self._waiting_events = 0
        self._measure_from_ns = 0

    def sent(self, encoded: Encoded, start: int, stop: int, measure_from_ns: int) -> None:
        """Enter events `start` to `stop` of a batch as handed to the producer."""
        self._waiting.append((encoded, start, stop))
        self._measure_from_ns = measure_from_ns
        self._waiting_events += stop - start
        if self._waiting_events >= _FEWEST:
            self._enter_waiting()

    def failed(self, topic: str, values: list[bytes]) -> None:
        """Enter events as told to have failed, or as never told of."""
        readings = wire.Heads.of(values).readings
        streams = readings.lane * TOPICS_A_LANE + TOPIC_NAMES.index(topic)
        self._ledgers["failed"].enter(streams, readings.sequence, np.zeros(len(values), np.uint32))

    def take(self, *, everything: bool = False) -> dict[Kind, dict[PageKey, Page]]:
        """The pages that others have not been told of yet; `everything` is for the last word."""
        self._enter_waiting()
        taken: dict[Kind, dict[PageKey, Page]] = {
            kind: ledger.take(everything=everything) for kind, ledger in self._ledgers.items()
        }
        # Nobody sends an event twice: what is full here will not be asked for again.
        self._ledgers["sent"].settle([key for key, page in taken["sent"].items() if page.full])
        return {kind: pages for kind, pages in taken.items() if pages}

    def _enter_waiting(self) -> None:
        if not self._waiting:
            return
        serials = np.concatenate([encoded.serials[start:stop] for encoded, start, stop in self._waiting])
        lanes, sequences = ids.lanes_and_sequences(serials)
        streams = lanes * TOPICS_A_LANE + self._topics()
        values = chain.from_iterable(batch.values[start:stop] for batch, start, stop in self._waiting)
        seals = np.fromiter(map(adler32, values), np.uint32, self._waiting_events)
        self._ledgers["sent"].enter(streams, sequences, seals)
        self._enter_warm(streams, sequences)
        self._waiting.clear()
        self._waiting_events = 0

    def _enter_warm(self, streams: NDArray[np.int64], sequences: NDArray[np.int64]) -> None:
        firsts_ns = [encoded.due_ns[start] for encoded, start, _ in self._waiting]
        if min(firsts_ns) >= self._measure_from_ns:
            return
        due_ns = np.concatenate([encoded.due_ns[start:stop] for encoded, start, stop in self._waiting])
        warm = due_ns < self._measure_from_ns
        nothing = np.zeros(np.count_nonzero(warm), np.uint32)
        self._ledgers["warm"].enter(streams[warm], sequences[warm], nothing)

    def _topics(self) -> NDArray[np.int64]:
        numbers = [TOPIC_NAMES.index(encoded.topic) for encoded, _, _ in self._waiting]
        return np.repeat(numbers, [stop - start for _, start, stop in self._waiting])

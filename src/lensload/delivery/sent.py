"""The generator's own account of its events: which were handed to the producer, and which of them failed."""

from itertools import chain
from typing import NamedTuple, Self
from zlib import adler32

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.delivery.bitmap import Page, PageKey
from lensload.delivery.reconcile import Kind
from lensload.delivery.streams import LENS, Streams
from lensload.delivery.tracker import SequenceLedger
from lensload.encoding.encoders import Encoded
from lensload.encoding.packed import Packed


class Portion(NamedTuple):
    """Neighbouring events of one topic; everything has an entry for each event."""

    topic: str
    due_ns: NDArray[np.int64]
    serials: NDArray[np.int64]
    values: Packed

    @classmethod
    def of(cls, encoded: Encoded, start: int, stop: int) -> Self:
        """Events `start` to `stop` of a batch."""
        cut = slice(start, stop)
        return cls(
            encoded.topic, encoded.due_ns[cut], encoded.serials[cut], encoded.packed_values.picked(cut)
        )


class Dispatches:
    """Which events a generator has sent, which of those in the warm-up, and which were told to have failed.

    Enter many events at once: NumPy's calls cost as much for a few.

    Args:
        streams: how the run's events are numbered.
    """

    def __init__(self, streams: Streams = LENS) -> None:
        self._streams = streams
        kinds: tuple[Kind, ...] = ("sent", "warm", "failed")
        self._ledgers: dict[Kind, SequenceLedger] = {kind: SequenceLedger() for kind in kinds}

    def sent(self, portions: list[Portion], measure_from_ns: int) -> None:
        """Enter events as handed to the producer; those due before `measure_from_ns` as warm-up, too."""
        lanes, sequences = ids.lanes_and_sequences(np.concatenate([each.serials for each in portions]))
        topics = np.repeat(
            [self._streams.number(each.topic) for each in portions], [len(each.values) for each in portions]
        )
        streams = self._streams.numbers(lanes, topics)
        values = chain.from_iterable(each.values.listed() for each in portions)
        seals = np.fromiter(map(adler32, values), np.uint32, len(streams))
        self._ledgers["sent"].enter(streams, sequences, seals)
        if min(int(each.due_ns[0]) for each in portions) < measure_from_ns:
            warm = np.concatenate([each.due_ns for each in portions]) < measure_from_ns
            nothing = np.zeros(np.count_nonzero(warm), np.uint32)
            self._ledgers["warm"].enter(streams[warm], sequences[warm], nothing)

    def failed(self, topic: str, holders: list[bytes]) -> None:
        """Enter events as told to have failed, or as never told of, by what holds their ids."""
        readings = self._streams.heads(topic, holders).readings
        streams = self._streams.numbers(readings.lane, self._streams.number(topic))
        self._ledgers["failed"].enter(streams, readings.sequence, np.zeros(len(holders), np.uint32))

    def take_pages(self, *, everything: bool = False) -> dict[Kind, dict[PageKey, Page]]:
        """The pages that others have not been told of yet; `everything` is for the last word."""
        taken: dict[Kind, dict[PageKey, Page]] = {
            kind: ledger.take_pages(everything=everything) for kind, ledger in self._ledgers.items()
        }
        # Nobody sends an event twice: what is full here will not be asked for again.
        self._ledgers["sent"].settle([key for key, page in taken["sent"].items() if page.full])
        return {kind: pages for kind, pages in taken.items() if pages}

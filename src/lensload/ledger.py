"""What became of every event: seen for the first time, seen again, still missing, or out of order.

Exact, for as long as it runs, at a few ns an event. A stream's sequence numbers are divided into pages of one bit
each. A few pages of each stream are at hand, in one array, where a whole batch is looked up and marked at once;
since sequences rise roughly in order, nearly all that arrives finds its page there. The others are on the shelf:
a page without a hole as a mere number, any other as its bits, until somebody late asks for it.
"""

from collections import defaultdict
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.integer[Any])

MAX_STREAMS: Final = 4096 * 8
"""Streams are numbered lane * 8 + topic, with at most 4,096 lanes."""

_PAGE: Final = 4096
_PAGE_BYTES: Final = _PAGE // 8
_AT_HAND: Final = 4
_BIT: Final = (1 << np.arange(8)).astype(np.uint8)
_FULL: Final = b"\xff" * _PAGE_BYTES
_BLANK: Final = bytes(_PAGE_BYTES)
_NONE: Final = -1


class SequenceLedger:
    """One observer's account of which (stream, sequence) pairs it has seen.

    Streams may appear at any time, sequences in any order. Memory is 2 KiB a stream, and what is on the shelf:
    nothing where nothing is missing, some 100 bytes for 4,096 sequences behind a stream's first hole, and 600
    where those have holes of their own (50 MB an hour, if every page of 100,000 events/s has one).
    """

    def __init__(self) -> None:
        # Line `stream * _AT_HAND + page % _AT_HAND` holds one page of the stream: its number, and its bits.
        self._pages: Integers = np.empty(0, np.int64)
        self._bits: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._unique: Integers = np.empty(0, np.int64)
        self._highest: Integers = np.empty(0, np.int64)
        # How many pages of a stream, from its first on, are complete and away; and other pages that are away.
        self._complete: defaultdict[int, int] = defaultdict(int)
        self._shelves: defaultdict[int, dict[int, bytes]] = defaultdict(dict)

    def observe(self, streams: Integers, sequences: Integers) -> Flags:
        """Enter a batch of events, in the order of their arrival.

        Returns:
            For each, whether its pair was seen before, in this batch or ever.

        Raises:
            ValueError: a stream is not in 0..MAX_STREAMS-1, or a sequence is negative.
        """
        repeated = np.zeros(streams.size, np.bool_)
        if not streams.size:
            return repeated
        self._make_room(streams, sequences)
        pages, offsets = sequences >> 12, sequences & (_PAGE - 1)
        lines = streams * _AT_HAND + (pages & (_AT_HAND - 1))
        left = np.arange(streams.size)
        while True:
            at_hand = self._pages[lines[left]] == pages[left]
            now, left = left[at_hand], left[~at_hand]
            repeated[now] = self._mark(lines[now] * _PAGE + offsets[now])
            if not left.size:
                break
            self._fetch(lines[left], pages[left])
        fresh = ~repeated
        np.add.at(self._unique, streams[fresh], 1)
        np.maximum.at(self._highest, streams, sequences)
        return repeated

    def _make_room(self, streams: Integers, sequences: Integers) -> None:
        low, high = int(streams.min()), int(streams.max())
        if low < 0 or high >= MAX_STREAMS or int(sequences.min()) < 0:
            raise ValueError(
                f"streams {low}..{high} from 0 to {MAX_STREAMS - 1}, and sequences from 0 up, have a place"
            )
        if high >= self._highest.size:
            size = 1 << high.bit_length()
            self._pages = _grown(self._pages, size * _AT_HAND, _NONE)
            self._bits = _grown(self._bits, size * _AT_HAND * _PAGE_BYTES, 0)
            self._unique = _grown(self._unique, size, 0)
            self._highest = _grown(self._highest, size, _NONE)

    def _mark(self, cells: Integers) -> Flags:
        """Set the bits of cells (line * _PAGE + offset) whose pages are at hand; which were set already?"""
        at, bits = cells >> 3, _BIT[cells & 7]
        repeated = (self._bits[at] & bits) != 0
        repeated |= _seen_earlier(cells)
        fresh = ~repeated
        # Each of these bits is 0 and comes once, so that to add is to set; NumPy adds faster than it ors.
        np.add.at(self._bits, at[fresh], bits[fresh])
        return repeated

    def _fetch(self, lines: Integers, pages: Integers) -> None:
        """Bring one page to each of the lines: the first of those that are wanted there."""
        lines, first = np.unique(lines, return_index=True)
        for line, page in zip(lines.tolist(), pages[first].tolist(), strict=True):
            stream = line // _AT_HAND
            self._put_away(stream, line)
            bits = _FULL if page < self._complete[stream] else self._shelves[stream].pop(page, _BLANK)
            self._line(line)[:] = np.frombuffer(bits, np.uint8)
            self._pages[line] = page

    def _put_away(self, stream: int, line: int) -> None:
        page = int(self._pages[line])
        if page < self._complete[stream]:  # which a line without a page is, too
            return
        bits, shelf = self._line(line).tobytes(), self._shelves[stream]
        shelf[page] = _FULL if bits == _FULL else bits
        while shelf.get(self._complete[stream]) is _FULL:
            del shelf[self._complete[stream]]
            self._complete[stream] += 1

    def _line(self, line: int) -> NDArray[np.uint8]:
        return self._bits[line * _PAGE_BYTES : (line + 1) * _PAGE_BYTES]

    def seen(self) -> dict[int, tuple[int, int]]:
        """Of each stream that appeared: how many different sequences, and the highest."""
        streams = np.flatnonzero(self._highest >= 0)
        counts = zip(self._unique[streams].tolist(), self._highest[streams].tolist(), strict=True)
        return dict(zip(streams.tolist(), counts, strict=True))

    def missing(self, stream: int) -> list[tuple[int, int]]:
        """The ranges [from, to) of sequences below the highest that have not been seen, in order."""
        if not 0 <= stream < self._highest.size:
            return []
        pages = dict(self._shelves.get(stream, {}))
        complete = self._complete.get(stream, 0)
        for line in range(stream * _AT_HAND, (stream + 1) * _AT_HAND):
            if self._pages[line] >= complete:
                pages[int(self._pages[line])] = self._line(line).tobytes()
        seen = [page * _PAGE + _set_bits(bits) for page, bits in sorted(pages.items())]
        edges = np.concatenate([np.array([complete * _PAGE - 1]), *seen])
        holes = np.flatnonzero(np.diff(edges) > 1)
        return list(zip((edges[holes] + 1).tolist(), edges[holes + 1].tolist(), strict=True))


class OrderLedger:
    """One observer's account of whether events of one writer come in order through a partition."""

    def __init__(self) -> None:
        self._latest_ns: Integers = np.empty((0, 0), np.int64)

    def observe(self, writers: Integers, partitions: Integers, due_ns: Integers) -> Flags:
        """Enter a batch of events, in the order of their arrival.

        Args:
            writers: who wrote each, from 0 (the table of writers and partitions takes 8 bytes a pair).
            partitions: where it came through, from 0; unlike topics have unlike numbers.
            due_ns: when it was due, 0 or more.

        Returns:
            For each, whether one of the same writer and partition that was due later came before it.
        """
        behind = np.zeros(writers.size, np.bool_)
        if not writers.size:
            return behind
        self._make_room(int(writers.max()), int(partitions.max()))
        latest_ns = self._latest_ns.reshape(-1)
        groups = writers * self._latest_ns.shape[1] + partitions
        # In 16 bits, where they suffice, NumPy sorts by radix, several times as fast.
        order = np.argsort(groups.astype(np.min_scalar_type(latest_ns.size)), kind="stable")
        behind[order] = _falls(groups[order], due_ns[order])
        behind |= due_ns < latest_ns[groups]
        np.maximum.at(latest_ns, groups, due_ns)
        return behind

    def _make_room(self, writer: int, partition: int) -> None:
        height, width = self._latest_ns.shape
        if writer >= height or partition >= width:
            shape = (max(height, 1 << writer.bit_length()), max(width, 1 << partition.bit_length()))
            grown = np.full(shape, _NONE, np.int64)
            grown[:height, :width] = self._latest_ns
            self._latest_ns = grown


def _falls(groups: Integers, values: Integers) -> Flags:
    """Where a value is below one before it in its group; groups rise, values are 0 or more."""
    low, high = int(values.min()), int(values.max())
    if (int(groups[-1]) + 1) * (high - low + 1) >= 1 << 63:
        # Their ranks are ordered as they are, and small.
        values = np.unique(values, return_inverse=True)[1]
        low, high = 0, values.size
    # Each group on a floor of its own, above all values of the one before: one running maximum serves all.
    keys = groups * (high - low + 1) + (values - low)
    return keys < np.maximum.accumulate(keys)


def _seen_earlier(cells: Integers) -> Flags:
    """Where a number has occurred before in the array; cells fit 32 bits, which sort in half the time."""
    ordered = np.sort(cells.astype(np.int32))
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros(cells.size, np.bool_)
    again = np.ones(cells.size, np.bool_)
    again[np.unique(cells, return_index=True)[1]] = False
    return again


def _set_bits(bits: bytes) -> Integers:
    return np.flatnonzero(np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little"))


def _grown(array: NDArray[Number], size: int, fill: int) -> NDArray[Number]:
    grown = np.zeros(size, array.dtype)
    grown[: array.size] = array
    if fill:
        grown[array.size :] = fill
    return grown

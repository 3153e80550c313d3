"""What one process knows of every event: entered for the first time, or again, and in which order.

Exact, for as long as it runs, at some ten ns an event. A stream's sequence numbers are divided into pages. A few
pages of each stream are at hand, in one array, where a whole batch is looked up and marked at once; since sequences
rise roughly in order, nearly all that arrives finds its page there. The others are on the shelf, and what is settled
is a mere number.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from lensload.delivery.bitmap import BLANK, FULL, PAGE, PAGE_BYTES, Page, PageKey, PageSet

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.integer[Any])

MOST_TOPICS: Final = 64
"""How many topics a run has at most."""

MAX_STREAMS: Final = 4096 * MOST_TOPICS  # a cell's number (see `_mark`) still fits 31 bits

_AT_HAND: Final = 2
_BIT: Final = (1 << np.arange(8)).astype(np.uint8)
_NONE: Final = -1


class SequenceLedger:
    """One process's account of which (stream, sequence) pairs it has entered, and with which content.

    Streams may appear at any time, sequences in any order. Memory is 33 KiB a stream, and 17 KiB for each page that
    is on the shelf: full or not, it stays there until it is settled, that is, until somebody who knows all accounts
    has found that nothing in it is open.
    """

    def __init__(self) -> None:
        # Line `stream * _AT_HAND + page % _AT_HAND` holds one page of the stream: its number, bits and seals.
        self._numbers: Integers = np.empty(0, np.int64)
        self._bits: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._seals: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._shelf: dict[PageKey, Page] = {}
        self._fresh: set[PageKey] = set()  # on the shelf, and not taken since
        self._settled = PageSet()

    def enter(self, streams: Integers, sequences: Integers, seals: NDArray[np.uint32]) -> Flags:
        """Enter a batch of events, in the order of their arrival.

        Args:
            streams: 0..MAX_STREAMS-1.
            sequences: 0 or more.
            seals: a checksum of each one's content.

        Returns:
            For each, whether its pair was entered before, in this batch or ever.

        Raises:
            ValueError: a stream or a sequence has no place.
        """
        repeated = np.zeros(streams.size, np.bool_)
        if not streams.size:
            return repeated
        self._make_room(streams, sequences)
        pages, offsets = sequences >> 12, sequences & (PAGE - 1)
        lines = streams * _AT_HAND + (pages & (_AT_HAND - 1))
        left = np.arange(streams.size)
        while True:
            at_hand = self._numbers[lines[left]] == pages[left]
            now, left = left[at_hand], left[~at_hand]
            repeated[now] = self._mark(lines[now] * PAGE + offsets[now], seals[now])
            if not left.size:
                return repeated
            self._fetch(lines[left], pages[left])

    def take_pages(self, *, everything: bool = False) -> dict[PageKey, Page]:
        """The pages that have been shelved since the last call, each as it is now.

        Args:
            everything: those at hand too, which an account ends with.
        """
        if everything:
            for line in np.flatnonzero(self._numbers >= 0).tolist():
                self._put_away(line)
        taken = {key: self._shelf[key] for key in self._fresh if key in self._shelf}
        self._fresh.clear()
        return taken

    def settle(self, keys: Iterable[PageKey]) -> None:
        """Forget pages in which nothing is open: all their sequences have been entered, somewhere."""
        for key in keys:
            self._shelf.pop(key, None)
            self._settled.add(key)

    def _make_room(self, streams: Integers, sequences: Integers) -> None:
        low, high = int(streams.min()), int(streams.max())
        if low < 0 or high >= MAX_STREAMS or int(sequences.min()) < 0:
            raise ValueError(
                f"streams {low}..{high} from 0 to {MAX_STREAMS - 1}, and sequences from 0 up, have a place"
            )
        lines = (1 << high.bit_length()) * _AT_HAND
        if (high + 1) * _AT_HAND > self._numbers.size:
            self._numbers = _grown(self._numbers, lines, _NONE)
            self._bits = _grown(self._bits, lines * PAGE_BYTES, 0)
            self._seals = _grown(self._seals, lines * PAGE, 0)

    def _mark(self, cells: Integers, seals: NDArray[np.uint32]) -> Flags:
        """Enter cells (line * PAGE + offset) whose pages are at hand; which were entered already?"""
        at, bits = cells >> 3, _BIT[cells & 7]
        repeated = (self._bits[at] & bits) != 0
        repeated |= _seen_earlier(cells)
        fresh = ~repeated
        # Each of these bits is 0 and comes once, so that to add is to set; NumPy adds faster than it ors.
        np.add.at(self._bits, at[fresh], bits[fresh])
        self._seals[cells[fresh]] = seals[fresh]
        return repeated

    def _fetch(self, lines: Integers, pages: Integers) -> None:
        """Bring one page to each of the lines: the first of those that are wanted there."""
        lines, first = np.unique(lines, return_index=True)
        for line, number in zip(lines.tolist(), pages[first].tolist(), strict=True):
            self._put_away(line)
            key = line // _AT_HAND, number
            page = FULL if key in self._settled else self._shelf.pop(key, BLANK)
            bits, seals = self._cells(line)
            bits[:], seals[:] = page.bits, page.seals
            self._numbers[line] = number

    def _put_away(self, line: int) -> None:
        key = line // _AT_HAND, int(self._numbers[line])
        if key[1] >= 0 and key not in self._settled:
            bits, seals = self._cells(line)
            self._shelf[key] = Page(bits.copy(), seals.copy())
            self._fresh.add(key)

    def _cells(self, line: int) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
        """Where the bits and the seals of the page on a line are."""
        end = line + 1
        return self._bits[line * PAGE_BYTES : end * PAGE_BYTES], self._seals[line * PAGE : end * PAGE]


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


def _grown(array: NDArray[Number], size: int, fill: int) -> NDArray[Number]:
    grown = np.zeros(size, array.dtype)
    grown[: array.size] = array
    if fill:
        grown[array.size :] = fill
    return grown

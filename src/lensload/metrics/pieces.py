"""The course of a run in a bounded number of pieces of time, however long it is.

There is one piece a second at first. When there are too many, neighbours are merged, and later pieces are twice as long.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Generic, Protocol, Self, TypeVar


class Piece(Protocol):
    """Some time of a run."""

    @property
    def phase(self) -> str:
        """Of the run; pieces of different phases are never merged."""
        ...

    @property
    def seconds(self) -> int:
        """How many pieces of one second are in it."""
        ...

    def add(self, later: Self) -> None:
        """Take in the piece that follows this one."""
        ...


P = TypeVar("P", bound=Piece)


class Pieces(Generic[P]):
    """The pieces of a run so far, in the order of time: at most `most`, or one for each change of phase."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[P] = []
        self._length = 1  # of a whole piece, in seconds

    def append(self, piece: P) -> None:
        """Take in the next piece: it is added to the last one until that is as long as the others."""
        last = self.last
        if last and last.phase == piece.phase and last.seconds + piece.seconds <= self._length:
            last.add(piece)
            return
        self._pieces.append(piece)
        if len(self._pieces) > self._most:
            self.halve()

    def halve(self) -> bool:
        """Merge neighbours of one phase in pairs; False where no two of them are of one phase."""
        before = len(self._pieces)
        self._length *= 2
        self._pieces = list(_pairwise(self._pieces))
        return len(self._pieces) < before

    @property
    def last(self) -> P | None:
        """The latest piece; None while there is none."""
        return self._pieces[-1] if self._pieces else None

    def __iter__(self) -> Iterator[P]:
        return iter(self._pieces)


def _pairwise(pieces: list[P]) -> Iterator[P]:
    """Half as many, each of two neighbours of one phase."""
    for _, of_phase in groupby(pieces, key=lambda piece: piece.phase):
        neighbours = list(of_phase)
        for first, second in zip(neighbours[::2], neighbours[1::2], strict=False):
            first.add(second)
        yield from neighbours[::2]

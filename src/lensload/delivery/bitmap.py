"""Pages of an account of events: 4,096 neighbouring sequences of a stream, a bit and a seal of the content each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

PageKey: TypeAlias = tuple[int, int]
"""The stream and the number of a page: sequence s is on page s // PAGE."""

PAGE: Final = 4096
PAGE_BYTES: Final = PAGE // 8


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What one account says of the sequences of a page.

    Attributes:
        bits: a bit for each sequence that was entered, the lowest first; shape (PAGE_BYTES,).
        seals: a checksum of each one's content, 0 where it was not entered; shape (PAGE,).
    """

    bits: NDArray[np.uint8]
    seals: NDArray[np.uint32]

    @property
    def full(self) -> bool:
        """Every sequence was entered."""
        return bool((self.bits == 255).all())

    def joined(self, other: "Page") -> "Page":
        """What two accounts say together, each of which has entered other sequences."""
        return Page(self.bits | other.bits, self.seals | other.seals)

    def lacking(self, other: "Page") -> NDArray[np.uint8]:
        """The bits of this page that the other one has not."""
        return self.bits & ~other.bits

    def altered(self, other: "Page", among: NDArray[np.uint8]) -> int:
        """How many sequences both have entered, each with another content.

        Args:
            other: another account of the same page.
            among: bits; others are left out.
        """
        both = np.unpackbits(self.bits & other.bits & among, bitorder="little")
        return int(np.count_nonzero(both & (self.seals != other.seals)))

    def to_wire(self) -> list[bytes]:
        """Bits, and the seals of those that are set, as bytes; seals of nothing as none.

        Of many observers each has seen a few sequences of a page.
        """
        return [self.bits.tobytes(), self.seals[_flags(self.bits)].tobytes() if self.seals.any() else b""]

    @classmethod
    def from_wire(cls, wire: Sequence[bytes]) -> Self:
        """What `to_wire` gave, again."""
        bits = np.frombuffer(wire[0], np.uint8)
        if not wire[1]:
            return cls(bits, BLANK.seals)
        seals = np.zeros(PAGE, np.uint32)
        seals[_flags(bits)] = np.frombuffer(wire[1], np.uint32)
        return cls(bits, seals)


BLANK: Final = Page(np.zeros(PAGE_BYTES, np.uint8), np.zeros(PAGE, np.uint32))
FULL: Final = Page(np.full(PAGE_BYTES, 255, np.uint8), np.zeros(PAGE, np.uint32))


class PageSet:
    """A set of pages, which takes a bit for each page of a stream up to its last one."""

    def __init__(self) -> None:
        self._bits: dict[int, int] = {}

    def __contains__(self, key: PageKey) -> bool:
        stream, number = key
        return bool(self._bits.get(stream, 0) >> number & 1)

    def add(self, key: PageKey) -> None:
        """Put a page in."""
        stream, number = key
        self._bits[stream] = self._bits.get(stream, 0) | 1 << number


def _flags(bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.unpackbits(bits, bitorder="little").view(np.bool_)


def counted(bits: NDArray[np.uint8]) -> int:
    """How many of the bits are set."""
    return int(np.bitwise_count(bits).sum())

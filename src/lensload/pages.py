"""Pages of an account of events: 4,096 neighbouring sequences of a stream, a bit each, and sums of their contents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

PageKey: TypeAlias = tuple[int, int]
"""The stream and the number of a page: sequence s is on page s // PAGE."""

PAGE: Final = 4096
GROUP: Final = 16
"""How many neighbouring sequences share a sum of their contents."""

PAGE_BYTES: Final = PAGE // 8
PAGE_GROUPS: Final = PAGE // GROUP
_GROUP_BYTES: Final = GROUP // 8


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What one account says of the sequences of a page.

    Attributes:
        bits: a bit for each sequence that was entered, the lowest first; shape (PAGE_BYTES,).
        sums: for each GROUP of sequences the sum of the seals of those entered, modulo 2**32; shape (PAGE_GROUPS,).
    """

    bits: NDArray[np.uint8]
    sums: NDArray[np.uint32]

    @property
    def full(self) -> bool:
        """Every sequence was entered."""
        return bool((self.bits == 255).all())

    def joined(self, other: "Page") -> "Page":
        """What two accounts say together, each of which has entered other sequences."""
        return Page(self.bits | other.bits, self.sums + other.sums)

    def lacking(self, other: "Page") -> NDArray[np.uint8]:
        """The bits of this page that the other one has not."""
        return self.bits & ~other.bits

    def altered(self, other: "Page", among: NDArray[np.uint8]) -> int:
        """In how many groups the same sequences were entered with another content.

        Args:
            other: another account of the same page.
            among: bits; groups without any of them are left out.
        """
        same = (self.bits == other.bits).reshape(-1, _GROUP_BYTES).all(axis=1)
        wanted = among.reshape(-1, _GROUP_BYTES).any(axis=1)
        return int(np.count_nonzero(same & wanted & (self.sums != other.sums)))

    def to_wire(self) -> list[bytes]:
        """Bits and sums as bytes; sums of nothing as none."""
        return [self.bits.tobytes(), self.sums.tobytes() if self.sums.any() else b""]

    @classmethod
    def from_wire(cls, wire: list[bytes]) -> Self:
        """What `to_wire` gave, again."""
        bits, sums = wire
        return cls(np.frombuffer(bits, np.uint8), np.frombuffer(sums, np.uint32) if sums else BLANK.sums)


BLANK: Final = Page(np.zeros(PAGE_BYTES, np.uint8), np.zeros(PAGE_GROUPS, np.uint32))
FULL: Final = Page(np.full(PAGE_BYTES, 255, np.uint8), np.zeros(PAGE_GROUPS, np.uint32))


def to_wire(pages: Mapping[PageKey, Page]) -> list[list[Any]]:
    """Pages as a list that msgpack can carry."""
    return [[stream, number, *page.to_wire()] for (stream, number), page in pages.items()]


def from_wire(wire: Iterable[list[Any]]) -> dict[PageKey, Page]:
    """What `to_wire` gave, again."""
    return {(stream, number): Page.from_wire(rest) for stream, number, *rest in wire}


def counted(bits: NDArray[np.uint8]) -> int:
    """How many of the bits are set."""
    return int(np.bitwise_count(bits).sum())

"""Byte strings in one memory: the values of a batch, or its keys, without an object for each.

A producer hands over addresses and lengths; a Python object for each event would cost more than all else that is done
to its bytes. Whoever needs objects (an audit, seeding) asks for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

NONE: Final = -1
"""The length of what is None: no byte string at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """Byte strings that are in one memory: in any order, with gaps, and perhaps several times the same.

    Attributes:
        memory: what they are in; it lives as long as this does.
        starts: where each begins in it.
        lengths: how many bytes each has; NONE for None.
    """

    memory: bytes | NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, strings: Sequence[bytes | None]) -> Self:
        """These byte strings, one after another."""
        every = [string or b"" for string in strings]
        lengths = np.fromiter(map(len, every), np.int64, len(every))
        starts = np.cumsum(lengths) - lengths
        if None in strings:
            lengths[[string is None for string in strings]] = NONE
        return cls(b"".join(every), starts, lengths)

    @classmethod
    def nothing(cls, count: int) -> Self:
        """None, so many times."""
        return cls(b"", np.zeros(count, np.int64), np.full(count, NONE))

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, place: int) -> bytes:
        """One of them; for None an empty one."""
        start = int(self.starts[place])
        return bytes(self.memory[start : start + max(0, int(self.lengths[place]))])

    @property
    def address(self) -> int:
        """Where the memory is, of this process."""
        return int(np.frombuffer(self.memory, np.uint8).ctypes.data)

    def picked(self, which: slice | NDArray[np.integer]) -> Self:
        """Those at the given places, in that order; in the same memory."""
        return type(self)(self.memory, self.starts[which], self.lengths[which])

    def listed(self) -> list[bytes]:
        """All of them as objects; for None an empty one."""
        memory, starts, lengths = self.memory, self.starts, np.maximum(self.lengths, 0)
        if not isinstance(memory, bytes):
            first = int(starts.min(initial=len(memory)))
            memory = memory[first : int((starts + lengths).max(initial=first))].tobytes()
            starts = starts - first
        return [memory[a:b] for a, b in zip(starts.tolist(), (starts + lengths).tolist(), strict=True)]

    def listed_or_none(self) -> list[bytes | None]:
        """All of them as objects."""
        strings: list[bytes | None] = [*self.listed()]
        for place in np.flatnonzero(self.lengths == NONE).tolist():
            strings[place] = None
        return strings


def joined(parts: Sequence[Packed]) -> Packed:
    """The strings of all parts, of one or more, one part after another."""
    memories = [np.frombuffer(part.memory, np.uint8) for part in parts]
    moved = [0, *np.cumsum([len(memory) for memory in memories]).tolist()]
    return Packed(
        np.concatenate(memories),
        np.concatenate([part.starts + by for part, by in zip(parts, moved[:-1], strict=True)]),
        np.concatenate([part.lengths for part in parts]),
    )

"""Fragments: the values of a pool, encoded once by fastavro and drawn by index."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import objects
from lensload.encoding.pieces import Piece, Ragged
from lensload.encoding.wire import Block

_SHORT: Final = 64  # moving so many bytes costs no more than moving a few


class Fragments:
    """A pool's rows as bytes: as a table, but where few rows are far longer than the others.

    Args:
        fragments: the bytes of each row.
    """

    def __init__(self, fragments: Iterable[bytes]) -> None:
        every = list(fragments)
        self._table: Block | None = None
        self._lengths = np.fromiter(map(len, every), np.int64, len(every))
        longest = int(self._lengths.max(initial=0))
        self._even = bool((self._lengths == longest).all())
        if longest <= _SHORT or longest * len(every) <= 2 * self._lengths.sum():
            padded = b"".join(fragment.ljust(longest, b"\0") for fragment in every)
            self._table = np.frombuffer(padded, dtype=np.uint8).reshape(len(every), longest)
        else:
            self._objects = objects(every)

    def drawn(self, index: NDArray[np.integer[Any]]) -> Piece:
        """The fragments at the given places."""
        if self._table is None:
            return self._objects[index].tolist()
        if not self._table.shape[1]:
            return self._table[index]
        rows = ids.rows_of(self._table, index)
        return rows if self._even else Ragged(rows, self._lengths[index])


def encodings(write: Callable[[Any], bytes], values: Sequence[Any]) -> list[bytes]:
    """The values as they are written; equal strings, and an object that several rows share, are written once only."""
    texts = all(value is None or type(value) is str for value in values)
    keys = values if texts else list(map(id, values))
    known = {key: write(value) for key, value in dict(zip(keys, values, strict=True)).items()}
    return [known[key] for key in keys]

"""Fragments: the values of a pool, encoded once by fastavro and drawn by index."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import objects
from lensload.encoding.pieces import Piece
from lensload.encoding.wire import Block


class Fragments:
    """A pool's rows as bytes: as a table where all are equally long, so that they fuse with their neighbours.

    Args:
        fragments: the bytes of each row.
    """

    def __init__(self, fragments: Iterable[bytes]) -> None:
        every = list(fragments)
        self._table: Block | None = None
        lengths = {len(fragment) for fragment in every}
        if len(lengths) == 1:
            self._table = np.frombuffer(b"".join(every), dtype=np.uint8).reshape(len(every), *lengths)
        self._objects = objects(every)

    def drawn(self, index: NDArray[np.integer[Any]]) -> Piece:
        """The fragments at the given places."""
        if self._table is None:
            return self._objects[index].tolist()
        if not self._table.shape[1]:
            return self._table[index]
        return ids.rows_of(self._table, index)


def encodings(write: Callable[[Any], bytes], values: Sequence[Any]) -> list[bytes]:
    """The values as they are written; equal strings, and an object that several rows share, are written once only."""
    texts = all(value is None or type(value) is str for value in values)
    keys = values if texts else list(map(id, values))
    known = {key: write(value) for key, value in dict(zip(keys, values, strict=True)).items()}
    return [known[key] for key in keys]

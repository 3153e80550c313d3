"""Record keys as plain text: what a service that keys its records by a field of them sends."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Drawn, Pool, objects

Key = bytes | None
"""A record's key; None: it has none."""


class PlainKeys:
    """Keys of one topic in UTF-8: texts and bytes as they are, numbers in decimal, several fields joined by "|"."""

    def __init__(self) -> None:
        self._pools: dict[Pool, NDArray[np.object_]] = {}

    def of(self, column: Column | None, count: int) -> list[Key]:
        """The key of each of `count` events: None for an event whose key is null, and where there is no column."""
        if column is None:
            return [None] * count
        if not isinstance(column, Drawn):
            return [_text(values) for values in column.values()]
        if column.pool not in self._pools:
            self._pools[column.pool] = objects(map(_text, column.pool.rows))
        return self._pools[column.pool][column.index].tolist()


def _text(values: tuple[Any, ...]) -> Key:
    """The key of these values of fields; of a record, that of the values of its fields."""
    if len(values) == 1:
        (value,) = values
        if isinstance(value, dict):
            return _text(tuple(value.values()))
        if value is None:
            return None
        return _plain(value)
    return b"|".join(map(_plain, values))


def _plain(value: Any) -> bytes:  # noqa: ANN401 - a value is what fastavro takes
    match value:
        case bytes():
            return value
        case bool():
            return b"true" if value else b"false"
        case None:
            return b""
        case (str(), inner):  # a branch of a union, with its name
            return _plain(inner)
        case _:
            return str(value).encode()

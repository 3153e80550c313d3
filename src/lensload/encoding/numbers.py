"""Columns of numbers as Avro writes them: zig-zag varints, IEEE 754, and decimals in two's complement."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.encoding.pieces import Piece, Ragged
from lensload.encoding.wire import Block

# A varint has seven bits a byte: one more byte is needed from each power of 128 on.
_SEVENS: Final = np.arange(0, 70, 7, dtype=np.uint64)
_LONGER_FROM: Final = np.uint64(1) << _SEVENS[1:]
# fastavro gives a decimal as many bytes as its magnitude and a sign bit need.
_WIDER_FROM: Final = np.int64(1) << np.arange(7, 63, 8, dtype=np.int64)


def longs(values: NDArray[np.integer]) -> Piece:
    """Zig-zag varints, of int and long alike: a block where all are equally long, as times of one age are."""
    if not len(values):
        return _varints(values)
    low, high = int(values.min()), int(values.max())
    if 4 * (high - low) >= len(values):
        return _varints(values)
    # Many are equal (a batch spans few milliseconds, and five topics have the same).
    table, which = _table(low, high), values.astype(np.int64, copy=False) - low
    if isinstance(table, Ragged):
        return Ragged(ids.rows_of(table.block, which), table.lengths[which])
    return ids.rows_of(table, which)


@lru_cache(maxsize=16)
def _table(low: int, high: int) -> Block | Ragged:
    return _varints(np.arange(high - low + 1) + low)


def _varints(values: NDArray[np.integer]) -> Block | Ragged:
    values = values.astype(np.int64, copy=False)
    zigzag = ((values << 1) ^ (values >> 63)).view(np.uint64)
    lengths = 1 + np.searchsorted(_LONGER_FROM, zigzag, side="right")
    width = int(lengths.max(initial=1))
    groups: Block = (zigzag[:, None] >> (_SEVENS[:width])).astype(np.uint8) & np.uint8(0x7F)
    groups |= (np.arange(1, width + 1) < lengths[:, None]).view(np.uint8) << np.uint8(7)
    return groups if (lengths == width).all() else Ragged(groups, lengths)


def reals(values: NDArray[np.generic], size: int) -> Block:
    """IEEE 754 numbers of 4 (float) or 8 (double) bytes."""
    return values.astype(f"<f{size}").view(np.uint8).reshape(-1, size)


def decimals(unscaled: NDArray[np.int64]) -> Ragged:
    """Decimals on bytes: how many bytes there are, and those, the highest first."""
    sizes = 1 + np.searchsorted(_WIDER_FROM, np.abs(unscaled), side="right")
    table = np.empty((len(unscaled), 9), dtype=np.uint8)
    table[:, 0] = 2 * sizes  # a varint of one byte
    table[:, 1:] = _big_endian(unscaled << (8 * (8 - sizes)))
    return Ragged(table, 1 + sizes)


def fixed_decimals(unscaled: NDArray[np.int64], size: int) -> Block:
    """Decimals on a fixed of `size` bytes, the highest first."""
    table = np.empty((len(unscaled), max(8, size)), dtype=np.uint8)
    table[:, :-8] = np.where(unscaled < 0, 255, 0)[:, None]
    table[:, -8:] = _big_endian(unscaled)
    return table[:, table.shape[1] - size :]


def _big_endian(values: NDArray[np.int64]) -> Block:
    return values.astype(">i8").view(np.uint8).reshape(-1, 8)

"""Pieces: the bytes of one part of many values, and how the pieces of a value become one.

A piece has a row for each value (or each item of the values' arrays). What is equally long in all rows, or short,
is a table of bytes, so that NumPy moves it; what is long is a list of bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import objects
from lensload.encoding.packed import Packed
from lensload.encoding.wire import Block


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """A table of rows of which only the first `lengths` bytes count."""

    block: Block
    lengths: NDArray[np.int64]


Table = Block | Ragged | bytes
"""Rows that NumPy moves; bytes: all rows are these."""
Piece = Table | list[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of so many bytes each, one after another."""

    data: bytes
    lengths: NDArray[np.int64]


def packed(pieces: Iterable[Piece], count: int) -> Packed:
    """Each row's bytes, of all pieces one after another; `count` is how many rows each of them has."""
    every = list(pieces)
    tables = [piece for piece in every if not isinstance(piece, list)]
    if len(tables) == len(every):
        return _scattered(tables, count)
    lists = [_listed(run) for run in _fused(every, count)]
    return Packed.of(lists[0] if len(lists) == 1 else list(map(b"".join, zip(*lists, strict=True))))


def grouped(pieces: Iterable[Piece], counts: NDArray[np.int64]) -> list[bytes]:
    """The bytes of the first counts[0] rows of all pieces together, of the next counts[1], and so on."""
    stops = np.cumsum(counts)  # the rows of each group end there
    match runs := _fused(pieces, int(counts.sum())):
        case []:
            return [b""] * len(counts)
        case [_Rows() as rows]:
            return _cut(rows.data, np.diff(np.concatenate(([0], np.cumsum(rows.lengths)))[stops], prepend=0))
        case _:
            flat = [b""] * (int(stops[-1]) * len(runs) if len(stops) else 0)
            for place, run in enumerate(runs):
                flat[place :: len(runs)] = _listed(run)
            bounds = [0, *(stops * len(runs)).tolist()]
            return [b"".join(flat[start:stop]) for start, stop in pairwise(bounds)]


def spread(piece: Piece, taken: NDArray[np.bool_]) -> Piece:
    """The piece's rows in the places that are taken, and empty rows in all others."""
    if taken.all():
        return piece
    if isinstance(piece, list):
        every = np.full(len(taken), b"", dtype=object)
        every[taken] = objects(piece)
        return every.tolist()
    if isinstance(piece, bytes):
        return emptied(piece, taken)
    block, own = (piece.block, piece.lengths) if isinstance(piece, Ragged) else (piece, piece.shape[1])
    table = np.zeros((len(taken), block.shape[1]), dtype=np.uint8)
    table[taken] = block
    lengths = np.zeros(len(taken), dtype=np.int64)
    lengths[taken] = own
    return Ragged(table, lengths)


def emptied(table: Table, kept: NDArray[np.bool_]) -> Ragged:
    """The table's rows that are kept, and empty rows in all other places."""
    if isinstance(table, Ragged):
        return Ragged(table.block, table.lengths * kept)
    block = _block(table, len(kept))
    return Ragged(block, block.shape[1] * kept)


def _scattered(tables: Iterable[Table], count: int) -> Packed:
    """Rows of tables, each written straight to where it belongs.

    A table's rows are written as wide as it is. What a ragged row has too much is overwritten by what follows in the value;
    behind each value there is room for it.
    """
    fixed, ragged = 0, [np.zeros(count, np.int64)]  # bytes of a value so far: in blocks, and in ragged tables
    rows: list[tuple[Any, int, int, int]] = []  # to write: what, how wide, behind how much of both
    furthest = 0
    for table in _merged(tables):
        block = table.block if isinstance(table, Ragged) else table
        width = len(block) if isinstance(block, bytes) else block.shape[1]
        rows.append((block, width, fixed, len(ragged) - 1))
        furthest = max(furthest, fixed + width)
        if isinstance(table, Ragged):
            ragged.append(ragged[-1] + table.lengths)
        else:
            fixed += width
    lengths = ragged[-1] + fixed
    room = lengths + max(0, furthest - fixed)
    starts = np.cumsum(room) - room
    memory = np.empty(int(room.sum()), np.uint8)
    begins = [starts, *(starts + before for before in ragged[1:])]
    for block, width, offset, behind in rows:
        if width and count:
            # The memory as rows that begin at each byte of it, and overlap.
            anywhere: Any = np.ndarray((len(memory) - offset - width + 1,), _row(width), memory, offset, (1,))
            anywhere[begins[behind]] = _as_rows(block, width)
    return Packed(memory, starts, lengths)


def _merged(tables: Iterable[Table]) -> Iterable[Table]:
    """The tables, what is the same in all rows as one with its neighbours of that kind."""
    same = b""
    for table in tables:
        if isinstance(table, bytes):
            same += table
            continue
        if same:
            yield same
            same = b""
        yield table
    if same:
        yield same


def _as_rows(block: Block | bytes, width: int) -> Any:
    if isinstance(block, bytes):
        return np.void(block)
    even = block if block.strides[1] == 1 else np.ascontiguousarray(block)
    return even.view(_row(width))[:, 0]


@cache
def _row(width: int) -> np.dtype[np.void]:
    return np.dtype((np.void, width))


def _fused(pieces: Iterable[Piece], count: int) -> list[_Rows | list[bytes]]:
    """The pieces, neighbouring tables as one."""
    result: list[_Rows | list[bytes]] = []
    tables: list[Table] = []
    for piece in pieces:
        if not isinstance(piece, list):
            tables.append(piece)
            continue
        if tables:
            result.append(_table(tables, count))
            tables = []
        result.append(piece)
    if tables:
        result.append(_table(tables, count))
    return result


def _table(tables: Sequence[Table], count: int) -> _Rows:
    blocks = [table.block if isinstance(table, Ragged) else _block(table, count) for table in tables]
    every = np.concatenate(blocks, axis=1)
    if not any(isinstance(table, Ragged) for table in tables):
        return _Rows(every.tobytes(), np.full(count, every.shape[1]))
    used = np.ones(every.shape, dtype=np.bool_)
    lengths = np.zeros(len(every), dtype=np.int64)
    at = 0
    for table, block in zip(tables, blocks, strict=True):
        width = block.shape[1]
        if isinstance(table, Ragged):
            np.less(np.arange(width), table.lengths[:, None], out=used[:, at : at + width])
            lengths += table.lengths
        else:
            lengths += width
        at += width
    return _Rows(every[used].tobytes(), lengths)


def _block(table: Block | bytes, count: int) -> Block:
    if not isinstance(table, bytes):
        return table
    block = np.empty((count, len(table)), dtype=np.uint8)
    block[:] = np.frombuffer(table, dtype=np.uint8)  # a fifth of what np.broadcast_to takes, for few rows
    return block


def _listed(run: _Rows | list[bytes]) -> list[bytes]:
    return run if isinstance(run, list) else _cut(run.data, run.lengths)


def _cut(data: bytes, lengths: NDArray[np.int64]) -> list[bytes]:
    # A third of what slices take.
    return list(map(BytesIO(data).read, lengths.tolist()))

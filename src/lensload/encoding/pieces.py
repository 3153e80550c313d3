"""Pieces: the bytes of one part of many values, and how the pieces of a value become one.

A piece has a row for each value (or each item of the values' arrays). What is equally long in all rows, or short,
is a table of bytes, so that neighbours fuse into one table; what is long is a list of bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from operator import is_

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import objects
from lensload.encoding.wire import Block


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """A table of rows of which only the first `lengths` bytes count."""

    block: Block
    lengths: NDArray[np.int64]


Piece = Block | Ragged | list[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows of so many bytes each, one after another."""

    data: bytes
    lengths: NDArray[np.int64]


def constant(count: int, row: bytes) -> Block:
    """The same bytes in each row."""
    block = np.empty((count, len(row)), dtype=np.uint8)
    block[:] = np.frombuffer(row, dtype=np.uint8)  # a fifth of what np.broadcast_to takes, for few rows
    return block


def joined(pieces: Iterable[Piece], count: int) -> list[bytes]:
    """Each row's bytes, of all pieces one after another; `count` is how many rows each of them has."""
    lists = [_listed(run) for run in _fused(pieces)]
    if not lists:
        return [b""] * count
    return lists[0] if len(lists) == 1 else list(map(b"".join, zip(*lists, strict=True)))


def grouped(pieces: Iterable[Piece], counts: NDArray[np.int64]) -> list[bytes]:
    """The bytes of the first counts[0] rows of all pieces together, of the next counts[1], and so on."""
    stops = np.cumsum(counts)  # the rows of each group end there
    match runs := _fused(pieces):
        case []:
            return [b""] * len(counts)
        case [np.ndarray() as block]:
            return _cut(block.tobytes(), counts * block.shape[1])
        case [_Rows() as rows]:
            return _cut(rows.data, np.diff(np.concatenate(([0], np.cumsum(rows.lengths)))[stops], prepend=0))
        case _:
            flat = [b""] * (int(stops[-1]) * len(runs) if len(stops) else 0)
            for place, run in enumerate(runs):
                flat[place :: len(runs)] = _listed(run)
            bounds = [0, *(stops * len(runs)).tolist()]
            return [b"".join(flat[start:stop]) for start, stop in pairwise(bounds)]


def rows(table: Block) -> list[bytes]:
    """The rows of a table, each by itself."""
    if not table.shape[1]:
        return [b""] * len(table)
    return np.ascontiguousarray(table).view(f"V{table.shape[1]}").ravel().tolist()


def spread(piece: Piece, taken: NDArray[np.bool_]) -> Piece:
    """The piece's rows in the places that are taken, and empty rows in all others."""
    if taken.all():
        return piece
    if isinstance(piece, list):
        every = np.full(len(taken), b"", dtype=object)
        every[taken] = objects(piece)
        return every.tolist()
    block, own = (piece.block, piece.lengths) if isinstance(piece, Ragged) else (piece, piece.shape[1])
    table = np.zeros((len(taken), block.shape[1]), dtype=np.uint8)
    table[taken] = block
    lengths = np.zeros(len(taken), dtype=np.int64)
    lengths[taken] = own
    return Ragged(table, lengths)


def _fused(pieces: Iterable[Piece]) -> list[Block | _Rows | list[bytes]]:
    """The pieces, neighbouring tables as one."""
    result: list[Block | _Rows | list[bytes]] = []
    tables: list[Block | Ragged] = []
    for piece in pieces:
        if not isinstance(piece, list):
            tables.append(piece)
            continue
        if tables:
            result.append(_table(tables))
            tables = []
        result.append(piece)
    if tables:
        result.append(_table(tables))
    return result


def _table(tables: list[Block | Ragged]) -> Block | _Rows:
    blocks = [table.block if isinstance(table, Ragged) else table for table in tables]
    every = np.concatenate(blocks, axis=1)
    if all(map(is_, blocks, tables)):
        return every
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


def _listed(run: Block | _Rows | list[bytes]) -> list[bytes]:
    if isinstance(run, list):
        return run
    if isinstance(run, _Rows):
        return _cut(run.data, run.lengths)
    return rows(run)


def _cut(data: bytes, lengths: NDArray[np.int64]) -> list[bytes]:
    # A third of what slices take.
    return list(map(BytesIO(data).read, lengths.tolist()))

"""Pools: rows that many events refer to. No row is kept: whatever a row has is made of its number."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.workload.file import Hot, PoolTable, Zipf
from lensload.workload.rows import EventRows, Rows
from lensload.world import rng

# The most popular rows have weights of their own; behind them, neighbours of about equal weight share one.
_SINGLE: Final = 1024
_NEIGHBOURS: Final = 64  # a range is so much shorter than the rank at which it begins
# Lanes side by side, of which each goes through its own rows of a pool.
_LANES: Final = 64


class PoolDraw:
    """Which row of a pool each event, item or row has.

    Args:
        name: the pool's.
        table: what the file says of it.
        seed: the workload's.
        role: those of one role share a row.
        each: events go through the rows one after another, instead of drawing them.
    """

    def __init__(self, name: str, table: PoolTable, seed: int, role: str, *, each: bool) -> None:
        self._root = rng.root(seed, f"pools.{name}")
        self._path_key = rng.root(seed, f"pools.{name} row {role}")
        self._size, self._each = table.count, each
        self._hot = table.skew if isinstance(table.skew, Hot) else None
        self._ranks = _Ranks(table.count, table.skew.zipf) if isinstance(table.skew, Zipf) else None

    def rows(self, rows: Rows) -> Rows:
        """The pool's rows, one for each of these."""
        return rows.once(self, lambda: self._rows(rows))

    def _rows(self, rows: Rows) -> Rows:
        number = self.numbers(rows)
        return Rows(rng.keys(self._root, number), number)

    def numbers(self, rows: Rows) -> NDArray[np.int64]:
        """The number of each row's row, below the pool's size."""
        if self._each:
            return turns(rows.event) % self._size
        chance = rows.uniform(self._path_key)
        if self._ranks is not None:
            return self._ranks.at(chance, rows.uniform(self._path_key, 1))
        if self._hot is None:
            return (chance * self._size).astype(np.int64)
        return self._with_hot(self._hot, chance)

    def _with_hot(self, skew: Hot, chance: NDArray[np.float64]) -> NDArray[np.int64]:
        cold = self._size - skew.hot
        if not cold:
            return (chance * self._size).astype(np.int64)
        hot = chance < skew.share
        rest = np.maximum(chance - skew.share, 0) / max(1 - skew.share, 1e-300)
        number = np.where(hot, chance / skew.share * skew.hot, skew.hot + np.minimum(rest, 1) * cold)
        return np.minimum(number.astype(np.int64), np.where(hot, skew.hot, self._size) - 1)


def turns(events: EventRows) -> NDArray[np.int64]:
    """The numbers of events of lanes side by side: those of a topic without a parent, about in the order of time."""
    return events.numbers * _LANES + events.lanes % _LANES


class _Ranks:
    """Ranks below a size, rank k (from 0) in proportion to (k + 1) ** -exponent: in constant time and little memory."""

    def __init__(self, size: int, exponent: float) -> None:
        firsts, following = list(range(min(size, _SINGLE))), _SINGLE
        while following < size:
            firsts.append(following)
            following += following // _NEIGHBOURS
        self._first = np.array(firsts)
        self._width = np.diff(np.append(self._first, size))
        weights = [
            self._weight(first, first + width, exponent)
            for first, width in zip(firsts, self._width.tolist(), strict=True)
        ]
        self._wheel = rng.Wheel([np.array(weights)])

    def at(self, chance: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.int64]:
        """The rank that two uniform chances in [0, 1) make."""
        place = self._wheel.spin(0, chance)
        return self._first[place] + (within * self._width[place]).astype(np.int64)

    @staticmethod
    def _weight(first: int, end: int, exponent: float) -> float:
        """The weight of the ranks from `first` to before `end`: of many, by their middle."""
        return (end - first) * ((first + end + 1) / 2) ** -exponent

"""Makers made of makers: records, arrays, maps and unions; and values that are another row's."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Drawn, Pool
from lensload.batches.nested import Either, Lists, Maps, Nested
from lensload.workload.maker import Maker
from lensload.workload.rows import Rows
from lensload.world import rng

Counts = Callable[[Rows], NDArray[np.int64]]

ITEM: Final = "item"
_KEY: Final = "key"


class RecordMaker:
    """Makes records, field by field.

    Attributes:
        fields: the makers by field, in the schema's order; at least one.
    """

    def __init__(self, fields: dict[str, Maker]) -> None:
        self.fields = fields

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        return Nested(field, self.columns(rows))

    def columns(self, rows: Rows) -> tuple[Column, ...]:
        """A column of each field."""
        return tuple(maker.column(name, rows) for name, maker in self.fields.items())


class ListMaker:
    """Makes arrays: of as many items as `counts` says, each made by `item`."""

    def __init__(self, item: Maker, counts: Counts, path_key: rng.Keys) -> None:
        self.item, self._counts, self._path_key = item, counts, path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        return Lists(field, self.counts(rows), self.item.column(ITEM, self.items(rows)))

    def counts(self, rows: Rows) -> NDArray[np.int64]:
        """How many items each row has."""
        return rows.once((self, "counts"), lambda: self._counts(rows))

    def items(self, rows: Rows) -> Rows:
        """The items of all rows, as rows."""
        return rows.once((self, "items"), lambda: rows.items(self._path_key, self.counts(rows)))


class MapMaker(ListMaker):
    """Makes maps: each row has the first ones of the keys."""

    def __init__(self, item: Maker, counts: Counts, keys: tuple[str, ...], path_key: rng.Keys) -> None:
        super().__init__(item, counts, path_key)
        self._keys = Pool((_KEY,), tuple((key,) for key in keys))

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        items = self.items(rows)
        return Maps(field, self.counts(rows), Drawn(self._keys, items.numbers), self.item.column(ITEM, items))


class UnionMaker:
    """Makes values of a union's branches.

    Args:
        names: of all branches of the union.
        makers: of the branches that are used, by their numbers; None makes nulls.
        weights: how often each of these is used.
        path_key: which one a row has comes from this.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        makers: dict[int, Maker | None],
        weights: list[float],
        path_key: rng.Keys,
    ) -> None:
        self._names, self.makers, self._path_key = names, makers, path_key
        self._numbers = np.array(list(makers), dtype=np.int64)
        self._wheel = rng.Wheel([np.array(weights, dtype=np.float64)])

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        columns: list[Column | None] = [None] * len(self._names)
        for number, maker in self.makers.items():
            places = self.places(number, rows)
            if maker is not None and len(places):
                columns[number] = maker.column(field, self.taking(number, rows))
        return Either(field, self._branch(rows), tuple(columns), self._names)

    def places(self, number: int, rows: Rows) -> NDArray[np.int64]:
        """Which rows take a branch."""
        return rows.once((self, number), lambda: np.flatnonzero(self._branch(rows) == number))

    def taking(self, number: int, rows: Rows) -> Rows:
        """The rows that take a branch, as rows."""
        return rows.once((self, number, "rows"), lambda: rows.picked(self.places(number, rows)))

    def _branch(self, rows: Rows) -> NDArray[np.int64]:
        return rows.once(self, lambda: self._numbers[self._wheel.spin(0, rows.uniform(self._path_key))])


class Referred:
    """Makes what `maker` makes for other rows: of a pool, of the parent, of the event around an item."""

    def __init__(self, rows_of: Callable[[Rows], Rows], maker: Maker) -> None:
        self._rows_of, self.maker = rows_of, maker

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        return self.maker.column(field, self.others(rows))

    def others(self, rows: Rows) -> Rows:
        """The rows that the values are of."""
        return self._rows_of(rows)

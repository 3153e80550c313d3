"""Columns made of columns: records in records, arrays, maps and unions."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, OneField, Which, records


@dataclass(frozen=True, slots=True, eq=False)
class Nested(OneField):
    """A field that holds a record: `columns` cover the fields of it, in any order, and are at least one.

    A field of it that no column covers is written as its default.
    """

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.columns[0])

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The records, as dicts."""
        return ((record,) for record in records(self.columns))

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        return type(self)(self.field, tuple(column.picked(which) for column in self.columns))


@dataclass(frozen=True, slots=True, eq=False)
class Lists(OneField):
    """An array field.

    Attributes:
        field: the field.
        counts: how many items each row's array holds.
        items: all items, those of the first row first: sum(counts) rows of one field, called "item".
    """

    counts: NDArray[np.int64]
    items: Column

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.counts)

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The arrays, as lists."""
        items = self.items.values()
        return (([item for (item,) in islice(items, count)],) for count in self.counts.tolist())

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        return type(self)(self.field, self.counts[which], self.items.picked(_runs(self.counts, which)))


@dataclass(frozen=True, slots=True, eq=False)
class Maps(OneField):
    """A map field.

    Attributes:
        field: the field.
        counts: how many entries each row's map has.
        keys: the keys of all entries, those of the first row first: sum(counts) rows of a string field, called
            "key"; those of one row all differ.
        items: the values of the entries, likewise: one field, called "item".
    """

    counts: NDArray[np.int64]
    keys: Column
    items: Column

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.counts)

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The maps, as dicts."""
        entries = zip(self.keys.values(), self.items.values(), strict=True)
        return (
            ({key: item for (key,), (item,) in islice(entries, count)},) for count in self.counts.tolist()
        )

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        entries = _runs(self.counts, which)
        return type(self)(
            self.field, self.counts[which], self.keys.picked(entries), self.items.picked(entries)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Either(OneField):
    """A union field.

    Attributes:
        field: the field.
        branch: which branch of the union each row takes, as the schema numbers them.
        branches: for each branch, a column of one field (of any name) with the rows that take it, in their order;
            None for the null branch, and for one that no row takes.
        names: what fastavro calls each branch, in tuples that say which branch a value takes: a named type's full
            name, of other types the type alone ("string", "array"; no logical type).
    """

    branch: NDArray[np.integer[Any]]
    branches: tuple[Column | None, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.branch)

    def values(self) -> Iterator[tuple[Any, ...]]:
        """None, or tuples of the branch's name and the value."""
        rows = [None if column is None else column.values() for column in self.branches]
        for branch in self.branch.tolist():
            values = rows[branch]
            yield (None if values is None else (self.names[branch], next(values)[0]),)

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        branch = self.branch[which]
        branches = tuple(
            None if column is None else column.picked(self._places(number, which, branch))
            for number, column in enumerate(self.branches)
        )
        return type(self)(self.field, branch, branches, self.names)

    def _places(self, number: int, which: Which, branch: NDArray[np.integer[Any]]) -> Which:
        """The rows of a branch's column that belong to the given rows; `branch` is theirs."""
        taken = self.branch == number
        if isinstance(which, slice):
            start, stop, _ = which.indices(len(taken))
            before = int(np.count_nonzero(taken[:start]))
            return slice(before, before + int(np.count_nonzero(taken[start:stop])))
        return (np.cumsum(taken) - 1)[which[branch == number]]


def _runs(counts: NDArray[np.int64], which: Which) -> Which:
    """The places of the items of the given rows, where each row has `counts` of them."""
    if isinstance(which, slice):
        start, stop, _ = which.indices(len(counts))
        before = int(counts[:start].sum())
        return slice(before, before + int(counts[start:stop].sum()))
    firsts, wanted = (np.cumsum(counts) - counts)[which], counts[which]
    within = np.arange(wanted.sum()) - np.repeat(np.cumsum(wanted) - wanted, wanted)
    return np.repeat(firsts, wanted) + within

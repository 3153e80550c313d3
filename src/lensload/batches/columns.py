"""Columns: a field of many events, or several that belong together, before they are bytes.

A column covers one field of a record or several that stand together, and knows its Python values. How it
becomes bytes is the concern of `encoding`. What is made of other columns (records, arrays, maps, unions) is in
`nested`, what only LENS's events have in `lens_columns`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Which = NDArray[np.integer[Any]] | slice
"""Places of rows: their numbers, in any order, or a slice of them in steps of one."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows of values to draw from, each covering the same fields; told apart by identity.

    An encoder prepares the rows once and keeps them: a pool is made once a run, not once a batch.

    Attributes:
        fields: the names of the fields that a row covers.
        rows: the values, one tuple a row.
    """

    fields: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Column(Protocol):
    """Some fields of every event of a batch, or of every item of its lists: of every row."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in the order of `values`."""
        ...

    def __len__(self) -> int:
        """How many rows it has."""
        ...

    def values(self) -> Iterator[tuple[Any, ...]]:
        """For each row, the fields' values as fastavro takes them."""
        ...

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        ...


class Rows:
    """A dataclass whose arrays all have one entry a row."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __len__(self) -> int:
        """How many rows it has."""
        values = (getattr(self, name) for name in self.__dataclass_fields__)
        return len(next(value for value in values if isinstance(value, np.ndarray)))

    def picked(self, which: Which) -> Self:
        """The rows at the given places, in that order."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return type(self)(
            **{
                name: value[which] if isinstance(value, np.ndarray) else value
                for name, value in values.items()
            }
        )


@dataclass(frozen=True, slots=True, eq=False)
class Drawn(Rows):
    """Fields of any types whose values come from a pool: `index` says which row each event has."""

    pool: Pool
    index: NDArray[np.integer[Any]]

    @property
    def fields(self) -> tuple[str, ...]:
        """The pool's fields."""
        return self.pool.fields

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The rows drawn."""
        rows = self.pool.rows
        return (rows[index] for index in self.index.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class OneField:
    """A column that covers one field."""

    field: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The one field."""
        return (self.field,)


@dataclass(frozen=True, slots=True, eq=False)
class Ids(OneField, Rows):
    """A string field whose values are all equally long, as ids are: `texts`, shape (n, length), ASCII."""

    texts: NDArray[np.uint8]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The ids as strings."""
        return ((text,) for text in strings(self.texts))


@dataclass(frozen=True, slots=True, eq=False)
class Texts(OneField, Rows):
    """A string field, or one of bytes: `texts` holds UTF-8 (or, where `binary`, any bytes), as objects (see `objects`)."""

    texts: NDArray[np.object_]
    binary: bool = False

    def values(self) -> Iterator[tuple[Any, ...]]:
        """Strings, or bytes where binary."""
        if self.binary:
            return ((text,) for text in self.texts.tolist())
        return ((text.decode(),) for text in self.texts.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Fixed(OneField, Rows):
    """A field of bytes that are equally many in each event: `block`, shape (n, size).

    It is a fixed field of that size (a duration, a uuid of 16), or a bytes field.
    """

    block: NDArray[np.uint8]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The bytes."""
        size = self.block.shape[1]
        data = self.block.tobytes()
        return ((data[place * size : (place + 1) * size],) for place in range(len(self.block)))


@dataclass(frozen=True, slots=True, eq=False)
class Flags(OneField, Rows):
    """A boolean field."""

    flags: NDArray[np.bool_]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The flags as bool."""
        return ((flag,) for flag in self.flags.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Integers(OneField, Rows):
    """A long or int field, and every logical type that is one: a date, a time, a timestamp, as their number."""

    integers: NDArray[np.int64]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The numbers as int."""
        return ((number,) for number in self.integers.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Reals(OneField, Rows):
    """A float or double field; where it is nullable, `present` says which events have a value.

    `present` is None where the field is never null.
    """

    reals: NDArray[np.floating[Any]]
    present: NDArray[np.bool_] | None = None

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The numbers as float, or None."""
        if self.present is None:
            return ((number,) for number in self.reals.tolist())
        pairs = zip(self.reals.tolist(), self.present.tolist(), strict=True)
        return ((number if present else None,) for number, present in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Decimals(OneField, Rows):
    """A decimal field on bytes or on a fixed: `unscaled` / 10 ** `scale`, the scale being the schema's.

    Its digits are at most the schema's precision, and no number is -2**63.
    """

    unscaled: NDArray[np.int64]
    scale: int = 0

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The numbers as Decimal."""
        return ((Decimal(number).scaleb(-self.scale),) for number in self.unscaled.tolist())


def objects(values: Iterable[Any]) -> NDArray[np.object_]:
    """The values as an array of objects, to be drawn from by index."""
    every = list(values)
    result = np.empty(len(every), dtype=object)
    result[:] = every
    return result


def records(columns: Iterable[Column]) -> Iterator[dict[str, Any]]:
    """The rows of columns that are equally long, each as a dict of all their fields."""
    columns = tuple(columns)
    names = [name for column in columns for name in column.fields]
    for parts in zip(*(column.values() for column in columns), strict=True):
        yield dict(zip(names, (value for part in parts for value in part), strict=True))


def strings(texts: NDArray[np.uint8]) -> list[str]:
    """The texts of a table of ASCII, shape (n, length), as strings."""
    length = texts.shape[1]
    every = texts.tobytes().decode()
    return [every[place * length : (place + 1) * length] for place in range(len(texts))]

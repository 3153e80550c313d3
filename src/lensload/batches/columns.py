"""Columns: a field of many events, or several that belong together, before they are bytes.

A column covers one field of the record or several that stand together, and knows its Python values. How it
becomes bytes is the concern of `encoding`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Rows of values to draw from, each covering the same fields; told apart by identity.

    Attributes:
        fields: the names of the fields that a row covers.
        rows: the values, one tuple a row.
    """

    fields: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


class Column(Protocol):
    """Some fields of every event of a batch; a dataclass whose arrays have one entry an event."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in the order of `values`."""
        ...

    def values(self) -> Iterator[tuple[Any, ...]]:
        """For each event, the fields' values as fastavro takes them."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Fields whose values come from a pool: `index` says which row each event has."""

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
class _OneField:
    """A column that covers one field."""

    field: str

    @property
    def fields(self) -> tuple[str, ...]:
        """The one field."""
        return (self.field,)


@dataclass(frozen=True, slots=True, eq=False)
class Ids(_OneField):
    """A string field that holds 36-character ids: `texts`, shape (n, 36), ASCII."""

    texts: NDArray[np.uint8]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The ids as strings."""
        return ((text,) for text in _strings(self.texts))


@dataclass(frozen=True, slots=True, eq=False)
class Integers(_OneField):
    """A long or int field."""

    integers: NDArray[np.int64]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The numbers as int."""
        return ((number,) for number in self.integers.tolist())


@dataclass(frozen=True, slots=True, eq=False)
class Reals(_OneField):
    """A float field; where it is nullable, `present` says which events have a value.

    `present` is None where the field is a plain float.
    """

    reals: NDArray[np.float32]
    present: NDArray[np.bool_] | None = None

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The numbers as float, or None."""
        if self.present is None:
            return ((number,) for number in self.reals.tolist())
        pairs = zip(self.reals.tolist(), self.present.tolist(), strict=True)
        return ((number if present else None,) for number, present in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Linked(_OneField):
    """A map field (nullable in the schema) that holds a few constant entries and, last, a link: an id.

    Attributes:
        field: the field.
        link: key of the entry that holds the id.
        constants: pool of one-field rows: the maps of the other entries.
        index: which of them each event has.
        texts: the ids, shape (n, 36), ASCII.
    """

    link: str
    constants: Pool
    index: NDArray[np.integer[Any]]
    texts: NDArray[np.uint8]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The maps."""
        rows = self.constants.rows
        for index, text in zip(self.index.tolist(), _strings(self.texts), strict=True):
            yield ({**rows[index][0], self.link: text},)


@dataclass(frozen=True, slots=True, eq=False)
class Rankings(_OneField):
    """An array field of Recommendation records {itemId, score, rank, explanation}, ranked from 1.

    Attributes:
        field: the field.
        item_ids: every item's id, by item index.
        items: item indices, shape (n, most).
        scores: scores, the same shape.
        shown: how many of them each event's array holds.
        explanations: every explanation, by index; None for none.
        explanation: index of the first recommendation's explanation; the others have none.
    """

    item_ids: tuple[str, ...]
    items: NDArray[np.int64]
    scores: NDArray[np.float32]
    shown: NDArray[np.int64]
    explanations: tuple[str | None, ...]
    explanation: NDArray[np.int64]

    def values(self) -> Iterator[tuple[Any, ...]]:
        """The arrays, as lists of dicts."""
        columns = (self.items, self.scores, self.shown, self.explanation)
        for items, scores, shown, reason in zip(*(c.tolist() for c in columns), strict=True):
            yield (
                [
                    {
                        "itemId": self.item_ids[items[place]],
                        "score": scores[place],
                        "rank": place + 1,
                        "explanation": self.explanations[reason] if place == 0 else None,
                    }
                    for place in range(shown)
                ],
            )


def picked(column: Column, which: NDArray[np.integer[Any]] | slice) -> Column:
    """The events at the given places of the column, in that order."""
    values = {name: getattr(column, name) for name in column.__dataclass_fields__}
    return type(column)(
        **{name: value[which] if isinstance(value, np.ndarray) else value for name, value in values.items()}
    )


def _strings(texts: NDArray[np.uint8]) -> list[str]:
    return [text.decode() for text in texts.view(f"V{texts.shape[1]}").ravel().tolist()]

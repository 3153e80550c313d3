"""Places in a schema: at each, columns of any kind that fits its type become pieces of bytes.

Places are made as columns ask for them, so a type that holds itself has as many as its columns are deep.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lensload.batches.columns import (
    Column,
    Decimals,
    Drawn,
    Fixed,
    Flags,
    Ids,
    Integers,
    Pool,
    Reals,
    Texts,
)
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.nested import Either, Lists, Maps, Nested
from lensload.encoding import numbers
from lensload.encoding.avro_types import AvroTypes, called, varint
from lensload.encoding.fitting import REAL_BYTES, fits, rivals
from lensload.encoding.fragments import Fragments, encodings
from lensload.encoding.lens_fragments import RankingFragments, linked
from lensload.encoding.pieces import Piece, emptied, grouped, spread
from lensload.errors import SchemaError


class Place:
    """A place in a schema at which one value is written; it keeps what it prepared for that.

    Args:
        types: the schema's types.
        kind: the type at the place.
        path: what the place is called, for errors: "Order.lines[].price".
    """

    def __init__(self, types: AvroTypes, kind: Any, path: str) -> None:
        self.types, self.kind, self.path = types, types.resolved(kind), path
        self.type_name = called(self.kind)
        self._inner: dict[str | int, Place] = {}
        self._pools: dict[Pool, Fragments] = {}
        self._rankings: dict[tuple[str, ...], RankingFragments] = {}

    @cached_property
    def write(self) -> Callable[[Any], bytes]:
        """Writes one value as fastavro does."""
        return self.types.writer(self.kind, self.path)

    @cached_property
    def record(self) -> "RecordPlace":
        """The fields of the record that is written here.

        Raises:
            SchemaError: the type is no record.
        """
        if self.type_name != "record":
            raise SchemaError(f"{self.path} is of type {self.type_name}, and events are records.")
        return RecordPlace(self)

    def inner(self, name: str | int, kind: Any, path: str) -> "Place":
        """The place of a part of the value, by a name of its own among the parts."""
        if name not in self._inner:
            self._inner[name] = Place(self.types, kind, self.path + path)
        return self._inner[name]

    def pieces(self, column: Column) -> Iterable[Piece]:
        """The bytes of the column's values.

        Raises:
            SchemaError: they are not values of the type.
        """
        if isinstance(column, Drawn):
            return (self._drawn(column),)
        if fits(column, self.kind, self.types):
            return self._writers[type(column)](self, column)
        if self.type_name == "union" and (pieces := self._of_branch(column)):
            return pieces
        # Nothing faster: fastavro knows what to write, or why it cannot be written, at a tenth of the speed.
        return ([self.write(value) for (value,) in column.values()],)

    def _drawn(self, column: Drawn) -> Piece:
        known = self._pools.get(column.pool)
        if known is None:
            known = Fragments(encodings(self.write, [value for (value,) in column.pool.rows]))
            self._pools[column.pool] = known
        return known.drawn(column.index)

    def _branch(self, number: int) -> "Place":
        return self.inner(number, self.kind[number], "")

    def _of_branch(self, column: Column) -> Sequence[Piece]:
        """The values as those of the only branch that they fit; nothing where there is not just one."""
        present = None
        if isinstance(column, Reals):
            column, present = Reals(column.field, column.reals), column.present
        branches = [self._branch(number) for number in range(len(self.kind))]
        fitting = [number for number, branch in enumerate(branches) if branch.type_name in rivals(column)]
        nulls = [number for number, branch in enumerate(branches) if branch.type_name == "null"]
        if (
            len(fitting) != 1
            or not fits(column, branches[fitting[0]].kind, self.types)
            or (present is not None and not nulls)
        ):
            return ()
        pieces: Any = self._branch(fitting[0]).pieces(column)
        if present is None:
            return (varint(fitting[0]), *pieces)
        branch = numbers.longs(np.where(present, fitting[0], nulls[0]))
        return (branch, *(emptied(piece, present) for piece in pieces))

    def _ids(self, column: Ids) -> Iterable[Piece]:
        return (varint(column.texts.shape[1]), column.texts)

    def _texts(self, column: Texts) -> Iterable[Piece]:
        texts: list[bytes] = column.texts.tolist()
        return (numbers.longs(np.fromiter(map(len, texts), np.int64, len(texts))), texts)

    def _fixed(self, column: Fixed) -> Iterable[Piece]:
        if self.type_name == "fixed":
            return (column.block,)
        return (varint(column.block.shape[1]), column.block)

    def _flags(self, column: Flags) -> Iterable[Piece]:
        return (column.flags.view(np.uint8).reshape(-1, 1),)

    def _integers(self, column: Integers) -> Iterable[Piece]:
        return (numbers.longs(column.integers),)

    def _reals(self, column: Reals) -> Iterable[Piece]:
        return (numbers.reals(column.reals, REAL_BYTES[self.type_name]),)

    def _decimals(self, column: Decimals) -> Iterable[Piece]:
        if self.type_name == "bytes":
            return (numbers.decimals(column.unscaled),)
        return (numbers.fixed_decimals(column.unscaled, self.kind["size"]),)

    def _nested(self, column: Nested) -> Iterable[Piece]:
        return self.record.pieces(column.columns)

    def _lists(self, column: Lists) -> Iterable[Piece]:
        items = self.inner("items", self.kind["items"], "[]").pieces(column.items)
        return _blocks(column.counts, items)

    def _maps(self, column: Maps) -> Iterable[Piece]:
        keys = self.inner("keys", "string", "{key}").pieces(column.keys)
        items = self.inner("values", self.kind["values"], "{}").pieces(column.items)
        return _blocks(column.counts, [*keys, *items])

    def _either(self, column: Either) -> Iterator[Piece]:
        yield numbers.longs(column.branch)
        for number, branch in enumerate(column.branches):
            if branch is not None:
                taken = column.branch == number
                yield from (spread(piece, taken) for piece in self._branch(number).pieces(branch))

    def _linked(self, column: Linked) -> Iterable[Piece]:
        known = self._pools.get(column.constants)
        if known is None:
            known = self._pools[column.constants] = Fragments(linked(self.write, column))
        return (known.drawn(column.index), column.texts, b"\0")

    def _ranked(self, column: Rankings) -> Iterable[Piece]:
        known = self._rankings.get(column.item_ids)
        if known is None:
            known = self._rankings[column.item_ids] = RankingFragments(column)
        return known.pieces(column)

    _writers: ClassVar[dict[type, Callable[[Any, Any], Iterable[Piece]]]] = {
        Ids: _ids,
        Texts: _texts,
        Fixed: _fixed,
        Flags: _flags,
        Integers: _integers,
        Reals: _reals,
        Decimals: _decimals,
        Nested: _nested,
        Lists: _lists,
        Maps: _maps,
        Either: _either,
        Linked: _linked,
        Rankings: _ranked,
    }


class RecordPlace:
    """The fields of a record, at one place of a schema: in its order, whatever the order of the columns.

    Args:
        place: where the record is.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._fields = {field["name"]: field for field in place.kind["fields"]}
        self._fragments: dict[tuple[Pool, tuple[str, ...]], Fragments] = {}
        self._layouts: dict[tuple[tuple[str, ...], ...], list[tuple[int, tuple[str, ...]]]] = {}
        self._defaults: dict[str, bytes] = {}

    def pieces(self, columns: Sequence[Column]) -> Iterator[Piece]:
        """The bytes of records; a field that no column covers is written as its default.

        Raises:
            SchemaError: there is no default, or values are not of their field's type.
        """
        for number, fields in self._layout(columns):
            if number < 0:
                yield self._default(fields[0])
            elif isinstance(column := columns[number], Drawn):
                yield self._drawn(column, fields)
            else:
                yield from self._field(fields[0]).pieces(column)

    def _layout(self, columns: Sequence[Column]) -> list[tuple[int, tuple[str, ...]]]:
        """Which column gives which run of neighbouring fields; column -1: the field's default."""
        shape = tuple(column.fields for column in columns)
        if shape not in self._layouts:
            owner = {name: number for number, names in enumerate(shape) for name in names}
            runs: list[tuple[int, tuple[str, ...]]] = []
            for name in self._fields:
                number = owner.get(name, -1)
                if runs and number >= 0 and runs[-1][0] == number:
                    runs[-1] = (number, (*runs[-1][1], name))
                else:
                    runs.append((number, (name,)))
            self._layouts[shape] = runs
        return self._layouts[shape]

    def _field(self, name: str) -> Place:
        return self._place.inner(name, self._fields[name]["type"], f".{name}")

    def _default(self, name: str) -> bytes:
        if name not in self._defaults:
            field = self._fields[name]
            if "default" not in field:
                raise SchemaError(
                    f"The field {name!r} of {self._place.path} has no default, and the events have no such field.",
                    "Give the field a default in the schema file (LENS's rule: optional, default null).",
                )
            value = self._place.types.default(field["type"], field["default"])
            self._defaults[name] = self._field(name).write(value)
        return self._defaults[name]

    def _drawn(self, column: Drawn, fields: tuple[str, ...]) -> Piece:
        known = self._fragments.get((column.pool, fields))
        if known is None:
            numbers = [column.pool.fields.index(name) for name in fields]
            every = [
                encodings(self._field(name).write, [row[number] for row in column.pool.rows])
                for name, number in zip(fields, numbers, strict=True)
            ]
            known = self._fragments[column.pool, fields] = Fragments(map(b"".join, zip(*every, strict=True)))
        return known.drawn(column.index)


def _blocks(counts: Any, items: Iterable[Piece]) -> Iterable[Piece]:
    """Arrays, or maps: a block of so many items and an empty block; an empty one is the empty block alone."""
    end = emptied(b"\0", counts > 0)
    return (numbers.longs(counts), grouped(items, counts), end)

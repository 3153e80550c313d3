"""Places in a schema: at each, columns of any kind that fits its type become an Arrow array.

The values are those that row by row would give: what fastavro reads of what it has written, converted by `files.columns`.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Decimals, Drawn, Fixed, Flags, Ids, Integers, Pool, Reals, Texts
from lensload.batches.nested import Either, Lists, Maps, Nested
from lensload.encoding.avro_types import AvroTypes, called
from lensload.files.columns import Column as Cell
from lensload.files.columns import column as cell_of

_UUID_LENGTH: Final = 36
_ARROW_INTEGERS: Final = {"int": "int32", "long": "int64"}


class ArrowPlace:
    """A place in a schema at which one value is; what is drawn from a pool there is converted once.

    Args:
        types: the schema's types.
        kind: the type at the place, of which no part is JSON text in Arrow.
        path: what the place is called, for errors.
    """

    def __init__(self, types: AvroTypes, kind: Any, path: str) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._types, self._whole, self._path = types, kind, path
        whole = types.resolved(kind)
        branches = whole if isinstance(whole, list) else [whole]
        self._branch = next((n for n, each in enumerate(branches) if types.resolved(each) != "null"), 0)
        self._kind = types.resolved(branches[self._branch])
        self._logical = self._kind.get("logicalType") if isinstance(self._kind, dict) else None
        self.cell: Cell = cell_of(kind, types.named())
        self._inner: dict[str, ArrowPlace] = {}
        self._pools: dict[Pool, dict[int, Any]] = {}

    def array(self, column: Column) -> Any:
        """The values of a column of one field, as an Arrow array.

        Raises:
            SchemaError: they are not values of the type.
        """
        if isinstance(column, Drawn):
            return self.drawn(column, 0)
        if isinstance(column, Either):
            return self._either(column)
        make = self._fast.get((type(column), called(self._kind), self._logical))
        if make is None and self._logical is None:
            make = self._fast.get((type(column), called(self._kind)))
        return make(column) if make else self._slow(value for (value,) in column.values())

    def drawn(self, column: Drawn, field: int) -> Any:
        """The values of one of the fields of a column that is drawn, as an Arrow array."""
        known = self._pools.setdefault(column.pool, {})
        if field not in known:
            known[field] = self._slow(row[field] for row in column.pool.rows)
        return known[field].take(self._arrow.array(column.index))

    def constant(self, value: Any, count: int) -> Any:
        """A value so many times, as an Arrow array."""
        return self._slow([value]).take(self._arrow.array(np.zeros(count, np.int64)))

    @cached_property
    def _fast(self) -> dict[tuple[Any, ...], Callable[[Any], Any]]:
        """What makes arrays without a look at single values, by kind of column, type, and logical type if it has one."""
        integers = {
            (Integers, name, logical): self._integers
            for name in _ARROW_INTEGERS
            for logical in (None, self._logical)
        }
        return {
            **integers,
            (Flags, "boolean"): lambda column: self._arrow.array(column.flags),
            (Reals, "float"): self._reals,
            (Reals, "double"): self._reals,
            (Ids, "string"): lambda column: text_array(column.texts),
            (Ids, "string", "uuid"): self._uuids,
            (Texts, "string"): self._texts,
            (Texts, "bytes"): self._texts,
            (Fixed, "bytes"): self._blocks,
            (Fixed, "fixed"): self._blocks,
            (Decimals, "bytes", "decimal"): self._decimals,
            (Decimals, "fixed", "decimal"): self._decimals,
            (Nested, "record"): self._record,
            (Lists, "array"): self._list,
            (Maps, "map"): self._map,
        }

    def _slow(self, values: Iterable[Any]) -> Any:
        """Values one by one, as fastavro writes them and reads them back."""
        values = list(values)
        if self._kind == "string" and {*map(type, values)} <= {str, type(None)}:
            return self._arrow.array(values, self.cell.type)  # as they are; a large audience has many
        write, read, convert = *self._io, self.cell.convert
        return self._arrow.array([convert(read(write(value))) for value in values], self.cell.type)

    @cached_property
    def _io(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        return self._types.writer(self._whole, self._path), self._types.reader(self._whole)

    def _either(self, column: Either) -> Any:
        """The values of the branch that is not null, in the rows that take it."""
        taken, branch = column.branch == self._branch, column.branches[self._branch]
        if branch is None:
            return self._arrow.nulls(len(column), self.cell.type)
        rows = self._arrow.array(np.maximum(np.cumsum(taken) - 1, 0), mask=~taken)
        return self.array(branch).take(rows)

    def _integers(self, column: Integers) -> Any:
        plain = getattr(self._arrow, _ARROW_INTEGERS[called(self._kind)])()
        return self._arrow.array(column.integers).cast(plain).cast(self.cell.type)

    def _reals(self, column: Reals) -> Any:
        absent = None if column.present is None else ~column.present
        return self._arrow.array(column.reals, self.cell.type, mask=absent)

    def _uuids(self, column: Ids) -> Any:
        texts = column.texts
        if texts.shape[1] != _UUID_LENGTH:
            return self._slow(value for (value,) in column.values())
        return text_array(np.where((texts >= ord("A")) & (texts <= ord("F")), texts + 32, texts))

    def _texts(self, column: Texts) -> Any:
        return self._arrow.array(column.texts.tolist(), self.cell.type)

    def _blocks(self, column: Fixed) -> Any:
        return self._arrow.array([value for (value,) in column.values()], self.cell.type)

    def _decimals(self, column: Decimals) -> Any:
        return self._arrow.array([value for (value,) in column.values()], self.cell.type)

    def _record(self, column: Nested) -> Any:
        kinds = {field["name"]: field["type"] for field in self._kind["fields"]}
        arrays = fields_of(column.columns, lambda name: self._at(name, kinds[name]))
        if len(arrays) < len(kinds):  # the others have defaults, which fastavro knows
            return self._slow(value for (value,) in column.values())
        return self._arrow.StructArray.from_arrays(
            [arrays[name] for name in kinds], fields=list(self.cell.type)
        )

    def _list(self, column: Lists) -> Any:
        items = self._at("item", self._kind["items"]).array(column.items)
        return self._arrow.ListArray.from_arrays(_offsets(column.counts), items, type=self.cell.type)

    def _map(self, column: Maps) -> Any:
        keys = self._at("key", "string").array(column.keys)
        items = self._at("value", self._kind["values"]).array(column.items)
        return self._arrow.MapArray.from_arrays(_offsets(column.counts), keys, items, type=self.cell.type)

    def _at(self, name: str, kind: Any) -> "ArrowPlace":
        if name not in self._inner:
            self._inner[name] = ArrowPlace(self._types, kind, f"{self._path}.{name}")
        return self._inner[name]


def fields_of(columns: Iterable[Column], place: Callable[[str], ArrowPlace]) -> dict[str, Any]:
    """The array of each field that columns cover; `place` gives a field's place."""
    arrays: dict[str, Any] = {}
    for column in columns:
        if isinstance(column, Drawn):
            arrays |= {name: place(name).drawn(column, at) for at, name in enumerate(column.fields)}
        else:
            arrays[column.fields[0]] = place(column.fields[0]).array(column)
    return arrays


def text_array(texts: NDArray[np.uint8]) -> Any:
    """Texts that are all equally long, shape (n, length), ASCII."""
    arrow: Any = import_module("pyarrow")
    count, length = texts.shape
    offsets = np.arange(count + 1, dtype=np.int32) * length
    buffers = arrow.py_buffer(offsets.astype(np.int32)), arrow.py_buffer(np.ascontiguousarray(texts))
    return arrow.StringArray.from_buffers(count, *buffers)


def _offsets(counts: NDArray[np.int64]) -> Any:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return import_module("pyarrow").array(offsets)

"""Which columns give the values of which types."""

from typing import Any, Final

from lensload.batches.columns import Column, Decimals, Fixed, Flags, Ids, Integers, Reals, Texts
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.nested import Either, Lists, Maps, Nested
from lensload.encoding.avro_types import AvroTypes, called
from lensload.encoding.lens_fragments import is_ranking

_FITTING: Final[dict[type, tuple[str, ...]]] = {
    Ids: ("string",),
    Flags: ("boolean",),
    Integers: ("int", "long"),
    Nested: ("record",),
    Lists: ("array",),
    Maps: ("map",),
    Either: ("union",),
    Linked: ("map", "union"),  # of a nullable map, its fragments say which branch it is
}
"""The types that a column of each kind gives the values of; of other kinds see `fits`."""
_NUMBERS: Final = ("int", "long", "float", "double")
_RIVALS: Final[dict[type, tuple[str, ...]]] = {
    Ids: ("string", "enum"),
    Texts: ("string", "enum", "bytes", "fixed", "array"),
    Fixed: ("bytes", "fixed", "array"),
    Integers: _NUMBERS,
    Reals: _NUMBERS,
    Decimals: ("bytes", "fixed"),
    Nested: ("record", "map"),
    Maps: ("record", "map"),
}
"""The types that fastavro may take the column's values for, where a union has several of them."""
REAL_BYTES: Final = {"float": 4, "double": 8}


def fits(column: Column, kind: Any, types: AvroTypes) -> bool:
    """Whether the column's values are of this very type of a schema (for a union: it says which branch they take).

    Args:
        column: any but one that is drawn from a pool, which may hold anything.
        kind: the type, its name resolved.
        types: the types of the schema.
    """
    name = called(kind)
    match column:
        case Texts():
            fitting = name == ("bytes" if column.binary else "string")
        case Fixed():
            fitting = name == "bytes" or (name == "fixed" and kind["size"] == column.block.shape[1])
        case Decimals():
            decimal = isinstance(kind, dict) and kind.get("logicalType") == "decimal"
            fitting = decimal and kind.get("scale", 0) == column.scale
        case Reals():
            fitting = name in REAL_BYTES and column.present is None
        case Rankings():
            fitting = name == "array" and is_ranking(types.resolved(kind["items"]))
        case _:
            fitting = name in _FITTING.get(type(column), ())
    return fitting


def rivals(column: Column) -> tuple[str, ...]:
    """The types, of several in a union, that fastavro may take the column's values for."""
    return _RIVALS.get(type(column)) or _FITTING.get(type(column), ("array",))

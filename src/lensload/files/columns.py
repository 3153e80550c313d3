"""Avro's types as Arrow's: what a column holds, and how a decoded value becomes one of its cells."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from lensload.files.plainjson import as_json

_PLAIN: Final = {
    "null": "null",
    "boolean": "bool_",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "bytes": "binary",
    "string": "string",
    "enum": "string",
}
# What fastavro makes of a logical type, and pyarrow takes as it is.
_LOGICAL: Final[dict[str, tuple[Any, ...]]] = {
    "timestamp-millis": ("timestamp", "ms", "UTC"),
    "timestamp-micros": ("timestamp", "us", "UTC"),
    "local-timestamp-millis": ("timestamp", "ms"),
    "local-timestamp-micros": ("timestamp", "us"),
    "date": ("date32",),
    "time-millis": ("time32", "ms"),
    "time-micros": ("time64", "us"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A type of Arrow's.

    Attributes:
        type: pyarrow's.
        convert: from what fastavro decodes to what pyarrow takes.
        as_text: whether it holds JSON text, or parts of it do, for what Arrow has no type for.
    """

    type: Any
    convert: Callable[[Any], Any]
    as_text: bool = False


def column(schema: Any, named: dict[str, Any]) -> Column:  # noqa: ANN401 - a schema is any JSON
    """The column for values of an Avro type; of JSON text for those that Arrow has no type for.

    Args:
        schema: the type, as fastavro parsed it.
        named: the named types met so far, None for those that we are within; more are entered.
    """
    if isinstance(schema, list):
        return _union(schema, named)
    if isinstance(schema, str):
        known = named.get(schema) if schema not in _PLAIN else {"type": schema}
        return _as_text() if known is None else column(known, named)
    if "name" in schema:
        named[schema["name"]] = None
    found = _logical(schema) or _of(schema, named)
    if "name" in schema:
        named[schema["name"]] = schema
    return found


def _of(schema: dict[str, Any], named: dict[str, Any]) -> Column:
    arrow = import_module("pyarrow")
    match schema["type"]:
        case "record" | "error":
            return _record(schema, named)
        case "array":
            item = column(schema["items"], named)
            return Column(
                arrow.list_(item.type), lambda value: [item.convert(each) for each in value], item.as_text
            )
        case "map":
            item = column(schema["values"], named)
            return Column(
                arrow.map_(arrow.string(), item.type),
                lambda value: [(key, item.convert(each)) for key, each in value.items()],
                item.as_text,
            )
        case "fixed":
            return Column(arrow.binary(schema["size"]), _same)
        case str(plain) if plain in _PLAIN:
            return Column(getattr(arrow, _PLAIN[plain])(), _same)
        case inner:
            return column(inner, named)


def _record(schema: dict[str, Any], named: dict[str, Any]) -> Column:
    arrow = import_module("pyarrow")
    fields = {field["name"]: column(field["type"], named) for field in schema["fields"]}
    if not fields:
        return _as_text()  # Parquet has no empty group
    return Column(
        arrow.struct([(name, field.type) for name, field in fields.items()]),
        lambda value: {name: field.convert(value[name]) for name, field in fields.items()},
        any(field.as_text for field in fields.values()),
    )


def _union(branches: list[Any], named: dict[str, Any]) -> Column:
    real = [branch for branch in branches if branch != "null"]
    if len(real) != 1:
        return _as_text()
    inner = column(real[0], named)
    return Column(inner.type, lambda value: None if value is None else inner.convert(value), inner.as_text)


def _logical(schema: dict[str, Any]) -> Column | None:
    arrow = import_module("pyarrow")
    logical = schema.get("logicalType")
    if logical == "decimal":
        precision, scale = schema["precision"], schema.get("scale", 0)
        return Column(arrow.decimal256(precision, scale), _same) if precision <= 76 else _as_text()
    if logical == "uuid":
        return Column(arrow.string(), str)
    if logical in _LOGICAL:
        name, *arguments = _LOGICAL[logical]
        return Column(getattr(arrow, name)(*arguments), _same)
    return None


def _as_text() -> Column:
    return Column(
        import_module("pyarrow").string(),
        lambda value: None if value is None else as_json(value),
        as_text=True,
    )


def _same(value: Any) -> Any:  # noqa: ANN401 - any Avro value
    return value

"""The types of a schema: names resolved, and values of any type written by fastavro."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer

from lensload.errors import SchemaError

Schema = dict[str, Any]
_OF_JSON: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
    "enum": (str,),
    "bytes": (str,),
    "fixed": (str,),
    "array": (list,),
    "map": (dict,),
    "record": (dict,),
}
"""What a default of each type is in JSON."""


class AvroTypes:
    """The types of one schema.

    Args:
        schema: the schema, as parsed JSON.

    Attributes:
        root: the schema as fastavro parses it, every name in full.
    """

    def __init__(self, schema: Any) -> None:
        self._names: dict[str, Any] = {}
        self.root: Any = parse_schema(schema, self._names)

    def named(self) -> dict[str, Any]:
        """The definitions of all types that have a name, by their full names."""
        return dict(self._names)

    def resolved(self, kind: Any) -> Any:
        """The type with its name, if it is only a name, replaced by the definition."""
        while isinstance(kind, str) and kind in self._names:
            kind = self._names[kind]
        while isinstance(kind, dict) and isinstance(kind["type"], dict | list):
            kind = kind["type"]
        return kind

    def writer(self, kind: Any, where: str) -> Callable[[Any], bytes]:
        """Writes values of a type as fastavro does.

        Args:
            kind: a type of the schema.
            where: the place of the type, for errors.
        """
        alone = self._alone(kind)

        def write(value: Any) -> bytes:
            out = BytesIO()
            try:
                schemaless_writer(out, alone, {"value": value})
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise SchemaError(
                    f"The value {value!r} is not one of the type of {where} ({called(kind)}): {error}",
                    "Give the field values of its type in the schema.",
                ) from error
            return out.getvalue()

        return _text_writer(write) if self.resolved(kind) == "string" else write

    def reader(self, kind: Any) -> Callable[[bytes], Any]:
        """Reads values of a type as fastavro does."""
        alone = self._alone(kind)

        def read(data: bytes) -> Any:
            record: Any = schemaless_reader(BytesIO(data), alone, None)
            return record["value"]

        return read

    def _alone(self, kind: Any) -> Any:
        """A type as the only field of a record, since of what is not a record fastavro parses the schema at each call."""
        field = {"name": "value", "type": _by_name(kind)}
        return parse_schema({"type": "record", "name": "OneValue_", "fields": [field]}, dict(self._names))

    def default(self, kind: Any, value: Any) -> Any:
        """A default, as the schema's JSON has it, as a value that fastavro writes: bytes are strings there."""
        kind = self.resolved(kind)
        match called(kind):
            case "bytes" | "fixed":
                return value.encode("latin-1") if isinstance(value, str) else value
            case "union":
                fits = (each for each in kind if isinstance(value, _OF_JSON[called(self.resolved(each))]))
                return self.default(next(fits, "null"), value)
            case "array":
                return [self.default(kind["items"], item) for item in value]
            case "map":
                return {key: self.default(kind["values"], item) for key, item in value.items()}
            case "record":
                every = {f["name"]: f["default"] for f in kind["fields"] if "default" in f} | value
                own = {field["name"]: field["type"] for field in kind["fields"]}
                return {name: self.default(own[name], item) for name, item in every.items() if name in own}
            case _:
                return value


def called(kind: Any) -> str:
    """What kind of type it is: "union", or a primitive or complex type's name, whatever its logical type."""
    if isinstance(kind, list):
        return "union"
    name = kind if isinstance(kind, str) else str(kind["type"])
    return {"error": "record", "error_union": "union"}.get(name, name)


def written(schema: Any, value: Any) -> bytes:
    """What fastavro writes for a value."""
    out = BytesIO()
    schemaless_writer(out, schema, value)
    return out.getvalue()


def _text_writer(write: Callable[[Any], bytes]) -> Callable[[Any], bytes]:
    """Writes texts as `write` does, which is left to judge whatever is none: fastavro takes six times as long for one."""

    def write_text(value: Any) -> bytes:
        try:
            data = str.encode(value)
        except (TypeError, UnicodeEncodeError):
            return write(value)
        return varint(len(data)) + data

    return write_text


@cache
def varint(number: int) -> bytes:
    """A number as Avro writes it: a long, and how long a text, a list or a map is."""
    return written("long", number)


def _by_name(kind: Any) -> Any:
    """The type with its definitions replaced by their full names: within a namespace Avro has no name for one without."""
    if isinstance(kind, list):
        return [_by_name(branch) for branch in kind]
    if not isinstance(kind, dict):
        return kind
    if "name" in kind and called(kind) in ("record", "enum", "fixed"):
        return kind["name"]
    return kind | {inner: _by_name(kind[inner]) for inner in {"items", "values", "type"} & kind.keys()}

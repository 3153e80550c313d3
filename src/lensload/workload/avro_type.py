"""Avro types as generators see them: what kind each is, its logical type, and what is in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastavro.schema import parse_schema

_LOGICAL: Final = {
    "int": ("date", "time-millis"),
    "long": (
        "time-micros",
        "time-nanos",
        "timestamp-millis",
        "timestamp-micros",
        "timestamp-nanos",
        "local-timestamp-millis",
        "local-timestamp-micros",
        "local-timestamp-nanos",
    ),
    "bytes": ("decimal",),
    "string": ("uuid",),
    "fixed": ("decimal", "duration", "uuid"),
}
_FIXED_SIZES: Final = {"duration": 12, "uuid": 16}
MOST_DIGITS: Final = 18
"""Digits of the largest number that decimals are made with: an unscaled one has 64 bits."""


@dataclass(frozen=True, slots=True)
class AvroField:
    """A field of a record: its name, its type, and its default as the schema's JSON says it, if it has one."""

    name: str
    type: "AvroType"
    has_default: bool
    default: Any


class AvroType:
    """A type of a parsed schema.

    Attributes:
        kind: Avro's word for it: null, boolean, int, long, float, double, string, bytes, fixed, enum, record, array, map,
            or union.
        logical: its logical type, where that is one of Avro's and fits the type; else "".
        name: full name of a named type; else "".
    """

    def __init__(self, node: Any, names: dict[str, Any]) -> None:  # noqa: ANN401 - any JSON
        while (named := _inside(node, names)) is not None:
            node = named
        self._node: Any = node
        self._names = names
        kind = "union" if isinstance(node, list) else node if isinstance(node, str) else str(node["type"])
        self.kind = "record" if kind == "error" else kind
        self.logical = self._logical()
        self.name = str(self._node["name"]) if self.kind in ("record", "enum", "fixed") else ""

    @classmethod
    def of(cls, document: Any) -> "AvroType":  # noqa: ANN401 - any JSON
        """The type of a self-contained schema, as its JSON says it."""
        names: dict[str, Any] = {}
        return cls(parse_schema(document, named_schemas=names), names)

    @property
    def fields(self) -> Iterator[AvroField]:
        """The fields of a record."""
        for field in self._node["fields"]:
            default = field.get("default")
            yield AvroField(field["name"], AvroType(field["type"], self._names), "default" in field, default)

    @property
    def items(self) -> "AvroType":
        """The type of an array's items, or of a map's values."""
        return AvroType(self._node["items" if self.kind == "array" else "values"], self._names)

    @property
    def branches(self) -> tuple["AvroType", ...]:
        """The branches of a union; a type that is no union is the only branch of itself."""
        if self.kind != "union":
            return (self,)
        return tuple(AvroType(branch, self._names) for branch in self._node)

    @property
    def nullable(self) -> bool:
        """Whether it is a union with null."""
        return self.kind == "union" and any(branch.kind == "null" for branch in self.branches)

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers."""
        return self.kind in ("int", "long", "float", "double") or self.logical == "decimal"

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of an enum."""
        return tuple(self._node["symbols"])

    @property
    def size(self) -> int:
        """The bytes of a fixed."""
        return int(self._node["size"])

    @property
    def scale(self) -> int:
        """Digits of a decimal behind its point."""
        return int(self._node.get("scale", 0))

    @property
    def digits(self) -> int:
        """Digits of a decimal's largest number that is made: its precision, as far as its bytes and 64 bits go."""
        most = min(int(self._node.get("precision", MOST_DIGITS)), MOST_DIGITS)
        if self.kind == "fixed":
            most = min(most, len(str(1 << max(8 * self.size - 1, 0))) - 1)
        return most

    @property
    def branch_name(self) -> str:
        """What a union's branch of this type is called: the full name, or the type without its logical type."""
        return self.name or self.kind

    def __str__(self) -> str:
        """What messages call it, such as `long (timestamp-millis)`."""
        if self.kind == "union":
            return f"union of {', '.join(str(branch) for branch in self.branches)}"
        named = f"{self.kind} {self.name}" if self.name else self.kind
        return f"{named} ({self.logical})" if self.logical else named

    def alike(self, other: "AvroType") -> bool:
        """Whether every value of the one is one of the other, and is written in the same way."""
        return _signature(self, ()) == _signature(other, ())

    def _logical(self) -> str:
        logical = self._node.get("logicalType", "") if isinstance(self._node, dict) else ""
        if logical not in _LOGICAL.get(self.kind, ()):
            return ""
        return "" if self.kind == "fixed" and _FIXED_SIZES.get(logical, self.size) != self.size else logical


def _inside(node: Any, names: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """What a node that is only a name for a type, or a wrapper of one, means; None for any other."""
    if isinstance(node, str):
        return names.get(node)
    inner = node["type"] if isinstance(node, dict) else None
    if isinstance(inner, (dict, list)):
        return inner
    return names.get(inner) if isinstance(inner, str) else None


def _signature(of: AvroType, around: tuple[str, ...]) -> Any:  # noqa: ANN401 - nested tuples
    """What two types that are alike have in common; of a recursive type, its name at the second time."""
    if of.kind == "record" and of.name in around:
        return of.name
    inside = (*around, of.name)
    match of.kind:
        case "record":
            inner: Any = tuple((field.name, _signature(field.type, inside)) for field in of.fields)
        case "enum":
            inner = of.symbols
        case "array" | "map":
            inner = _signature(of.items, around)
        case "union":
            inner = tuple(_signature(branch, around) for branch in of.branches)
        case "fixed":
            inner = of.size
        case _:
            inner = None
    logical = "" if of.kind == "string" else of.logical
    return of.kind, logical, of.scale if logical == "decimal" else 0, inner

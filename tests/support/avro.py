"""Random Avro schemas of every kind of type, and random columns for them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

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
    objects,
)
from lensload.batches.nested import Either, Lists, Maps, Nested

_LOGICAL = {
    "int": ("date", "time-millis"),
    "long": (
        "time-micros",
        *(f"{local}timestamp-{unit}" for local in ("", "local-") for unit in ("millis", "micros", "nanos")),
    ),
    "string": ("uuid",),
}
_SIMPLE = ("null", "boolean", "int", "long", "float", "double", "string", "bytes")
_DEFAULTS: dict[str, Any] = {"boolean": True, "int": -3, "long": 1 << 40, "double": 0.5, "string": "né"}
_DEEPEST = 4


@dataclass(eq=False)
class Type:
    """A type of a schema.

    Attributes:
        kind: what it is called in Avro, whatever its logical type.
        json: its definition.
        name: its full name, or `kind`: what fastavro calls it as a branch of a union.
        parts: its items, values, branches, or fields by name.
        left_out: fields that have a default, and that no column covers.
    """

    kind: str
    json: Any
    name: str
    parts: dict[str, "Type"] = field(default_factory=dict[str, "Type"])
    left_out: set[str] = field(default_factory=set[str])


Placed = tuple[Type, Any]
"""A type, and how the schema has it in a place: its definition, or its name where it was defined before."""


@st.composite
def schemas(draw: st.DrawFn) -> Type:
    """A record of at least a field."""
    return _Schema(draw).record("", 0)[0]


class _Schema:
    """Types that are drawn one after another; those that have a name may be mentioned again."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._named: list[Type] = []
        self._open: list[Type] = []  # records that would hold themselves if they were mentioned now
        self._makers = {
            **dict.fromkeys(_SIMPLE, self._simple),
            "decimal": self._decimal,
            "fixed": self._fixed,
            "enum": self._enum,
            "mention": self._mention,
            "array": self._array,
            "map": self._map,
            "union": self._union,
            "record": self.record,
        }

    def record(self, space: str, depth: int, _kind: str = "") -> Placed:
        """A record, maybe of a namespace of its own, whose fields may mention it."""
        made = self._name("record", space)
        space = made.name.rpartition(".")[0]
        self._open.append(made)
        fields: list[dict[str, Any]] = []
        for number in range(self._draw(st.integers(1, 4))):
            part, json = self._type(space, depth)
            made.parts[name := f"f{number}"] = part
            fields.append({"name": name, "type": json})
            if number and json == part.kind and part.kind in _DEFAULTS and self._draw(st.booleans()):
                fields[-1]["default"] = _DEFAULTS[part.kind]
                made.left_out |= {name} if self._draw(st.booleans()) else set()
        self._open.remove(made)
        made.json["fields"] = fields
        return made, made.json

    def _type(self, space: str, depth: int) -> Placed:
        """Any type, in a part of a type of this depth; `space` is the namespace around it."""
        kinds = list(self._makers)
        kind = self._draw(st.sampled_from(kinds if depth < 2 else kinds[:-4]))
        return self._makers[kind](space, depth + 1, kind)

    def _simple(self, _space: str, _depth: int, kind: str) -> Placed:
        json: Any = kind
        if kind in _LOGICAL and self._draw(st.booleans()):
            json = {"type": kind, "logicalType": self._draw(st.sampled_from(_LOGICAL[kind]))}
        return Type(kind, json, kind), json

    def _decimal(self, space: str, _depth: int, _kind: str) -> Placed:
        size = self._draw(st.sampled_from((None, 4, 8, 11)))
        made = self._name("fixed", space) if size else Type("bytes", {"type": "bytes"}, "bytes")
        made.json |= {"size": size} if size else {}
        made.json |= {"logicalType": "decimal", "precision": 9 if size == 4 else 18}
        made.json["scale"] = self._draw(st.integers(0, 9))
        return made, made.json

    def _fixed(self, space: str, _depth: int, _kind: str) -> Placed:
        made = self._name("fixed", space)
        made.json["size"] = self._draw(st.sampled_from((1, 12, 16)))
        return made, made.json

    def _enum(self, space: str, _depth: int, _kind: str) -> Placed:
        made = self._name("enum", space)
        made.json["symbols"] = ["A", "B", "C"]
        return made, made.json

    def _mention(self, space: str, depth: int, _kind: str) -> Placed:
        # A name without a namespace cannot be mentioned inside of one.
        named = [made for made in self._named if made not in self._open and ("." in made.name or not space)]
        if not named:
            return self._simple(space, depth, "null")
        made = self._draw(st.sampled_from(named))
        return made, made.name

    def _array(self, space: str, depth: int, _kind: str) -> Placed:
        (items, json), kind = self._within(space, depth), "array"
        made = Type(kind, {"type": kind, "items": json}, kind, {"items": items})
        return made, made.json

    def _map(self, space: str, depth: int, _kind: str) -> Placed:
        (items, json), kind = self._within(space, depth), "map"
        made = Type(kind, {"type": kind, "values": json}, kind, {"items": items})
        return made, made.json

    def _within(self, space: str, depth: int) -> Placed:
        """A type in something that may be empty, so that it may be a record around it."""
        around, self._open = self._open, []
        placed = self._type(space, depth)
        self._open = around
        return placed

    def _union(self, space: str, depth: int, _kind: str) -> Placed:
        possible = [kind for kind in self._makers if kind not in ("union", "decimal")]
        kinds = self._draw(st.lists(st.sampled_from(possible), min_size=1, max_size=4, unique=True))
        around = self._open
        if "null" in kinds:
            self._open = []
        branches: dict[str, Placed] = {}
        for kind in kinds:
            branch, json = self._makers[kind](space, depth + 1, kind)
            branches.setdefault(branch.name, (branch, json))
        self._open = around
        parts = {name: branch for name, (branch, _) in branches.items()}
        made = Type("union", [json for _, json in branches.values()], "union", parts)
        return made, made.json

    def _name(self, kind: str, space: str) -> Type:
        json: dict[str, Any] = {"type": kind, "name": f"T{len(self._named)}"}
        own = self._draw(st.sampled_from((None, "", "a", "a.b")))
        if own is not None:
            json["namespace"] = space = own
        made = Type(kind, json, f"{space}.{json['name']}".lstrip("."))
        self._named.append(made)
        return made


class Columns:
    """Random columns for a type.

    Args:
        seed: what they follow from.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._makers = {
            "boolean": lambda name, count: Flags(name, self._random.random(count) < 0.5),
            "int": lambda name, count: Integers(name, self._numbers(count, 31)),
            "long": lambda name, count: Integers(name, self._numbers(count, 63)),
            "float": lambda name, count: Reals(name, self._random.normal(size=count).astype(np.float32)),
            "double": lambda name, count: Reals(name, self._random.normal(size=count)),
            "string": self._string,
            "bytes": self._bytes,
        }

    def of_fields(self, record: Type, count: int, depth: int = 0) -> tuple[Column, ...]:
        """Columns for the fields of a record, in any order, some of several fields at once."""
        names = [name for name in record.parts if name not in record.left_out]
        columns = [self.of(record.parts[name], name, count, depth + 1) for name in names]
        if len(columns) > 1 and self._chance(0.3):
            columns = [*columns[2:], self._pooled(columns[:2], count)]
        return tuple(columns[place] for place in self._random.permutation(len(columns)))

    def of(self, kind: Type, name: str, count: int, depth: int = 0) -> Column:
        """A column of one field."""
        if depth > 2 * _DEEPEST and not count:
            return Drawn(Pool((name,), ()), np.zeros(0, np.int64))
        if self._chance(0.15):
            return self._pooled([self._fresh(kind, name, 3, depth)], count)
        return self._fresh(kind, name, count, depth)

    def _pooled(self, columns: list[Column], count: int) -> Drawn:
        """The first of the rows of columns, drawn at random."""
        rows = tuple(
            tuple(value for part in parts for value in part)
            for parts in zip(*(column.values() for column in columns), strict=True)
        )
        fields = tuple(name for column in columns for name in column.fields)
        if not rows:
            return Drawn(Pool(fields, ()), np.zeros(0, np.int64))
        return Drawn(Pool(fields, rows), self._random.integers(0, len(rows), count))

    def _fresh(self, kind: Type, name: str, count: int, depth: int) -> Column:  # noqa: PLR0911
        if isinstance(kind.json, dict) and kind.json.get("logicalType") == "decimal":
            return self._decimals(kind.json, name, count)
        match kind.kind:
            case "null":
                return Drawn(Pool((name,), ((None,),)), np.zeros(count, np.int64))
            case "enum":
                rows = tuple((symbol,) for symbol in kind.json["symbols"])
                return Drawn(Pool((name,), rows), self._random.integers(0, len(rows), count))
            case "fixed":
                return Fixed(name, self._random.integers(0, 256, (count, kind.json["size"]), np.uint8))
            case "record":
                return Nested(name, self.of_fields(kind, count, depth))
            case "array":
                counts = self._counts(count, depth)
                return Lists(name, counts, self.of(kind.parts["items"], "item", counts.sum(), depth + 1))
            case "map":
                return self._map(kind, name, count, depth)
            case "union":
                return self._union(kind, name, count, depth)
            case _:
                return self._makers[kind.kind](name, count)

    def _map(self, kind: Type, name: str, count: int, depth: int) -> Column:
        counts = self._counts(count, depth)
        keys = Texts("key", objects(f"k{place}".encode() for most in counts for place in range(most)))
        return Maps(name, counts, keys, self.of(kind.parts["items"], "item", counts.sum(), depth + 1))

    def _union(self, kind: Type, name: str, count: int, depth: int) -> Column:
        branches = list(kind.parts.values())
        values = [branch for branch in branches if branch.kind in self._makers and branch.json == branch.kind]
        if values and self._chance(0.3):  # the branch is found by the values
            column = self._makers[values[0].kind](name, count)
            if isinstance(column, Reals) and "null" in kind.parts:
                return Reals(name, column.reals, self._random.random(count) < 0.5)
            return column
        ends = [place for place, branch in enumerate(branches) if branch.kind == "null"]
        branch = self._random.integers(0, len(branches), count)
        if depth > _DEEPEST and ends:
            branch[:] = ends[0]
        taken = np.bincount(branch, minlength=len(branches)).tolist()
        columns = tuple(
            self.of(each, "branch", many, depth + 1) if many and each.kind != "null" else None
            for each, many in zip(branches, taken, strict=True)
        )
        return Either(name, branch, columns, tuple(kind.parts))

    def _string(self, name: str, count: int) -> Column:
        if self._chance(0.5):
            width = int(self._random.integers(0, 80))
            return Ids(name, self._random.integers(32, 127, (count, width), np.uint8))
        lengths = self._random.choice((0, 1, 5, 70, 9000), count)
        return Texts(name, objects(("ü" * length).encode() for length in lengths.tolist()))

    def _bytes(self, name: str, count: int) -> Column:
        if self._chance(0.5):
            return Fixed(name, self._random.integers(0, 256, (count, 16), np.uint8))
        return Texts(name, objects(map(self._random.bytes, self._random.integers(0, 99, count))), binary=True)

    def _decimals(self, json: dict[str, Any], name: str, count: int) -> Column:
        digits = self._random.integers(1, 1 + json["precision"], count)
        unscaled = self._random.integers(-(10**digits) + 1, 10**digits)
        return Decimals(name, unscaled, json["scale"])

    def _numbers(self, count: int, bits: int) -> NDArray[np.int64]:
        of_size = np.int64(1) << self._random.integers(0, bits, count)
        return self._random.integers(-of_size, of_size)

    def _counts(self, count: int, depth: int) -> NDArray[np.int64]:
        return self._random.integers(0, 1 if depth > _DEEPEST else 4, count)

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

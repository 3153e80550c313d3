"""Paths of fields: `a.b` into records, `a[]` for an array's items, `a{}` for a map's values."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lensload.workload.avro_type import AvroField, AvroType
from lensload.workload.field_table import FieldTable

Tokens = tuple[str, ...]

ITEMS: Final = "[]"
VALUES: Final = "{}"
LISTS: Final = (ITEMS, VALUES)
_PATH: Final = re.compile(r"[A-Za-z_]\w*(?:\[\]|\{\})*(?:\.[A-Za-z_]\w*(?:\[\]|\{\})*)*")
_TOKEN: Final = re.compile(r"\w+|\[\]|\{\}")


def tokens(path: str) -> Tokens:
    """The parts of a path.

    Raises:
        ValueError: it is none; a sentence.
    """
    if not _PATH.fullmatch(path):
        raise ValueError(
            f"{path!r} is no path of a field, such as total, address.city, lines[].price or tags{{}}"
        )
    return tuple(_TOKEN.findall(path))


def joined(path: str, token: str) -> str:
    """The path with one more part."""
    return f"{path}{token}" if token in LISTS or not path else f"{path}.{token}"


def scope(of: Tokens) -> Tokens:
    """The innermost list around a path, with its brackets; () where it is in no list."""
    inside = [place for place, token in enumerate(of) if token in LISTS]
    return of[: inside[-1] + 1] if inside else ()


@dataclass(slots=True)
class Wanted:
    """What a file says of a place in a schema, and of the places in it.

    Attributes:
        table: how its values are made, if the file says so.
        written: its path as the file has it, if it does.
        inner: what is said of places in it, by the path's next part.
    """

    table: FieldTable | None = None
    written: str = ""
    inner: "dict[str, Wanted]" = field(default_factory=dict)

    def at(self, path: Tokens) -> "Wanted":
        """What is said of a path from here on; from now on something is."""
        place = self
        for token in path:
            place = place.inner.setdefault(token, Wanted())
        return place

    def says(self, path: Tokens) -> bool:
        """Whether anything is said of a path from here on, or of what is in it."""
        place: Wanted | None = self
        for token in path:
            place = place and place.inner.get(token)
        return place is not None

    def parts(self, path: str) -> Iterator[str]:
        """The paths in it of which anything is said or wanted, written or not; its own path is the given one."""
        for token, inner in self.inner.items():
            here = joined(path, token)
            yield from inner.parts(here) if inner.inner else (here,)

    def paths(self) -> Iterator[str]:
        """The written paths here and in it."""
        if self.written:
            yield self.written
        for inner in self.inner.values():
            yield from inner.paths()


def find(types: AvroType, path: Iterable[str]) -> AvroType | None:
    """The type at a path; of a union, in the first branch that has it. None if there is none."""
    if types.kind == "union":
        path = tuple(path)
        if not path:
            return types
        found = (find(branch, path) for branch in types.branches)
        return next((each for each in found if each is not None), None)
    token, *rest = (*path, "")
    if not token:
        return types
    inner = step(types, token)
    return None if inner is None else find(inner, rest[:-1])


def with_default(of: AvroType, path: Tokens) -> AvroField | None:
    """The field at a path, if it has a default other than null and the records around it have none; else None."""
    token, *rest = path
    named = of.fields if of.kind == "record" else ()
    field = next((each for each in named if each.name == token), None)
    if field is None:
        return None
    if rest:
        return None if field.has_default else with_default(field.type, tuple(rest))
    return field if field.default is not None else None


def step(of: AvroType, token: str) -> AvroType | None:
    """The type that one part of a path leads to from a type that is no union; None if it leads nowhere."""
    match of.kind:
        case "record":
            return next((each.type for each in of.fields if each.name == token), None)
        case "array":
            return of.items if token == ITEMS else None
        case "map":
            return of.items if token == VALUES else None
        case _:
            return None

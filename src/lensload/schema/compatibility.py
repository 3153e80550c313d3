"""LENS's rule: how a schema may change from one version to the next.

A new field is optional and has a default; no field is removed; no type changes. That is stricter than a registry's
BACKWARD, which lets a field go. It is held against *every* earlier version, so that whatever was ever written stays
readable, and it holds inside nested records, arrays, maps and unions as well.

A type has changed if a value's type is another one, be it a wider one: `int` to `long` breaks a service that reads
with the older version. An enum loses no symbol, and gains one only where the older version has a default, which is what
its readers read in the new symbol's place.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastavro.schema import parse_schema

ADDED = "a new field is optional and has a default"
REMOVED = "no field is removed"
CHANGED = "no type changes"
RENAMED = "a record keeps its name"

Node = Any  # a type as Avro's JSON describes it: a name, a list of branches, or a dict
Names = dict[str, Node]
_SHAPING = ("type", "name", "size", "logicalType", "precision", "scale")
_NAMED = ("record", "error", "enum", "fixed")


@dataclass(frozen=True, slots=True)
class Breach:
    """One place where a newer schema breaks LENS's rule.

    Attributes:
        field: where, as a path from the record: `filters[].operator`; the record's name for the record itself.
        rule: the sentence of the rule that is broken.
        what: what is found there.
        fix: what to do about it.
    """

    field: str
    rule: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: {self.what} (the rule: {self.rule}). {self.fix}"


def breaches(older: dict[str, Any], newer: dict[str, Any]) -> tuple[Breach, ...]:
    """Every place where `newer` breaks LENS's rule towards `older`, in the older one's order; none if it may follow.

    Both as fastavro's `parse_schema` gives them, with full names. Docs, aliases and the order of fields are free.
    """
    return tuple(_Comparison(older, newer).root())


def listed(found: tuple[Breach, ...]) -> str:
    """Breaches as lines to show to a person."""
    return "\n".join(f"  - {breach}" for breach in found)


class _Comparison:
    """Two schemas side by side; each pair of named types is compared once, so that recursion ends."""

    def __init__(self, older: Node, newer: Node) -> None:
        self._older, self._newer = older, newer
        self._old_names, self._new_names = _names(older), _names(newer)
        self._compared: set[str] = {older["name"]}

    def root(self) -> Iterator[Breach]:
        if self._older["name"] != self._newer["name"]:
            was, now = self._older["name"], self._newer["name"]
            fix = f"Call it {was} again; what is something else belongs into a topic of its own."
            yield Breach(now, RENAMED, f"it was {was}", fix)
        else:
            yield from self._records(self._older, self._newer, "")

    def _records(self, older: Node, newer: Node, path: str) -> Iterator[Breach]:
        before = {field["name"]: field for field in older["fields"]}
        after = {field["name"]: field for field in newer["fields"]}
        for name, field in before.items():
            if name in after:
                yield from self._fields(field, after[name], path + name)
            else:
                yield _removed(path + name, field)
        for name, field in after.items():
            if name not in before:
                yield from self._new_field(field, path + name)

    def _fields(self, older: Node, newer: Node, path: str) -> Iterator[Breach]:
        yield from self._types(older["type"], newer["type"], path)
        if "default" in older and "default" not in newer:
            what = "its default is gone, without which records older than the field cannot be read"
            yield Breach(path, ADDED, what, f'Put "default": {_json(older["default"])} back.')

    def _new_field(self, field: Node, path: str) -> Iterator[Breach]:
        kind = field["type"]
        if isinstance(kind, list) and "null" in kind and "default" in field:
            return
        kinds = [each for each in kind if each != "null"] if isinstance(kind, list) else [kind]
        wanted = f'"type": {_json(["null", *kinds])}, "default": null'
        missing = "no default" if "default" not in field else "no null among its types"
        yield Breach(path, ADDED, f"new, with {missing}", f"Write {wanted}.")

    def _types(self, older: Node, newer: Node, path: str) -> Iterator[Breach]:
        was, now = _resolved(older, self._old_names), _resolved(newer, self._new_names)
        if _shape(was) != _shape(now):
            what = f"its type was {_short(was)} and is {_short(now)}"
            fix = f"Keep {_short(was)}; for the new type add a field with another name."
            yield Breach(path, CHANGED, what, fix)
            return
        if isinstance(was, list):
            for old_branch, new_branch in zip(was, now, strict=True):
                yield from self._types(old_branch, new_branch, path)
        elif isinstance(was, dict):
            yield from self._complex(was, now, path)

    def _complex(self, older: Node, newer: Node, path: str) -> Iterator[Breach]:
        match older["type"]:
            case "array":
                yield from self._types(older["items"], newer["items"], f"{path}[]")
            case "map":
                yield from self._types(older["values"], newer["values"], f"{path}{{}}")
            case "enum":
                if gone := [symbol for symbol in older["symbols"] if symbol not in newer["symbols"]]:
                    what = f"its enum {_short(older)} has lost {', '.join(gone)}"
                    fix = "Put back what is gone; old events have it, even where new ones will not."
                    yield Breach(path, CHANGED, what, fix)
                yield from _gained(older, newer, path)
            case "record" | "error" if older["name"] not in self._compared:
                self._compared.add(older["name"])
                yield from self._records(older, newer, f"{path}.")
            case _:
                pass


def _gained(older: Node, newer: Node, path: str) -> Iterator[Breach]:
    gained = [symbol for symbol in newer["symbols"] if symbol not in older["symbols"]]
    if gained and "default" not in older:
        what = (
            f"its enum {_short(older)} has gained {', '.join(gained)}, and the older version has no default to read"
            " them as"
        )
        fix = (
            "Write the new values into a new field; a service with the older version fails at such an event."
        )
        yield Breach(path, CHANGED, what, fix)


def _removed(path: str, field: Node) -> Breach:
    kind = field["type"]
    nullable = isinstance(kind, list) and "null" in kind
    retire = "write null into it" if nullable else "go on writing it, and say in its doc that it is not used"
    return Breach(path, REMOVED, "gone", f"Put it back with type {_short(kind)}; to retire it, {retire}.")


def _shape(node: Node) -> object:
    """What must stay the same of a type, its parts apart."""
    if isinstance(node, list):
        return [_shape(branch) for branch in node]
    if not isinstance(node, dict):
        return {"type": node}  # "string" and {"type": "string"} are one
    return {key: node[key] for key in _SHAPING if key in node}


def _short(node: Node) -> str:
    """A type in few words, for a message."""
    if isinstance(node, list):
        return "[" + ", ".join(map(_short, node)) + "]"
    if not isinstance(node, dict):
        return str(node).rpartition(".")[2]
    match node["type"]:
        case "array":
            return f"array of {_short(node['items'])}"
        case "map":
            return f"map of {_short(node['values'])}"
        case kind if kind in _NAMED:
            return str(node["name"]).rpartition(".")[2]
        case kind:
            logical = node.get("logicalType")
            return f"{kind} ({logical})" if logical else str(kind)


def _resolved(node: Node, names: Names) -> Node:
    """The type with its definition in place of its name, a union's branches each."""
    if isinstance(node, list):
        return [_resolved(branch, names) for branch in node]
    return names.get(node, node) if isinstance(node, str) else node


def _names(schema: Node) -> Names:
    """Every named type that the schema defines, by full name."""
    names: Names = {}
    parse_schema(schema, names)
    return names


def _json(node: Node) -> str:
    """A type or default as it would stand in a schema file; a defined type by its name."""
    return json.dumps(_by_name(node), ensure_ascii=False)


def _by_name(node: Node) -> Node:
    if isinstance(node, list):
        return [_by_name(branch) for branch in node]
    if isinstance(node, dict):
        defined = node.get("type") in _NAMED
        return _short(node) if defined else {key: _by_name(value) for key, value in node.items()}
    return node

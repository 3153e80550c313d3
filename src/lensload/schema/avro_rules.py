"""What Avro's specification refuses of a schema, and fastavro lets pass: names, unions, defaults, sizes.

Registries hold schemas to it and answer 422; what is refused here is refused before anything is sent.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

Node = Any  # a type as Avro's JSON describes it: a name, a list of branches, or a dict

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMED: Final = ("record", "error", "enum", "fixed")
_ORDERS: Final = ("ascending", "descending", "ignore")
_INT, _LONG = 2**31, 2**63
_BYTE: Final = 256


def complaint(document: Node) -> str:
    """The first thing that the specification refuses, naming where, and how many there are; "" for none.

    Args:
        document: a schema as its JSON says it, whose types are all known.
    """
    found = list(_Rules().of(document, str(document.get("name", "")) if isinstance(document, dict) else ""))
    return f"{found[0]} (the first of {len(found)})" if len(found) > 1 else "".join(found)


class _Rules:
    """One walk through a schema, which meets each named type before it is referred to."""

    def __init__(self) -> None:
        self._known: dict[str, Node] = {}

    def of(self, node: Node, path: str) -> Iterator[str]:
        """What is wrong with a type."""
        if isinstance(node, list):
            yield from self._union(node, path)
        elif isinstance(node, dict):
            kind = node.get("type")
            if not isinstance(kind, str):
                yield from self.of(kind, path)
            elif kind in _NAMED:
                yield from self._named(node, path)
            elif kind in ("array", "map"):
                inner = "items" if kind == "array" else "values"
                if inner not in node:
                    yield f"{path}: the {kind} says nothing of its {inner}"
                yield from self.of(node.get(inner), f"{path}{'[]' if kind == 'array' else '{}'}")

    def _union(self, branches: list[Node], path: str) -> Iterator[str]:
        if not branches:
            yield f"{path}: the union has no branch"
        seen: set[str] = set()
        for branch in branches:
            if isinstance(branch, list):
                yield f"{path}: a union in a union"
                continue
            kind = _kind(branch)
            if kind in seen:
                yield f"{path}: the union has {kind} twice"
            seen.add(kind)
            yield from self.of(branch, path)

    def _named(self, node: Node, path: str) -> Iterator[str]:
        for each in (str(node.get("name", "")), str(node.get("namespace") or "")):
            yield from (
                f"{path}: {part!r} is no name (letters, digits and _, and no digit first)"
                for part in (each.split(".") if each or each is node.get("name") else ())
                if not _NAME.fullmatch(part)
            )
        if not node.get("name"):
            yield f"{path}: the {node['type']} has no name"
        self._known[str(node.get("name")).rpartition(".")[2]] = node
        match node["type"]:
            case "enum":
                yield from _enum(node, path)
            case "fixed":
                if not _whole(node.get("size")) or node["size"] < 0:
                    yield f"{path}: the size of a fixed is a whole number, not {node.get('size')!r}"
            case _:
                yield from self._fields(node, path)

    def _fields(self, node: Node, path: str) -> Iterator[str]:
        fields = node.get("fields")
        if not isinstance(fields, list):
            yield f"{path}: the record has no list of fields"
            return
        names: set[str] = set()
        for field in fields:
            if not isinstance(field, dict) or "type" not in field:
                yield f"{path}: a field has no type"
                continue
            name = field.get("name")
            where = f"{path}.{name}"
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                yield f"{where}: {name!r} is no name (letters, digits and _, and no digit first)"
            elif name in names:
                yield f"{where}: the field {name!r} is there twice"
            names.add(str(name))
            if field.get("order", "ascending") not in _ORDERS:
                yield f"{where}: the order must be one of {', '.join(_ORDERS)}"
            yield from self.of(field["type"], where)
            if "default" in field and (wrong := self._unlike(field["type"], field["default"])):
                yield f"{where}: its default {wrong}"

    def _unlike(self, node: Node, value: Any) -> str:  # noqa: ANN401 - any JSON
        """Why a default is not of its type, the end of a sentence; "" if it is."""
        if isinstance(node, list):
            wrong = self._unlike(node[0], value) if node else ""
            return f"{wrong}; a default is of the first type of a union" if wrong else ""
        if isinstance(node, str):
            named = None if node in _PRIMITIVE else self._known.get(node.rpartition(".")[2])
            return self._unlike(named, value) if named else _primitive(node, value)
        kind = node.get("type") if isinstance(node, dict) else None
        return self._unlike_complex(node, kind, value) if kind is not None else ""

    def _unlike_complex(self, node: Node, kind: Node, value: Any) -> str:  # noqa: ANN401 - any JSON
        match kind:
            case "enum":
                return (
                    ""
                    if value in node.get("symbols", ())
                    else f"{json.dumps(value)} is not one of its symbols"
                )
            case "fixed":
                fits = isinstance(value, str) and len(value) == node.get("size")
                return "" if fits else f"{json.dumps(value)} does not have {node.get('size')} bytes"
            case "array" | "map":
                return self._container(node, value)
            case "record" | "error":
                return self._record(node, value)
            case _:
                return self._unlike(kind, value)

    def _container(self, node: Node, value: Any) -> str:  # noqa: ANN401 - any JSON
        array = node["type"] == "array"
        if array and isinstance(value, list):
            each_value = list[Any](value)
        elif not array and isinstance(value, dict):
            each_value = list[Any](value.values())
        else:
            return f"{json.dumps(value)} is no {node['type']}"
        inner = node.get("items" if array else "values")
        wrong = (self._unlike(inner, each) for each in each_value)
        return next(filter(None, wrong), "")

    def _record(self, node: Node, value: Any) -> str:  # noqa: ANN401 - any JSON
        if not isinstance(value, dict):
            return f"{json.dumps(value)} is no record"
        for field in node.get("fields", ()):
            if field["name"] not in value:
                if "default" not in field:
                    return f"lacks {field['name']}"
            elif wrong := self._unlike(field["type"], value[field["name"]]):
                return f"of {field['name']} {wrong}"
        return ""


def _enum(node: Node, path: str) -> Iterator[str]:
    symbols = node.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(each, str) for each in symbols):
        yield f"{path}: the enum has no list of symbols"
        return
    for symbol in symbols:
        if not _NAME.fullmatch(symbol):
            yield f"{path}: {symbol!r} is no symbol (letters, digits and _, and no digit first)"
        if symbols.count(symbol) > 1:
            yield f"{path}: the symbol {symbol!r} is there twice"
    if "default" in node and node["default"] not in symbols:
        yield f"{path}: the enum's default {json.dumps(node['default'])} is not one of its symbols"


def _kind(branch: Node) -> str:
    """What may be in a union only once: an unnamed type by its kind, a named one by its name."""
    if not isinstance(branch, dict):
        return str(branch)
    kind = branch.get("type")
    return str(branch.get("name") if kind in _NAMED else kind)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return _whole(value) or (isinstance(value, float) and math.isfinite(value))


_PRIMITIVE: Final[dict[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "int": lambda value: _whole(value) and -_INT <= value < _INT,
    "long": lambda value: _whole(value) and -_LONG <= value < _LONG,
    "float": _number,
    "double": _number,
    "string": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, str) and all(ord(each) < _BYTE for each in value),
}


def _primitive(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    fits = _PRIMITIVE.get(name)
    return "" if fits is None or fits(value) else f"{json.dumps(value)} is no {name}"

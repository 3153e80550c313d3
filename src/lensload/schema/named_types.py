"""Named types across schemas: which a schema defines, which it only mentions, and one text that has them all."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Node = Any  # a type as Avro's JSON describes it: a name, a list of branches, or a dict

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
"""The types that need no definition."""
NAMED: Final = ("record", "error", "enum", "fixed")
"""The kinds of types that have names."""
_INNER: Final = {"array": "items", "map": "values"}


def full_names(document: Node, namespace: str = "") -> Node:
    """A copy of the schema in which each named type is defined and mentioned by its full name.

    What is not of the shape of a schema is copied as it is, for Avro's own rules to refuse.
    """
    if isinstance(document, str):
        return _full(document, namespace) if document not in PRIMITIVES else document
    if isinstance(document, list):
        return [full_names(branch, namespace) for branch in document]
    if not isinstance(document, dict):
        return document
    kind, node = document.get("type"), dict(document)
    if not isinstance(kind, str):
        node |= {"type": full_names(kind, namespace)} if "type" in node else {}
    elif kind in NAMED:
        space = node.pop("namespace", None)
        node["name"] = _full(str(node.get("name", "")), namespace if space is None else str(space))
        namespace = node["name"].rpartition(".")[0]
        if not namespace:
            node["namespace"] = ""  # so that it inherits none where it is placed
        if isinstance(node.get("fields"), list):
            node["fields"] = [
                {**field, "type": full_names(field["type"], namespace)}
                if isinstance(field, dict) and "type" in field
                else field
                for field in node["fields"]
            ]
    elif kind in _INNER:
        if (inner := _INNER[kind]) in node:
            node[inner] = full_names(node[inner], namespace)
    else:
        node["type"] = full_names(kind, namespace)
    return node


def defined(document: Node) -> dict[str, Node]:
    """The named types that a schema with full names defines, by name, outermost first."""
    found: dict[str, Node] = {}
    for node in _walk(document):
        kind = node.get("type") if isinstance(node, dict) else None
        if isinstance(kind, str) and kind in NAMED:
            found.setdefault(str(node.get("name")), node)
    return found


def mentioned(document: Node) -> tuple[str, ...]:
    """The names of types that a schema with full names uses and does not define, each once, in their order."""
    own = defined(document)
    return tuple(
        dict.fromkeys(
            node
            for node in _walk(document)
            if isinstance(node, str) and node not in PRIMITIVES and node not in own
        )
    )


def joined(document: Node, others: Mapping[str, Node], placed: set[str] | None = None) -> Node:
    """The schema with each type that it only mentions defined where it is mentioned first; all with full names.

    Args:
        document: the schema.
        others: definitions by full name; a name that is not among them stays as it is.
        placed: the names that are defined already; grows.
    """
    placed = set() if placed is None else placed
    if isinstance(document, str):
        known = document in others and document not in placed
        return joined(others[document], others, placed) if known else document
    if isinstance(document, list):
        return [joined(branch, others, placed) for branch in document]
    if not isinstance(document, dict):
        return document
    kind, node = document.get("type"), dict(document)
    if not isinstance(kind, str):
        node |= {"type": joined(kind, others, placed)} if "type" in node else {}
    elif kind in NAMED:
        if node["name"] in placed:
            return node["name"]
        placed.add(node["name"])
        if isinstance(node.get("fields"), list):
            node["fields"] = [
                {**field, "type": joined(field["type"], others, placed)}
                if isinstance(field, dict) and "type" in field
                else field
                for field in node["fields"]
            ]
    elif kind in _INNER:
        if (inner := _INNER[kind]) in node:
            node[inner] = joined(node[inner], others, placed)
    else:
        node["type"] = joined(kind, others, placed)
    return node


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _walk(node: Node) -> Iterator[Node]:
    """Each type in a schema, and each name that stands for one, from the outside in."""
    yield node
    if isinstance(node, list):
        for branch in node:
            yield from _walk(branch)
    elif isinstance(node, dict):
        kind = node.get("type")
        if not isinstance(kind, str):
            yield from _walk(kind)
        elif kind in NAMED:
            fields = node.get("fields")
            for field in fields if isinstance(fields, list) else ():
                if isinstance(field, dict) and "type" in field:
                    yield from _walk(field["type"])
        elif kind in _INNER:
            yield from _walk(node.get(_INNER[kind]))
        else:
            yield from _walk(kind)

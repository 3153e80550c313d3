"""Schemas that refer to types of other schemas, made into one that refers to none."""

from collections.abc import Iterable
from typing import Any, Final

Node = Any  # a type as Avro's JSON describes it: a name, a list of branches, or a dict

_NAMED: Final = ("record", "error", "enum", "fixed")


def self_contained(document: Node, others: Iterable[Node] = ()) -> Node:
    """The schema with the definition of every type of `others` that it refers to, at the first place where it does.

    Docs, defaults, aliases and properties stay as they are. What is defined nowhere stays a name: whoever parses the
    result refuses it.

    Args:
        document: a schema as its JSON says it.
        others: schemas whose named types it may refer to, directly or by way of each other.
    """
    known: dict[str, tuple[Node, str]] = {}
    for other in others:
        _collect(other, "", known)
    return _placed(document, "", known, set())


def named_types(document: Node) -> tuple[str, ...]:
    """The full names of all types that a schema defines, the outermost first."""
    known: dict[str, tuple[Node, str]] = {}
    _collect(document, "", known)
    return tuple(known)


def _collect(node: Node, namespace: str, known: dict[str, tuple[Node, str]]) -> None:
    """Add the definition of every named type in `node`, and the namespace that is around it."""
    if isinstance(node, list):
        for branch in node:
            _collect(branch, namespace, known)
    if not isinstance(node, dict):
        return
    inner = namespace
    if node.get("type") in _NAMED:
        full, inner = _names(node, namespace)
        known.setdefault(full, (node, namespace))
    for key in ("type", "items", "values"):
        if isinstance(node.get(key), (dict, list)):
            _collect(node[key], inner, known)
    for field in node.get("fields", ()):
        if isinstance(field, dict):
            _collect(field.get("type"), inner, known)


def _names(node: Node, namespace: str) -> tuple[str, str]:
    """The full name of a named type, and the namespace in it."""
    name = str(node.get("name", ""))
    if "." in name:
        return name, name.rpartition(".")[0]
    own = node.get("namespace")
    inner = namespace if own is None else str(own)
    return (f"{inner}.{name}" if inner else name), inner


def _placed(node: Node, namespace: str, known: dict[str, tuple[Node, str]], placed: set[str]) -> Node:
    if isinstance(node, str):
        return _resolved(node, namespace, known, placed)
    if isinstance(node, list):
        return [_placed(branch, namespace, known, placed) for branch in node]
    if not isinstance(node, dict):
        return node
    inner = namespace
    if node.get("type") in _NAMED:
        full, inner = _names(node, namespace)
        placed.add(full)
    result = dict(node)
    for key in ("type", "items", "values"):
        if key in node:
            result[key] = _placed(node[key], inner, known, placed)
    if isinstance(node.get("fields"), list):
        result["fields"] = [
            {**field, "type": _placed(field["type"], inner, known, placed)}
            if isinstance(field, dict) and "type" in field
            else field
            for field in node["fields"]
        ]
    return result


def _resolved(name: str, namespace: str, known: dict[str, tuple[Node, str]], placed: set[str]) -> Node:
    """A name, or in its place the definition of what it names, if that is elsewhere and not yet in the result."""
    candidates = [name] if "." in name or not namespace else [f"{namespace}.{name}", name]
    full = next((each for each in candidates if each in placed or each in known), "")
    if not full or full in placed:
        return name
    node, around = known[full]
    _, inner = _names(node, around)
    # Its namespace is said in the definition, since another one may be around it here.
    bare = {**node, "name": full.rpartition(".")[2], "namespace": inner}
    return _placed(bare, namespace, known, placed)

"""The places of a record that hold values, each with its path, its type and what surrounds it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lensload.schema import named_types
from lensload.schema.named_types import Node
from lensload.workload.inference import naming
from lensload.workload.inference.naming import Words

NONE: Final = object()
"""The default of a field that has none."""

_LAST: Final = frozenset(
    [
        "event",
        "record",
        "message",
        "msg",
        "value",
        "key",
        "envelope",
        "payload",
        "data",
        "dto",
        "avro",
        "entity",
        "model",
        "state",
        "snapshot",
        "info",
        "details",
        "v",
        "v1",
        "v2",
        "v3",
        "created",
        "updated",
        "deleted",
        "changed",
        "placed",
        "added",
        "removed",
        "completed",
        "received",
        "requested",
        "started",
        "ended",
        "finished",
        "failed",
        "submitted",
        "registered",
        "cancelled",
        "canceled",
        "shipped",
        "delivered",
        "paid",
        "processed",
        "published",
        "reading",
        "measurement",
        "telemetry",
        "notification",
        "command",
        "fact",
    ]
)
"""Words at the end of a record's name that say what happened, and not what it is of."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field, or the items of an array, the values of a map, a branch of a union.

    Attributes:
        path: as a workload file writes it: address.city, lines[].sku, tags{}.
        within: the path of the record that it is in; "" for the topic's own.
        name: the words of its name; of one item where it holds many.
        kind: Avro's kind of type, without null: string, record, union, ...; "null" for null alone; "again" for a
            record that it is already within.
        node: the type, resolved.
        nullable: whether it may be null.
        default: the field's default; NONE for none.
        doc: what the schema says of it.
        nouns: what the record that it is in is of, the likeliest word first: customer, order.
        several: whether one event may have several of it: it is within an array or a map.
        sure: whether every event has it: no null, array, map or union on the way to it.
    """

    path: str
    within: str
    name: Words
    kind: str
    node: Node
    nullable: bool
    default: Any
    doc: str
    nouns: Words
    several: bool
    sure: bool

    @property
    def logical(self) -> str:
        """The logical type; "" for none."""
        return str(self.node.get("logicalType", "")) if isinstance(self.node, dict) else ""

    @property
    def type_name(self) -> str:
        """The type in a word or two, for people."""
        name = self.logical or self.kind
        if self.kind in ("record", "again", "enum", "fixed") and not self.logical:
            name = f"{self.node['type']} {short(self.node['name'])}"
        return f"{name} or null" if self.nullable and self.kind != "null" else name

    @property
    def branches(self) -> tuple[str, ...]:
        """The types of a union other than null, as Avro calls them."""
        every = self.node if self.kind == "union" else [self.node]
        return tuple(_branch(each) for each in every)


def of_record(schema: Node) -> tuple[Place, ...]:
    """All places of a record, in the order of its fields, what is within a place after it.

    Args:
        schema: the schema as JSON, which defines all types that it uses.
    """
    document = named_types.full_names(schema)
    walk = _Walk(named_types.defined(document))
    nouns = noun_of(str(document["name"]))
    return tuple(walk.fields(document, "", nouns, (document["name"],), several=False, sure=True))


def _branch(node: Node) -> str:
    if not isinstance(node, dict):
        return str(node)
    return str(node.get("name", node["type"]) if node["type"] in named_types.NAMED else node["type"])


def short(name: str) -> str:
    """A type's name without its namespace."""
    return name.rpartition(".")[2]


def noun_of(name: str) -> Words:
    """What a record is of, by its name: order for com.shop.OrderPlacedEvent; () where it says nothing."""
    found = naming.words(short(name))
    while len(found) > 1 and found[-1] in _LAST:
        found = found[:-1]
    found = (*found[:-1], naming.singular(found[-1])) if found else found
    return tuple(dict.fromkeys(("_".join(found), found[-1], found[0]))) if found else ()


@dataclass(frozen=True, slots=True)
class _Walk:
    """A walk through a schema whose named types are `known`."""

    known: Mapping[str, Node]

    def fields(
        self, record: Node, path: str, nouns: Words, open_: Words, *, several: bool, sure: bool
    ) -> Iterator[Place]:
        for field in record["fields"]:
            name = str(field["name"])
            place = f"{path}.{name}" if path else name
            found = self.of(field["type"], place, path, naming.words(name), nouns, open_, several, sure)
            first = next(found)
            doc = " ".join(str(field.get("doc") or "").split())
            yield replace(first, default=field.get("default", NONE), doc=doc)
            yield from found

    def of(  # noqa: PLR0917 - what surrounds a place is what this is about
        self,
        node: Node,
        path: str,
        within: str,
        name: Words,
        nouns: Words,
        open_: Words,
        several: bool,
        sure: bool,
    ) -> Iterator[Place]:
        """The place of a type, and the places within it."""
        branches, nullable = self._branches(node)
        node = branches[0] if len(branches) == 1 else branches
        kind = "null" if not branches else "union" if len(branches) > 1 else self._kind(node)
        again = kind == "record" and node["name"] in open_
        yield Place(
            path,
            within,
            name,
            "again" if again else kind,
            node,
            nullable,
            NONE,
            "",
            nouns,
            several,
            sure,
        )
        inner_sure = sure and not nullable and kind == "record"
        one = (*name[:-1], naming.singular(name[-1])) if name else name
        match kind:
            case "record" if not again:
                of = tuple(dict.fromkeys((*noun_of(node["name"]), *one[-1:])))
                inside = (*open_, node["name"])
                yield from self.fields(node, path, of, inside, several=several, sure=inner_sure)
            case "array":
                yield from self.of(node["items"], f"{path}[]", within, one, nouns, open_, True, False)
            case "map":
                yield from self.of(node["values"], f"{path}{{}}", within, one, nouns, open_, True, False)
            case "union":
                for branch in branches:
                    if self._kind(self._resolved(branch)) == "record":
                        found = self.of(branch, path, within, name, nouns, open_, several, False)
                        next(found)  # the branch itself is the union's
                        yield from found
            case _:
                pass

    def _branches(self, node: Node) -> tuple[list[Node], bool]:
        """The types that a value may be of, without null; whether it may be null."""
        node = self._resolved(node)
        if not isinstance(node, list):
            return ([], True) if self._kind(node) == "null" else ([node], False)
        every = [self._resolved(each) for each in node]
        found = [each for each in every if self._kind(each) != "null"]
        return found, len(found) < len(every)

    def _resolved(self, node: Node) -> Node:
        """The type behind a name, or behind a dict that only holds another type."""
        while True:
            if isinstance(node, str) and node in self.known:
                node = self.known[node]
            elif isinstance(node, dict) and not isinstance(node.get("type"), str):
                node = node["type"]
            elif isinstance(node, dict) and node["type"] in self.known:
                node = self.known[node["type"]]
            else:
                return node

    @staticmethod
    def _kind(node: Node) -> str:
        kind = str(node["type"] if isinstance(node, dict) else node)
        return "record" if kind == "error" else kind

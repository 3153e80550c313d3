"""Where in a file and a schema the builder is, and how a complaint about it is addressed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from lensload.workload.avro_type import AvroType
from lensload.workload.complaint import Complaint
from lensload.workload.derived_makers import Tree
from lensload.workload.field_table import FieldTable
from lensload.workload.paths import Tokens, joined, tokens
from lensload.workload.toml_lines import Place

Made = TypeVar("Made")

MOST_ITEMS: Final = 10_000
"""Items that a list and those in it may have in one event: some thousands of events are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place of a topic's value, or a header of its records, or a field of a pool.

    Attributes:
        owner: the topic or pool, as the keys that lead to its table.
        path: the path in it; the header's name.
        blame: the key of the field that refers here, and that complaints are about; () where the field itself is.
        records: the records around it.
        items: how many of it one event has at most, by the lengths of the lists around it.
        trail: the fields that referred to each other on the way here.
        tree: the makers of the topic whose values are made.
        is_header: whether it is a header.
    """

    owner: Place
    path: str = ""
    blame: Place = ()
    records: tuple[str, ...] = ()
    items: int = 1
    trail: tuple[Place, ...] = ()
    tree: Tree = field(default_factory=Tree)
    is_header: bool = False

    @property
    def place(self) -> Place:
        """The key of the field in the file."""
        return (*self.owner, "headers" if self.is_header else "fields", self.path)

    @property
    def tokens(self) -> Tokens:
        """The parts of its path; a header is no part of the value, and has a part that no path has."""
        return ("",) if self.is_header else tokens(self.path)

    @property
    def in_pool(self) -> bool:
        """Whether it is a field of a pool."""
        return self.owner[0] == "pools"

    def into(self, token: str) -> "Position":
        """One part further in."""
        return replace(self, path=joined(self.path, token))

    def into_items(self, token: str, length: int) -> "Position":
        """Into the items of a list here, of at most so many.

        Raises:
            Complaint: an event would have too many of them.
        """
        items = self.items * max(1, length)
        if items > MOST_ITEMS:
            raise self.complaint(
                "length", f"an event would have up to {items:,} of its items, and {MOST_ITEMS:,} are the most"
            )
        return replace(self.into(token), items=items)

    def referred(self, owner: Place, path: str, key: str) -> "Position":
        """The field that this one refers to by a key of its table.

        Raises:
            Complaint: it refers back here.
        """
        place = (*owner, "fields", path)
        trail = (*self.trail, self.place)
        if place in trail:
            circle = " from ".join(".".join((each[1], *each[3:])) for each in (*trail, place))
            raise Complaint(self.blame or (*self.place, key), f"a cycle: {circle}.")
        return Position(owner, path, self.blame or (*self.place, key), (), self.items, trail, self.tree)

    def complaint(self, key: str, message: str) -> Complaint:
        """A complaint about a key of the field, or of the field that refers to it."""
        sentence = message if message.endswith("?") else f"{message}."
        if self.blame:
            return Complaint(self.blame, f"{'.'.join(self.owner[1:])}.{self.path}: {sentence}")
        return Complaint((*self.place, key) if key else self.place, sentence)

    def told(self, key: str, make: Callable[[], Made]) -> Made:
        """What `make` gives; its ValueError, which ends a sentence, as a complaint about the key."""
        try:
            return make()
        except ValueError as error:
            name = (FieldTable.model_fields[key].alias or key) if key else ""
            raise self.complaint(name, f"{name or 'the field'} {error}") from error


def others(type_: AvroType) -> list[AvroType]:
    """The branches of a union that are not null; a type that is no union is the only one."""
    return [branch for branch in type_.branches if branch.kind != "null"]

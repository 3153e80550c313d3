"""Skipping fields in the bytes of many Avro values at once, to where another field begins.

Avro's binary encoding has no tags and no table of offsets (Avro 1.12, "Binary Encoding"): where a field begins follows
from all that is before it. Nothing here raises, or goes on for long, on bytes that are no such value: it ends where the
value does.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensload.encoding.avro_types import AvroTypes, called
from lensload.errors import SchemaError

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]
Schema = Any

Skip: TypeAlias = Callable[[Bytes, Places, Places, int], Places]
"""Of all bytes, with some of no value behind the last, where each value's field begins, and where each value ends: where
the next field begins, at most where the value ends. The last argument is how many types are around it."""

_LONGEST: Final = 10  # bytes of a varint
_DEEPEST: Final = 40  # records in each other: Avro allows any number, for a list of its own kind
_MOST_ITEMS: Final = 20_000  # in one list, with its blocks; a workload's events have at most half as many
_SIZES: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}


def skip_fixed(size: int) -> Skip:
    """A field that has the same size in every value."""
    return lambda _data, at, ends, _depth: np.minimum(at + size, ends)


class Skips:
    """How the fields of a schema are skipped.

    Args:
        types: the types of a record's schema.
    """

    def __init__(self, types: AvroTypes) -> None:
        self._types = types
        self._of: dict[str, Skip] = {}

    def before(self, path: str) -> tuple[list[tuple[int | None, Skip]], Schema]:
        """The fields before the one at a path, each with its size if that is always the same; and that one's type.

        Raises:
            SchemaError: there is no such field.
        """
        found: list[tuple[int | None, Skip]] = []
        here = self._types.root
        for name in path.split("."):
            fields = here["fields"] if called(here) == "record" else []
            names = [field["name"] for field in fields]
            if name not in names:
                raise SchemaError(
                    f"The schema has no field {path}, which the stopwatch is read from.",
                    "Name one of its fields; one in a record is record.field.",
                )
            found += [
                (self.size(field["type"]), self._skip(field["type"])) for field in fields[: names.index(name)]
            ]
            here = self._types.resolved(fields[names.index(name)]["type"])
        return found, here

    def size(self, schema: Schema, depth: int = 0) -> int | None:
        """How many bytes every value of a type has; None where that is not always the same."""
        schema = self._types.resolved(schema)
        kind = called(schema)
        if kind == "fixed":
            return int(schema["size"])
        if kind != "record" or depth > _DEEPEST:
            return _SIZES.get(kind)
        total = 0
        for field in schema["fields"]:
            size = self.size(field["type"], depth + 1)
            if size is None:
                return None
            total += size
        return total

    def _skip(self, schema: Schema) -> Skip:
        schema = self._types.resolved(schema)
        kind, size = called(schema), self.size(schema)
        if size is not None:
            return skip_fixed(size)
        match kind:
            case "record":
                return self._record(schema)
            case "union":
                return _union([self._skip(branch) for branch in schema])
            case "array":
                return _blocks(self._items(schema["items"]))
            case "map":
                return _blocks([_skip_sized, *self._items(schema["values"])])
            case _:
                return _skip_sized if kind in ("string", "bytes") else _skip_number

    def _items(self, schema: Schema) -> list[Skip]:
        """How an item is skipped; nothing for one without bytes, of which a few bytes can say that there are 2**62."""
        return [] if self.size(schema) == 0 else [self._skip(schema)]

    def _record(self, record: Schema) -> Skip:
        name = str(record["name"])
        if name not in self._of:
            # For the fields that are of its own kind, which are met before it is known how it is skipped.
            self._of[name] = lambda data, at, ends, depth: self._of[name](data, at, ends, depth)  # noqa: PLW0108
            self._of[name] = _one_after_another([self._skip(field["type"]) for field in record["fields"]])
        return self._of[name]


def _one_after_another(skips: list[Skip]) -> Skip:
    def skip(data: Bytes, at: Places, ends: Places, depth: int) -> Places:
        if depth > _DEEPEST:
            return ends
        for each in skips:
            at = each(data, at, ends, depth + 1)
        return at

    return skip


def _union(branches: list[Skip]) -> Skip:
    def skip(data: Bytes, at: Places, ends: Places, depth: int) -> Places:
        number, at = _varint(data, at, ends)
        behind = ends.copy()  # of a branch that there is not
        for each, branch in enumerate(branches):
            which = np.flatnonzero(number == each)
            if len(which):
                behind[which] = branch(data, at[which], ends[which], depth + 1)
        return behind

    return skip


def _blocks(items: list[Skip]) -> Skip:
    """An array or a map: blocks, each with the number of its items, up to one that has none."""

    def skip(data: Bytes, at: Places, ends: Places, depth: int) -> Places:
        if depth > _DEEPEST:
            return ends
        behind = at.copy()
        left = np.arange(len(at))
        total = np.zeros(len(at), dtype=np.int64)  # of the blocks and their items
        while len(left):
            count, here = _varint(data, behind[left], ends[left])
            sized = count < 0  # then the block says how many bytes it has
            if sized.any():
                here[sized] = _skip_sized(data, here[sized], ends[left][sized], depth)
            # An item has at least one byte. We never write so many items, and to skip them would take long.
            total[left] += 1 + np.clip(count, 0, _MOST_ITEMS)
            strange = (total[left] > _MOST_ITEMS) | (bool(items) & (count > ends[left] - here))
            behind[left] = np.where(strange, ends[left], here)
            which, count_left = left[count > 0], count[count > 0]
            while items and len(which):
                for item in items:
                    behind[which] = item(data, behind[which], ends[which], depth + 1)
                count_left -= 1
                more = (count_left > 0) & (behind[which] < ends[which])
                which, count_left = which[more], count_left[more]
            left = left[(count != 0) & (behind[left] < ends[left])]
        return behind

    return skip


def _skip_sized(data: Bytes, at: Places, ends: Places, _depth: int) -> Places:
    """A string or bytes: its length, and as many bytes."""
    length, at = _varint(data, at, ends)
    room = ends - at
    return at + np.where((length < 0) | (length > room), room, length)


def _skip_number(data: Bytes, at: Places, ends: Places, _depth: int) -> Places:
    """An int, a long, or the number of an enum's symbol."""
    return _varint(data, at, ends)[1]


def _varint(data: Bytes, at: Places, ends: Places) -> tuple[NDArray[np.int64], Places]:
    """The zig-zag number that begins at each place, and where the next thing begins; 0 at a value's end."""
    inside = at < ends
    group = np.where(inside, data[np.minimum(at, len(data) - 1)], 0).astype(np.int64)
    number, behind = group & 0x7F, at + inside
    more = np.flatnonzero(group >= 0x80)
    for place in range(1, _LONGEST):
        if not len(more):
            break
        at = behind[more]
        inside = at < ends[more]
        group = np.where(inside, data[np.minimum(at, len(data) - 1)], 0).astype(np.int64)
        number[more] |= (group & 0x7F) << np.int64(7 * place)
        behind[more] = at + inside
        more = more[group >= 0x80]
    return ((number >> 1) & 0x7FFFFFFFFFFFFFFF) ^ -(number & 1), behind

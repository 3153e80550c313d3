"""The stopwatch of an event of any schema: the field that holds its id, found in the bytes of its value, or a record header.

The id alone says when the event was due, and which of whose events it is. Where it lies follows from the schema: at the
same place in every value, or behind fields that have to be skipped, which is done for many values at once.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.encoding import wire
from lensload.encoding.avro_types import AvroTypes, Schema, called
from lensload.encoding.skipping import Bytes, Skip, Skips, skip_fixed
from lensload.errors import SchemaError

if TYPE_CHECKING:
    from lensload.workload.model import Workload

HEADER_BYTES: Final = 5
RAW_BYTES: Final = 16


class HeadReader(Protocol):
    """Says of what holds the ids of records (their values, or a header of each) what the ids say.

    It never raises on what is not ours.
    """

    def __call__(self, holders: Sequence[bytes], /) -> wire.Heads:
        """The heads of bytes of any kind."""
        ...


class Stopwatch:
    """Reads the ids of a topic's values. It is a `HeadReader`.

    Args:
        schema: the topic's, as Avro's JSON, which refers to no other.
        path: the field of the id, with dots between the records that it is in: a string, bytes, or fixed of 16 bytes; or
            a union that has one of these, whose values are never of another branch.
        topic: the topic's number: an id of another topic is not valid here.
        topics: how many topics the ids are of (`ids.of_topic`).

    Raises:
        SchemaError: the schema has no such field.
    """

    def __init__(self, schema: Schema, path: str, topic: int = 0, topics: int = 1) -> None:
        self._topic, self._topics = topic, topics
        types = AvroTypes(schema)
        before, field = Skips(types).before(path)
        self._mark, self._width = _form(types, field, path)
        self._at = HEADER_BYTES + len(self._mark)
        self._before: list[Skip] = []
        for size, skip in before:
            if size is None or self._before:
                self._before.append(skip)
            else:
                self._at += size
        self._from = self._at if not self._before else self._at - len(self._mark)

    def __call__(self, values: Sequence[bytes]) -> wire.Heads:
        """See `HeadReader`."""
        found, whole = self._at_fixed(values) if not self._before else self._behind(values)
        marked = whole & (found[:, HEADER_BYTES:][:, : len(self._mark)] == self._marked).all(axis=1)
        id_bytes = found[:, HEADER_BYTES + len(self._mark) :]
        readings = ids.read(id_bytes) if self._width == ids.TEXT_BYTES else ids.read_raw(id_bytes)
        readings = _of_topic(readings, self._topic, self._topics)
        valid = readings.valid & marked & (found[:, 0] == 0)
        return wire.Heads(valid, wire.schema_ids(found), readings.due_ns, readings)

    @property
    def _marked(self) -> NDArray[np.uint8]:
        return np.frombuffer(self._mark, np.uint8)

    def _at_fixed(self, values: Sequence[bytes]) -> tuple[Bytes, NDArray[np.bool_]]:
        """Header, mark and id of each value, and whether it is long enough; all at the same place."""
        end = self._at + self._width
        cut = list(map(itemgetter(slice(end)), values))
        whole = np.fromiter(map(len, cut), np.int64, len(cut)) == end
        joined = b"".join(cut) if whole.all() else b"".join(part.ljust(end, b"\0") for part in cut)
        block = np.frombuffer(joined, np.uint8).reshape(len(cut), end)
        header, rest = block[:, :HEADER_BYTES], block[:, self._at - len(self._mark) :]
        return np.concatenate((header, rest), axis=1), whole

    def _behind(self, values: Sequence[bytes]) -> tuple[Bytes, NDArray[np.bool_]]:
        """The same, behind the fields that are skipped."""
        lengths = np.fromiter(map(len, values), np.int64, len(values))
        ends = np.cumsum(lengths)
        starts = ends - lengths
        width = len(self._mark) + self._width
        data = np.frombuffer(b"".join((*values, bytes(HEADER_BYTES + width))), np.uint8)
        at = skip_fixed(self._from)(data, starts, ends, 0)
        for skip in self._before:
            at = skip(data, at, ends, 0)
        whole = at + width <= ends
        header = data[starts[:, None] + np.arange(HEADER_BYTES)]
        return np.concatenate((header, data[at[:, None] + np.arange(width)]), axis=1), whole


class HeaderStopwatch:
    """Reads ids that are in a record header, as 36 characters; no schema is named there. It is a `HeadReader`.

    Args:
        topic: the topic's number, as of `Stopwatch`.
        topics: how many topics the ids are of.
    """

    def __init__(self, topic: int, topics: int) -> None:
        self._topic, self._topics = topic, topics

    def __call__(self, headers: Sequence[bytes]) -> wire.Heads:
        """See `HeadReader`."""
        whole = np.fromiter(map(len, headers), np.int64, len(headers)) == ids.TEXT_BYTES
        blank = bytes(ids.TEXT_BYTES)
        joined = b"".join(
            headers
            if whole.all()
            else (text if fits else blank for text, fits in zip(headers, whole.tolist(), strict=True))
        )
        texts = np.frombuffer(joined, np.uint8).reshape(len(headers), ids.TEXT_BYTES)
        readings = _of_topic(ids.read(texts), self._topic, self._topics)
        return wire.Heads(readings.valid & whole, np.zeros(len(headers), np.int64), readings.due_ns, readings)


def _of_topic(readings: ids.Readings, topic: int, topics: int) -> ids.Readings:
    """The readings with the topic's own numbers (`ids.of_topic`); another topic's id is not valid."""
    numbers, of = np.divmod(readings.sequence, topics)
    return replace(readings, sequence=numbers, valid=readings.valid & (of == topic))


def readers(workload: "Workload | None") -> dict[str, HeadReader]:
    """What reads the ids of each topic of a workload; nothing without one, for LENS's way.

    Raises:
        SchemaError: as `Stopwatch` does.
    """
    topics = workload.topics if workload else ()
    return {
        topic.name: HeaderStopwatch(number, len(topics))
        if topic.id_header
        else Stopwatch(json.loads(topic.schema_text), topic.stopwatch, number, len(topics))
        for number, topic in enumerate(topics)
    }


def id_headers(workload: "Workload | None") -> dict[str, str]:
    """The record header that holds the ids of each topic of a workload, where one does."""
    topics = workload.topics if workload else ()
    return {topic.name: topic.id_header for topic in topics if topic.id_header}


def _form(types: AvroTypes, field: Schema, path: str) -> tuple[bytes, int]:
    """The bytes that are before an id in a field of this type, the same in every value, and how many bytes it has."""
    kind = called(field)
    if kind == "union":
        branches = [types.resolved(branch) for branch in field]
        able = next((number for number, branch in enumerate(branches) if _holds_id(branch)), None)
        if able is not None:
            mark, width = _form(types, branches[able], path)
            return bytes([2 * able]) + mark, width
    elif _holds_id(field):
        width = ids.TEXT_BYTES if kind == "string" else RAW_BYTES
        return b"" if kind == "fixed" else bytes([2 * width]), width
    raise SchemaError(
        f"The field {path} is of type {kind}, and cannot hold the id that a stopwatch needs.",
        "Name a field that is a string, bytes, or a fixed of 16 bytes.",
    )


def _holds_id(field: Schema) -> bool:
    return called(field) in ("string", "bytes") or (called(field) == "fixed" and field["size"] == RAW_BYTES)

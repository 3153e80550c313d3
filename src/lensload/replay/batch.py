"""A batch of messages as columns, and what the first five bytes of each value, or its headers, say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Self
from uuid import UUID

import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from lensload.encoding import header_ids

HEADER_BYTES: Final = 5
UNLIMITED: Final = 1 << 62
"""So many messages as nobody has."""

_EMPTY: Final = b"\xff\0\0\0\0"  # stands for a value too short to have a header

Integers = NDArray[np.int64]


class Kind(IntEnum):
    """What a message turned out to be; all from SHORT on are kept aside as rejects."""

    GOOD = 0, "decodable"
    TOMBSTONE = 1, "tombstone"
    SHORT = 2, "shorter than its five-byte header"
    NO_MAGIC = 3, "no magic byte"
    UNKNOWN_ID = 4, "unknown schema id"
    UNUSABLE_SCHEMA = 5, "its schema is not usable Avro"
    UNFIT = 6, "Avro that does not fit its schema"
    UNRESOLVED = 7, "does not resolve to the reader's schema"
    ODD_HEADER = 8, "its schema id is in a record header, in a form that is not known"

    reason: str
    """Why, in the words that counts and rejects files use."""

    def __new__(cls, number: int, reason: str) -> Self:
        """A member with its reason."""
        kind = int.__new__(cls, number)
        kind._value_, kind.reason = number, reason
        return kind

    @property
    def rejected(self) -> bool:
        """Such a message is kept aside."""
        return self >= Kind.SHORT


@dataclass(slots=True, eq=False)
class Batch:
    """Messages in the order in which they were read; every array has one entry a message.

    Attributes:
        messages: as the client gave them.
        values: their values; None is a tombstone.
        topic: which of the topics, by its place among those replayed.
        partition: the number of its partition.
        offset: its offset there.
        schema_id: what is before the value, or in a header; means nothing where `kind` is neither GOOD nor one of a
            schema's. -1 - n for the schema whose GUID is guids[n].
        kind: what it turned out to be, as far as is known by now (a `Kind`).
        data_at: where in the value the Avro bytes begin: behind the id, or at 0 where that is in a header.
        guids: of schemas, from headers.
    """

    messages: Sequence[Message]
    values: list[bytes | None]
    topic: Integers
    partition: Integers
    offset: Integers
    schema_id: Integers
    kind: Integers
    data_at: Integers
    guids: list[UUID] = field(default_factory=list[UUID])

    @classmethod
    def of(cls, messages: Sequence[Message], topics: Mapping[str, int]) -> Self:
        """Columns of the messages, judged by their headers alone.

        Args:
            messages: without errors.
            topics: the place of each topic.
        """
        count = len(messages)
        names = map(str, map(Message.topic, messages))
        values = list(map(Message.value, messages))
        schema_id, kind = read_headers(values)
        batch = cls(
            messages,
            values,
            np.fromiter(map(topics.__getitem__, names), np.int64, count),
            np.fromiter(map(Message.partition, messages), np.int64, count),
            np.fromiter(map(Message.offset, messages), np.int64, count),
            schema_id,
            kind,
            np.full(count, HEADER_BYTES, np.int64),
        )
        every: Iterator[Any] = map(Message.headers, messages)
        for place, headers in enumerate(every):
            if headers and values[place] is not None:
                batch._look_into(place, headers)
        return batch

    def __len__(self) -> int:
        return len(self.messages)

    def only(self, which: NDArray[np.bool_]) -> "Batch":
        """The messages of this batch for which `which` is true."""
        if which.all():
            return self
        places = np.flatnonzero(which)
        listed: list[int] = places.tolist()
        return Batch(
            [self.messages[place] for place in listed],
            [self.values[place] for place in listed],
            *(column[places] for column in self._columns()),
            guids=self.guids,
        )

    def data(self, place: int) -> bytes:
        """The Avro bytes of a message."""
        return (self.values[place] or b"")[int(self.data_at[place]) :]

    def partitions(self) -> Iterator[tuple[int, int, Integers]]:
        """Each partition's topic, number, and the places of its messages here, in order."""
        key = self.topic << 32 | self.partition
        order = np.argsort(key, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            if len(places):
                yield int(self.topic[places[0]]), int(self.partition[places[0]]), places

    def _look_into(self, place: int, headers: header_ids.Headers) -> None:
        """Take the schema's id from the headers, if it is there."""
        try:
            found = header_ids.read(headers)
        except ValueError:
            self.kind[place] = Kind.ODD_HEADER
            return
        if found is None:
            return
        if isinstance(found, UUID):
            if found not in self.guids:
                self.guids.append(found)
            found = -1 - self.guids.index(found)
        self.schema_id[place], self.kind[place], self.data_at[place] = found, Kind.GOOD, 0

    def _columns(self) -> tuple[Integers, ...]:
        return self.topic, self.partition, self.offset, self.schema_id, self.kind, self.data_at


def origin(message: Message) -> dict[str, Any]:
    """Where a message stood in Kafka, and its timestamp."""
    return {
        "topic": message.topic(),
        "partition": message.partition(),
        "offset": message.offset(),
        "timestamp_ms": message.timestamp()[1],
    }


def read_headers(values: Sequence[bytes | None]) -> tuple[Integers, Integers]:
    """The schema id and the kind of each value, by its first five bytes: nothing is decoded."""
    count = len(values)
    kind = np.zeros(count, dtype=np.int64)
    try:
        joined = b"".join([value[:HEADER_BYTES] for value in values])  # pyright: ignore[reportOptionalSubscript]
        plain = len(joined) == count * HEADER_BYTES
    except TypeError:  # a tombstone among them
        joined, plain = b"", False
    if not plain:
        joined = b"".join(_header(value) for value in values)
    heads = np.frombuffer(joined, dtype=np.uint8).reshape(count, HEADER_BYTES)
    schema_id = np.ascontiguousarray(heads[:, 1:]).view(">u4").ravel().astype(np.int64)
    kind[heads[:, 0] != 0] = Kind.NO_MAGIC
    if not plain:
        for place, value in enumerate(values):
            if value is None:
                kind[place] = Kind.TOMBSTONE
            elif len(value) < HEADER_BYTES:
                kind[place] = Kind.SHORT
    return schema_id, kind


def _header(value: bytes | None) -> bytes:
    return _EMPTY if value is None or len(value) < HEADER_BYTES else value[:HEADER_BYTES]

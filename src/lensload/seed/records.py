"""Records: encoded events on their way into partitions, where faults may still befall them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lensload.encoding.encoders import Encoded
from lensload.encoding.keys import Key
from lensload.ids import whole_ms

Headers = list[tuple[str, bytes]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records of one topic, each partition's in order; all lists and arrays have one entry a record.

    Attributes:
        topic: the topic, by the name that its source gives it.
        keys: the keys; None for none.
        values: the values as on the wire; None for a tombstone.
        partition: where each goes.
        timestamp_ms: Kafka's CreateTime, Unix ms.
        headers: of those that have any, by place.
    """

    topic: str
    keys: list[Key]
    values: list[bytes | None]
    partition: NDArray[np.int64]
    timestamp_ms: NDArray[np.int64]
    headers: dict[int, Headers] = field(default_factory=dict[int, Headers])

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, encoded: Encoded, partition: NDArray[np.int64]) -> Self:
        """Encoded events that each go where `partition` says, at the time they happened."""
        values: list[Any] = encoded.values
        names, texts = encoded.packed_headers.keys(), zip(*encoded.headers.values(), strict=True)
        headers = {place: list(zip(names, each, strict=True)) for place, each in enumerate(texts)}
        return cls(encoded.topic, encoded.keys, values, partition, whole_ms(encoded.due_ns), headers)

    @classmethod
    def joined(cls, parts: Sequence["Records"]) -> "Records":
        """Records of one topic, those of all parts one after another."""
        starts = np.cumsum([0, *map(len, parts[:-1])]).tolist()
        return cls(
            parts[0].topic,
            [key for part in parts for key in part.keys],
            [value for part in parts for value in part.values],
            np.concatenate([part.partition for part in parts]),
            np.concatenate([part.timestamp_ms for part in parts]),
            {at + n: own for at, part in zip(starts, parts, strict=True) for n, own in part.headers.items()},
        )

    def only(self, which: NDArray[np.integer[Any]]) -> "Records":
        """The records at these places, in that order."""
        places: list[int] = which.tolist()
        headers: dict[int, Headers] = {}
        if self.headers:
            headers = {new: self.headers[old] for new, old in enumerate(places) if old in self.headers}
        return Records(
            self.topic,
            _taken(self.keys, places),
            _taken(self.values, places),
            self.partition[which],
            self.timestamp_ms[which],
            headers,
        )

    def one(self, place: int) -> "Records":
        """The record at a place, alone."""
        return self.only(np.array([place]))

    def behind(self, count: int) -> "Records":
        """All but the first `count`."""
        return self.only(np.arange(min(count, len(self)), len(self)))

    def by_partition(self) -> Iterator[tuple[int, "Records"]]:
        """Each partition that anything goes into, with what does, in order."""
        order = np.argsort(self.partition, kind="stable")
        cuts = np.flatnonzero(np.diff(self.partition[order])) + 1
        for places in np.split(order, cuts):
            if len(places):
                yield int(self.partition[places[0]]), self.only(places)


def _taken(items: list[T], places: list[int]) -> list[T]:
    if len(places) < 2:
        return [items[place] for place in places]
    return [*itemgetter(*places)(items)]

"""Events of one topic as columns: what every source of events gives, and what every serializer starts from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches import columns
from lensload.batches.columns import Column, Drawn


@dataclass(frozen=True, slots=True, eq=False)
class TopicBatch:
    """Some events of one topic, in the order they are due.

    Attributes:
        topic: the topic, by its LENS name.
        due_ns: when each event is due, Unix ns, never going back, on the grid of `lensload.ids`.
        serials: which of whose events each is, as its id says: lane << 36 | sequence.
        key: the column that the record's key is drawn from.
        columns: all fields of the record, in any order.
    """

    topic: str
    due_ns: NDArray[np.int64]
    serials: NDArray[np.int64]
    key: Drawn
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.due_ns)

    def records(self) -> Iterator[dict[str, Any]]:
        """The events one by one, as the dicts that a serializer takes."""
        names = [name for column in self.columns for name in column.fields]
        for parts in zip(*(column.values() for column in self.columns), strict=True):
            yield dict(zip(names, (value for part in parts for value in part), strict=True))

    def part(self, start: int, stop: int) -> "TopicBatch":
        """Events `start` to `stop` of this batch, as a batch."""
        return picked(self, slice(start, stop))


def picked(batch: TopicBatch, which: NDArray[np.integer[Any]] | slice) -> TopicBatch:
    """The events at the given places of the batch, in that order."""
    return TopicBatch(
        batch.topic,
        batch.due_ns[which],
        batch.serials[which],
        Drawn(batch.key.pool, batch.key.index[which]),
        tuple(columns.picked(column, which) for column in batch.columns),
    )

"""Events of one topic as columns: what every source of events gives, and what every serializer starts from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches import columns
from lensload.batches.columns import Column, Drawn, Which


@dataclass(frozen=True, slots=True, eq=False)
class TopicBatch:
    """Some events of one topic, in the order they are due.

    Attributes:
        topic: the topic, by the name that its source gives it.
        due_ns: when each event is due, Unix ns, never going back, on the grid of `lensload.ids`.
        serials: which of whose events each is, as its id says: lane << 36 | sequence.
        key: the record's key; a record of several columns for a key of several fields; None for no key.
        columns: all fields of the record, in any order.
        headers: the record's headers by name, each a column of text.
    """

    topic: str
    due_ns: NDArray[np.int64]
    serials: NDArray[np.int64]
    key: Column | None
    columns: tuple[Column, ...]
    headers: Mapping[str, Column] = field(default_factory=dict[str, Column])

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def drawn_key(self) -> Drawn:
        """The key where it is drawn from a pool, as the key of every event of LENS is."""
        if not isinstance(self.key, Drawn):
            raise TypeError(f"the key of {self.topic} is not drawn from a pool")
        return self.key

    def records(self) -> Iterator[dict[str, Any]]:
        """The events one by one, as the dicts that a serializer takes."""
        return columns.records(self.columns)

    def part(self, start: int, stop: int) -> "TopicBatch":
        """Events `start` to `stop` of this batch, as a batch."""
        return picked(self, slice(start, stop))


def picked(batch: TopicBatch, which: Which) -> TopicBatch:
    """The events at the given places of the batch, in that order."""
    return TopicBatch(
        batch.topic,
        batch.due_ns[which],
        batch.serials[which],
        None if batch.key is None else batch.key.picked(which),
        tuple(column.picked(which) for column in batch.columns),
        {name: column.picked(which) for name, column in batch.headers.items()},
    )

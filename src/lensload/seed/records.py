"""Records: encoded events on their way into partitions, where faults may still befall them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensload.encode import Encoded
from lensload.ids import whole_ms

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records of one topic, each partition's in order; all lists and arrays have one entry a record.

    Attributes:
        topic: the topic, by its LENS name.
        keys: the keys.
        values: the values as on the wire; None for a tombstone.
        partition: where each goes.
        timestamp_ms: Kafka's CreateTime, Unix ms.
        headers: of those few that have any, by place.
    """

    topic: str
    keys: list[bytes]
    values: list[bytes | None]
    partition: NDArray[np.int64]
    timestamp_ms: NDArray[np.int64]
    headers: dict[int, Headers] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, encoded: Encoded, partition: NDArray[np.int64]) -> "Records":
        """Encoded events that each go where `partition` says, at the time they happened."""
        values: list[bytes | None] = [*encoded.values]
        return cls(encoded.topic, encoded.keys, values, partition, whole_ms(encoded.due_ns))

    def only(self, which: NDArray[np.integer]) -> "Records":
        """The records at these places, in that order."""
        places = which.tolist()
        headers = (
            {new: self.headers[old] for new, old in enumerate(places) if old in self.headers}
            if self.headers
            else {}
        )
        return Records(
            self.topic,
            [self.keys[place] for place in places],
            [self.values[place] for place in places],
            self.partition[which],
            self.timestamp_ms[which],
            headers,
        )

"""Which broker leads each partition and led it before, so that latencies can be told apart by broker."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.histogram import Nanoseconds
from lensload.metrics.stats import Stats

BY_LEADER: Final = {"ack": "ack_by_leader", "end_to_end": "end_to_end_by_leader"}
"""Under which stage the stats have the latencies of a stage by broker, the broker's number in the topic's place."""

NOBODY: Final = -1
_MOST_CHANGES: Final = 64

Places = NDArray[np.int16]
"""Brokers by their places in `Leaders.brokers`; 0 is nobody."""


class Leaders:
    """The leaders of the partitions of some topics over time.

    What an event waited for is the broker that led its partition when it was due: after that one died another takes
    over, and acknowledges what was due before.

    Args:
        names: the topics, which are numbered in this order.

    Attributes:
        brokers: the numbers of all that ever led, behind NOBODY.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.brokers = [NOBODY]
        self._names = tuple(names)
        self._since_ns: list[int] = []
        self._tables: list[Places] = []  # by topic and partition; the last column is of partitions not known

    def update(self, since_ns: int, leaders: Mapping[str, Sequence[int]]) -> None:
        """From `since_ns` on (Unix ns, never less than before) these brokers lead; NOBODY where none does."""
        width = 1 + max((len(of_topic) for of_topic in leaders.values()), default=0)
        table = np.zeros((len(self._names), width), np.int16)
        for row, name in enumerate(self._names):
            of_topic = leaders.get(name, ())
            table[row, : len(of_topic)] = [self._place(broker) for broker in of_topic]
        if self._tables and np.array_equal(table, self._tables[-1]):
            return
        self._since_ns.append(since_ns)
        self._tables.append(table)
        del self._since_ns[:-_MOST_CHANGES], self._tables[:-_MOST_CHANGES]

    @property
    def known(self) -> bool:
        """Whether it was told of any."""
        return bool(self._tables)

    def of(self, topics: NDArray[Any], partitions: NDArray[Any], due_ns: Nanoseconds) -> Places:
        """The leader of each event's partition when it was due; nobody where that is not known.

        Args:
            topics: the number of each one's topic.
            partitions: its partition.
            due_ns: when it was due, Unix ns.
        """
        if not self._tables:
            return np.zeros(len(topics), np.int16)
        found = _looked_up(self._tables[-1], topics, partitions)
        if len(self._tables) == 1 or not len(due_ns) or due_ns.min() >= self._since_ns[-1]:
            return found
        epochs = np.searchsorted(np.array(self._since_ns), due_ns, side="right") - 1
        for epoch in np.unique(epochs).tolist():
            then = epochs == epoch
            table = self._tables[max(epoch, 0)]
            found[then] = _looked_up(table, topics[then], partitions[then])
        return found

    def record(self, stats: Stats, stage: str, places: Places, values_ns: Nanoseconds) -> None:
        """Record latencies at a stage of `BY_LEADER` by broker."""
        for place, broker in enumerate(self.brokers[1:], 1):
            of_broker = np.flatnonzero(places == place)
            if len(of_broker):
                stats.record(BY_LEADER[stage], str(broker), values_ns.take(of_broker))

    def _place(self, broker: int) -> int:
        if broker not in self.brokers:
            self.brokers.append(broker)
        return self.brokers.index(broker)


def _looked_up(table: Places, topics: NDArray[Any], partitions: NDArray[Any]) -> Places:
    # take() from the flat table is three times as fast as an index of two arrays.
    width = table.shape[1]
    return table.ravel().take(topics.astype(np.int64) * width + np.minimum(partitions, width - 1))

"""Rows of the timeline as a batch of each topic: all of them, or those that one of several workers is to write."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.topic_batch import TopicBatch, picked
from lensload.world import event_rows as kinds
from lensload.world import topic_records
from lensload.world.event_rows import TOPIC_OF, TOPICS, Rows, taken
from lensload.world.scenario import Scenario
from lensload.world.session_slots import SessionSlots

_INTERACTIONS: Final = TOPICS.index("user-interactions")
_METRICS: Final = TOPICS.index("model-metrics")

Owned = Callable[[str, NDArray[np.integer[Any]]], NDArray[np.bool_]]
"""Which events of a topic are wanted, by the row of the key's pool that each has."""


class TopicBatches:
    """Makes rows of the timeline batches of some topics, in causal order.

    Args:
        scenario: the people, goods and experiments.
        ring: what the rows refer to.
        run_tag: goes into every id.
        topics: the topics wanted.
    """

    def __init__(self, scenario: Scenario, ring: SessionSlots, run_tag: int, topics: tuple[str, ...]) -> None:
        self._ring, self._run_tag = ring, run_tag
        common = scenario, topic_records.People(scenario.audience), ring, run_tag
        self._metrics = topic_records.ModelMetrics(*common)
        others = (records(*common) for records in topic_records.WITH_PEOPLE)
        every = enumerate(zip(TOPICS, (*others, self._metrics), strict=True))
        self._records = tuple((place, topic, records) for place, (topic, records) in every if topic in topics)

    def begin(self, at_ns: int) -> None:
        """Say when the first windows of metrics opened; later calls change nothing."""
        self._metrics.begin(at_ns)

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic."""
        rows, due_ns = np.zeros(0, dtype=kinds.ROW), np.zeros(0, dtype=np.int64)
        return tuple(records.batch(rows, due_ns) for _, _, records in self._records)

    def batches(
        self, rows: Rows, due_ns: NDArray[np.int64], owned: Owned | None = None
    ) -> Iterator[TopicBatch]:
        """A batch of each topic that something happened in, in causal order, with all events or those `owned`.

        Each is made when it is asked for; ask for all before the timeline goes on. Which are owned changes nothing in the others.
        """
        topic = TOPIC_OF[rows["what"]]
        if owned is not None:
            self._name_all(rows, topic, due_ns)
        for place, name, records in self._records:
            which = np.flatnonzero(topic == place)
            if owned is not None and place != _METRICS:
                which = which[owned(name, self._ring.person[rows["session"][which]])]
            if not len(which):
                continue
            batch = records.batch(taken(rows, which), due_ns[which])
            if owned is not None and place == _METRICS:
                # These depend on each other: the windows' ends.
                batch = picked(batch, np.flatnonzero(owned(name, batch.drawn_key.index)))
            if len(batch):
                yield batch

    def _name_all(self, rows: Rows, topic: NDArray[np.uint8], due_ns: NDArray[np.int64]) -> None:
        """Give pages their ids, which must not depend on which of the events are made here."""
        for place, _, _ in self._records:
            if place <= _INTERACTIONS:
                which = np.flatnonzero(topic == place)
                topic_records.name_pages(self._ring, rows["page"][which], due_ns[which], self._run_tag)

"""The plan of a topic: its makers put to work, from rows to a batch of events."""

import json
from io import BytesIO
from typing import Any, Final

import numpy as np
from fastavro import parse_schema, schemaless_writer
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Column
from lensload.batches.nested import Nested
from lensload.batches.topic_batch import TopicBatch
from lensload.workload.builder import Builder
from lensload.workload.composite_makers import RecordMaker
from lensload.workload.model import Workload, WorkloadTopic
from lensload.workload.rows import EventRows
from lensload.world import rng

_HEADER_BYTES: Final = 5  # what a registry's serializer puts before each value
_MEASURED: Final = 200
_MEASURED_AT_NS: Final = 1_767_225_600 * ids.NS_PER_S  # any time of these years


class TopicPlan:
    """Makes the events of one topic.

    Args:
        builder: makes the makers.
        topic: the topic.
        seed: the workload's.

    Raises:
        Complaint: something in the file does not fit.
    """

    def __init__(self, builder: Builder, topic: WorkloadTopic, seed: int) -> None:
        self.topic = topic
        self.tree = builder.tree(topic.name)
        self._keys = builder.keys(topic.name, self.tree)
        self._headers = builder.headers(topic.name, self.tree)
        self._lane_keys = rng.keys(rng.root(seed, f"topics.{topic.name}"), np.arange(ids.MAX_LANES))

    @property
    def padded(self) -> bool:
        """Whether a field pads the values to a size."""
        return any(table.padding is not None for table in self.topic.table.fields.values())

    def events(
        self,
        numbers: NDArray[np.int64],
        due_ns: NDArray[np.int64],
        lanes: NDArray[np.int64],
        run_tag: int,
        parents: EventRows | None,
        *,
        siblings: NDArray[np.int64],
    ) -> EventRows:
        """Events by their sequences in their lanes, as rows to make values for."""
        keys = rng.keys(self._lane_keys[lanes], numbers)
        return EventRows(keys, numbers, due_ns, lanes, run_tag, parents, siblings=siblings)

    def batch(self, rows: EventRows) -> TopicBatch:
        """The events as a batch."""
        root = self.tree.root
        columns = {
            column.fields[0]: column
            for column in (root.columns(rows) if isinstance(root, RecordMaker) else ())
        }
        headers = {name: maker.column(name, rows) for name, maker in self._headers.items()}
        return self._batch(rows, self._key(columns, rows), tuple(columns.values()), headers)

    def keyed(self, rows: EventRows) -> TopicBatch:
        """The events as a batch that has their keys, and neither columns nor headers."""
        root = self.tree.root
        wanted = [maker for maker in self._keys.values() if isinstance(maker, str)]
        fields = root.fields if isinstance(root, RecordMaker) else {}
        columns = {field: fields[field].column(field, rows) for field in wanted}
        return self._batch(rows, self._key(columns, rows), (), {})

    def _batch(
        self, rows: EventRows, key: Column | None, columns: tuple[Column, ...], headers: dict[str, Column]
    ) -> TopicBatch:
        serials = ids.serials(rows.lanes, rows.numbers)
        return TopicBatch(self.topic.name, rows.due_ns, serials, key, columns, headers)

    def measure(self, rows: EventRows) -> None:
        """Find out how large values are without padding, from which padding is made from now on."""
        schema: Any = parse_schema(json.loads(self.topic.schema_text), named_schemas={})
        out = BytesIO()
        for record in self.batch(rows).records():
            schemaless_writer(out, schema, record)
        self.tree.rest_bytes = _HEADER_BYTES + out.tell() / len(rows)

    def _key(self, columns: dict[str, Column], rows: EventRows) -> Column | None:
        parts = [
            columns[maker] if isinstance(maker, str) else maker.column(name, rows)
            for name, maker in self._keys.items()
        ]
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Nested("key", tuple(parts))


def plans(workload: Workload) -> dict[str, TopicPlan]:
    """The plan of every topic.

    Raises:
        Complaint: something in the file does not fit.
    """
    builder = Builder(workload)
    seed = workload.file.seed
    every = {topic.name: TopicPlan(builder, topic, seed) for topic in workload.topics}
    builder.check_pools()
    number = np.arange(_MEASURED)

    def rows(topic: str) -> EventRows:
        parent = every[topic].topic.table.parent
        due_ns = np.full(_MEASURED, _MEASURED_AT_NS)
        parents = None if parent is None else rows(parent)
        return every[topic].events(number, due_ns, number * 0, 0, parents, siblings=number * 0)

    for topic, plan in every.items():
        if plan.padded:
            plan.measure(rows(topic))
    return every

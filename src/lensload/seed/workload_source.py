"""A workload's events over a span of history: an exact number of them, in the rhythm of a day and a week."""

import json
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from fastavro import parse_schema
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import Schema
from lensload.encoding.encoders import FragmentEncoder
from lensload.seed.actuals import Counted
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import LANES, Plan
from lensload.workload.model import Workload
from lensload.workload.source import WorkloadSource
from lensload.world import rng
from lensload.world.calendar import Calendar

_PORTION: Final = 16_384  # events
_MEASURED: Final = 1_000  # events, for the size of one
_RECORD_BYTES: Final = 16  # of a batch, around a record's key and value


class WorkloadHistory:
    """See `lensload.seed.sources.Source`.

    Args:
        plan: how many events, and when.
        workload: the plan's.
    """

    counted: Counted = MappingProxyType({})

    def __init__(self, plan: Plan, workload: Workload) -> None:
        self._plan = plan
        self._source = WorkloadSource(workload, LANES, run_tag=plan.run_tag, topics=plan.topics)
        self._calendar = Calendar(plan.start_ms, plan.until_ms, plan.expected_events)
        self._when = rng.root(plan.seed, "when")
        self.schemas: dict[str, Schema] = {
            topic.name: _parsed(topic.schema_text) for topic in workload.topics if topic.name in plan.topics
        }

    @property
    def event_bytes(self) -> int:
        """See `Source`: of the first events, encoded."""
        encoder = FragmentEncoder(self.schemas, dict.fromkeys(self.schemas, 0))
        count = min(_MEASURED, self._plan.expected_events)
        batches = self._source.beside(LANES).events_at(self._due_ns(0, count))
        encoded = [encoder.encode(batch) for batch in batches]
        sizes = [len(part or b"") for each in encoded for part in (*each.values, *each.keys)]
        return _RECORD_BYTES + sum(sizes) // count

    def outline(self) -> tuple[TopicBatch, ...]:
        """See `Source`."""
        return self._source.outline()

    def portions(self, partitions: Partitioner | None = None) -> Iterator[tuple[TopicBatch, ...]]:
        """See `Source`."""
        source, count = self._source.beside(LANES), self._plan.expected_events
        owns = partitions.owns if partitions and partitions.divided else None
        for first in range(0, count, _PORTION):
            yield tuple(source.events_at(self._due_ns(first, min(count, first + _PORTION)), owns))

    def _due_ns(self, first: int, end: int) -> NDArray[np.int64]:
        """When events `first` to `end` are due: each somewhere in its own part of the span, of which busy hours have more."""
        number = np.arange(first, end)
        place = number + rng.uniform(rng.keys(self._when, number), 0)
        start_ns, until_ns = (ms * ids.NS_PER_MS for ms in (self._plan.start_ms, self._plan.until_ms))
        happened_ns = start_ns + (self._calendar.at(place) * ids.NS_PER_S).astype(np.int64)
        return np.minimum(happened_ns, until_ns - 1)


def _parsed(text: str) -> Any:  # noqa: ANN401 - a schema is any JSON
    return parse_schema(json.loads(text), named_schemas={})

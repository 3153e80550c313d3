"""Where a seed's events come from: the history of LENS's world, or a workload's events spread over a span."""

from collections.abc import Iterator
from functools import cached_property
from typing import Protocol

from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import Schema
from lensload.schema import definitions
from lensload.seed.actuals import OF_LENS, Counted
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.world.scenario import Scenario

_LENS_EVENT_BYTES = 330


class Source(Protocol):
    """The events of a plan, to be told as often as asked, the same each time."""

    @property
    def schemas(self) -> dict[str, Schema]:
        """The schema of each topic's values, parsed."""
        ...

    @property
    def counted(self) -> Counted:
        """What is counted of them, beside how many each topic has."""
        ...

    @property
    def event_bytes(self) -> int:
        """About how large a record is, with its share of the batch, uncompressed."""
        ...

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        ...

    def portions(self, partitions: Partitioner | None = None) -> Iterator[tuple[TopicBatch, ...]]:
        """The events in portions, in order of time, at most one batch a topic: all, or those of a worker's partitions."""
        ...


class LensSource:
    """What happens in LENS's world.

    Args:
        plan: what is to be seeded.
        scenario: what `plan.scenario` gave, for who has it already.
    """

    counted = OF_LENS
    event_bytes = _LENS_EVENT_BYTES

    def __init__(self, plan: Plan, scenario: Scenario | None = None) -> None:
        self._plan, self._given = plan, scenario
        self.schemas = {
            topic: schema.parsed for topic, schema in definitions.load().items() if topic in plan.topics
        }

    @cached_property
    def _scenario(self) -> Scenario:
        return self._given or self._plan.scenario()

    def outline(self) -> tuple[TopicBatch, ...]:
        """See `Source`."""
        return self._plan.history(self._scenario).outline()

    def portions(self, partitions: Partitioner | None = None) -> Iterator[tuple[TopicBatch, ...]]:
        """See `Source`."""
        return self._plan.history(self._scenario).portions(partitions and partitions.owned)


def source_of(plan: Plan, scenario: Scenario | None = None) -> Source:
    """The source of a plan's events; takes some tenths of a second.

    Args:
        plan: what is to be seeded.
        scenario: what `plan.scenario` gave, for who has it already; only a plan of LENS's world has one.
    """
    if plan.workload is None:
        return LensSource(plan, scenario)
    from lensload.seed.workload_source import WorkloadHistory  # noqa: PLC0415 - slow to import, and seldom wanted

    return WorkloadHistory(plan, plan.workload)

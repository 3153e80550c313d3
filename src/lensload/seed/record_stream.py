"""The stream: a plan as records on their way to partitions, in order.

This is where events become bytes, so it is where faults befall them and where they are counted.
"""

from collections.abc import Iterator, Mapping

from lensload.encoding.encoders import FragmentEncoder
from lensload.seed.actuals import Actuals
from lensload.seed.faults.injector import FaultInjector
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.records import Records
from lensload.seed.sources import source_of


class RecordStream:
    """Makes the records of a plan, as often as asked, the same each time.

    Args:
        plan: what happens.
        schema_ids: the registry's id of each topic's schema.
        partitions: where keys belong and what writes them, and which partitions are wanted.
    """

    def __init__(self, plan: Plan, schema_ids: Mapping[str, int], partitions: Partitioner) -> None:
        self._plan = plan
        self._partitions = partitions
        self._source = source_of(plan)
        self._encoder = FragmentEncoder(self._source.schemas, dict(schema_ids), partitions.key_schemas)
        for outline in self._source.outline():
            self._partitions.of_batch(outline)
            self._encoder.encode(outline)

    def faults(self) -> FaultInjector:
        """What befalls the records, with nothing befallen yet."""
        return FaultInjector(self._plan.seed, self._plan.faults, self._source.schemas)

    def actuals(self) -> Actuals:
        """What counts the events, with nothing counted yet."""
        return Actuals(self._source.counted)

    def records(
        self, realised: Actuals | None = None, faults: FaultInjector | None = None
    ) -> Iterator[Records]:
        """Everything that goes into the wanted partitions.

        Args:
            realised: counts the events, as they are before anything befalls them.
            faults: counts what befalls them; what `faults` gives, for each call another.
        """
        faults = faults or self.faults()
        for batches in self._source.portions(self._partitions):
            for batch in batches:
                if realised is not None:
                    realised.add(batch)
                records = Records.of(self._encoder.encode(batch), self._partitions.of_batch(batch))
                yield faults.apply(records, batch.serials)
        yield from faults.finish()

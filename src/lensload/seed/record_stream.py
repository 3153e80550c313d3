"""The stream: a plan as records on their way to partitions, in order.

This is where events become bytes, so it is where faults befall them and where they are counted.
"""

from collections.abc import Iterator, Mapping

from lensload.encoding.encoders import FragmentEncoder
from lensload.schema import definitions
from lensload.seed.actuals import Actuals
from lensload.seed.faults.inject import Faults
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.records import Records


class RecordStream:
    """Makes the records of a plan, as often as asked, the same each time.

    Args:
        plan: what happens.
        schema_ids: the registry's id of each topic's schema.
        partitions: where keys belong, and which partitions are wanted.
    """

    def __init__(self, plan: Plan, schema_ids: Mapping[str, int], partitions: Partitioner) -> None:
        self._plan = plan
        self._partitions = partitions
        self._scenario = plan.scenario()
        self._parsed = {
            topic: schema.parsed for topic, schema in definitions.load().items() if topic in plan.topics
        }
        self._encoder = FragmentEncoder(self._parsed, dict(schema_ids))
        for outline in plan.history(self._scenario).outline():
            self._partitions.of(outline.topic, outline.drawn_key.pool)
            self._encoder.encode(outline)

    def faults(self) -> Faults:
        """What befalls the records, with nothing befallen yet."""
        return Faults(self._plan.world.seed, self._plan.faults, self._parsed)

    def records(self, realised: Actuals | None = None, faults: Faults | None = None) -> Iterator[Records]:
        """Everything that goes into the wanted partitions.

        Args:
            realised: counts the events, as they are before anything befalls them.
            faults: counts what befalls them; what `faults` gives, for each call another.
        """
        faults = faults or self.faults()
        history = self._plan.history(self._scenario)
        for batches in history.portions(self._partitions.owned):
            for batch in batches:
                if realised is not None:
                    realised.add(batch)
                partition = self._partitions.of(batch.topic, batch.drawn_key.pool)[batch.drawn_key.index]
                yield faults.apply(Records.of(self._encoder.encode(batch), partition))
        yield from faults.finish()

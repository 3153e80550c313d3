"""The audit: events drawn at random go through the real AvroSerializer too, timed and compared byte for byte.

So the serialization latency of a run is what a LENS service would pay, at any rate, and the fast encoder is
held to its promise while it works.
"""

import random
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from confluent_kafka.serialization import MessageField, SerializationContext

from lensload.batches.topic_batch import TopicBatch, picked
from lensload.encoding import wire
from lensload.encoding.encoders import Encoded
from lensload.metrics.by_second import StatsBySecond
from lensload.schema.confluent_client import AvroSerializer, SchemaRegistryClient

_SETTINGS: Final = {
    "auto.register.schemas": False,  # they were registered once, at the start
    "subject.name.strategy.type": "TOPIC",
}


def _of_subject(subject: str, schema_id: int) -> dict[str, Any]:
    return {
        "auto.register.schemas": False,
        "use.schema.id": schema_id,
        "subject.name.strategy": lambda *_: subject,
    }


# Events of a batch that are looked at together: half of what one costs is to take it out of its batch.
_TOGETHER: Final = 8


class ConfluentSerializer:
    """Confluent's AvroSerializer for each topic, as a LENS service would set it up.

    Args:
        client: of the registry in which the schemas are registered.
        texts: each topic's schema, as JSON text.
        names: each topic's name in the cluster, by which its subject is called.
        fixed: subject and schema id of each topic whose subject is called otherwise; its service names the id.
    """

    def __init__(
        self,
        client: SchemaRegistryClient,
        texts: dict[str, str],
        names: dict[str, str],
        fixed: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        make: Any = AvroSerializer  # its stubs lose __init__
        settings = {topic: _of_subject(*of) for topic, of in (fixed or {}).items()}
        self._serializers = {
            topic: make(client, text, conf=settings.get(topic, _SETTINGS)) for topic, text in texts.items()
        }
        self._contexts = {
            topic: SerializationContext(name, MessageField.VALUE) for topic, name in names.items()
        }

    def __call__(self, topic: str, record: dict[str, Any]) -> bytes:
        """The record's wire bytes."""
        value = self._serializers[topic](record, self._contexts[topic])
        return value if isinstance(value, bytes) else b""


class Audit:
    """Samples batches at about `per_s` events a second, and accounts in the stats.

    Stage `serialize` gets each sampled event's time; totals `audited` and `mismatched` count events compared
    and events whose bytes differ.

    Args:
        serializers: for each schema id, the serializer of that version.
        per_s: how many events a second to sample.
        stats: where to account.
    """

    def __init__(
        self, serializers: Mapping[int, ConfluentSerializer], per_s: float, stats: StatsBySecond
    ) -> None:
        self._serializers = serializers
        self._per_s = per_s
        self._stats = stats
        self._chance = random.Random()  # which events are looked at decides nothing they contain
        self._random = self._chance.random

    def look(self, batch: TopicBatch, encoded: Encoded, rate_per_s: float) -> None:
        """Perhaps put some events of this batch to the test; `rate_per_s` is the rate of all events."""
        expected = min(1.0, self._per_s / max(rate_per_s, 1e-9)) * len(batch)
        together = min(_TOGETHER, len(batch))
        if expected < together:
            count = together if self._random() * together < expected else 0
        else:
            count = int(expected) + (self._random() < expected % 1)
        if count:
            which = np.array(sorted(self._chance.sample(range(len(batch)), count)))
            self._test(picked(batch, which), [encoded.packed_values[place] for place in which.tolist()])

    def _test(self, batch: TopicBatch, values: list[bytes]) -> None:
        took_ns: list[int] = []
        timed_ns: list[int] = []  # when each of them was due
        mismatched = 0
        for record, value, due_ns in zip(batch.records(), values, batch.due_ns.tolist(), strict=True):
            # Once to compare, and once more to time: a service that does nothing else finds its code and data
            # in the CPU's caches, where the batches in between have left none of ours (80 us instead of 10).
            serialize = self._serializers.get(int(wire.schema_ids(wire.heads_of([value]))[0]))
            if serialize is None or serialize(batch.topic, record) != value:
                mismatched += 1
            if serialize is None:
                continue
            start_ns = time.perf_counter_ns()
            serialize(batch.topic, record)
            took_ns.append(time.perf_counter_ns() - start_ns)
            timed_ns.append(due_ns)
        self._stats.timeless.add_total("audited", len(values))
        self._stats.timeless.add_total("mismatched", mismatched)
        took = np.array(took_ns, np.int64)
        for second, part, which in self._stats.split(np.array(timed_ns, np.int64)):
            if second >= 0:
                part.record("serialize", batch.topic, took[which])

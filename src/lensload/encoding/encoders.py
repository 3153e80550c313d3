"""Batches of events -> keys and wire bytes: by fragments, or one record at a time.

Avro's binary encoding of a record is its fields' encodings one after another: no tags, no lengths (Avro 1.12
specification, "Records"). So a user, an item or a query is encoded once, by fastavro, into a *fragment*, and a
record is its fragments joined; what is fresh in every event (ids, times, scores) is encoded for the whole
batch with NumPy. What fastavro would have written for the same event is the definition of correct.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from fastavro import parse_schema
from numpy.typing import NDArray

from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import Schema, written
from lensload.encoding.keys import Key, KeySchema, TopicKeys
from lensload.encoding.packed import Packed
from lensload.encoding.plan import Plan
from lensload.encoding.wire import header


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A batch on its way to the producer; everything has one entry an event.

    Attributes:
        topic: the topic, as the batch names it.
        due_ns: when each is due, Unix ns.
        serials: which of whose events each is, as in the batch.
        packed_keys: the record keys; None for no key.
        packed_values: the record values, with Confluent's header.
        took_ns: what encoding each took, ns: measured one by one, or the batch's share.
        packed_headers: the records' headers, by name.
    """

    topic: str
    due_ns: NDArray[np.int64]
    serials: NDArray[np.int64]
    packed_keys: Packed
    packed_values: Packed
    took_ns: NDArray[np.int64]
    packed_headers: Mapping[str, Packed] = field(default_factory=dict[str, Packed])

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def keys(self) -> list[Key]:
        """The keys as objects, which are made at each call."""
        return self.packed_keys.listed_or_none()

    @property
    def values(self) -> list[bytes]:
        """The values as objects, which are made at each call."""
        return self.packed_values.listed()

    @property
    def headers(self) -> dict[str, list[bytes]]:
        """The headers as objects, by name, which are made at each call."""
        return {name: packed.listed() for name, packed in self.packed_headers.items()}


class Encoder(Protocol):
    """Turns batches into wire bytes."""

    def encode(self, batch: TopicBatch) -> Encoded:
        """The batch's keys and values.

        Raises:
            SchemaError: the topic's schema asks for a field that events do not have and that has no default.
        """
        ...


class FragmentEncoder:
    """Encodes whole batches by joining fragments; the default, and what lensload is fast by.

    Args:
        schemas: the schema of each topic, as parsed JSON.
        schema_ids: the registry's id of each.
        key_schemas: of the topics whose keys are Avro.
    """

    def __init__(
        self,
        schemas: dict[str, Schema],
        schema_ids: dict[str, int],
        key_schemas: Mapping[str, KeySchema] | None = None,
    ) -> None:
        self._plans = {topic: Plan(schema, schema_ids[topic]) for topic, schema in schemas.items()}
        self._keys = TopicKeys(key_schemas)

    def encode(self, batch: TopicBatch) -> Encoded:
        """See `Encoder`."""
        start_ns = time.perf_counter_ns()
        values = self._plans[batch.topic].values(batch)
        took_ns = time.perf_counter_ns() - start_ns
        keys = self._keys.of(batch.topic, batch.key, len(batch))
        share = np.full(len(batch), took_ns // max(1, len(batch)))
        headers = self._keys.headers(batch.headers)
        return Encoded(batch.topic, batch.due_ns, batch.serials, keys, values, share, headers)


class RecordEncoder:
    """Encodes one record at a time with any serializer, timing each.

    Args:
        serialize: gives the wire bytes of a record of a topic.
        key_schemas: of the topics whose keys are Avro.
    """

    def __init__(
        self,
        serialize: Callable[[str, dict[str, Any]], bytes],
        key_schemas: Mapping[str, KeySchema] | None = None,
    ) -> None:
        self._serialize = serialize
        self._keys = TopicKeys(key_schemas)

    def encode(self, batch: TopicBatch) -> Encoded:
        """See `Encoder`."""
        values: list[bytes] = []
        took_ns = np.empty(len(batch), dtype=np.int64)
        clock, serialize, topic = time.perf_counter_ns, self._serialize, batch.topic
        for place, record in enumerate(batch.records()):
            start_ns = clock()
            values.append(serialize(topic, record))
            took_ns[place] = clock() - start_ns
        keys = self._keys.of(batch.topic, batch.key, len(batch))
        headers = self._keys.headers(batch.headers)
        return Encoded(topic, batch.due_ns, batch.serials, keys, Packed.of(values), took_ns, headers)


def fastavro_serializer(
    schemas: dict[str, Schema], schema_ids: dict[str, int]
) -> Callable[[str, dict[str, Any]], bytes]:
    """Serialize with fastavro alone, behind Confluent's header."""
    parsed = {topic: parse_schema(schema) for topic, schema in schemas.items()}

    def serialize(topic: str, record: dict[str, Any]) -> bytes:
        return header(schema_ids[topic]) + written(parsed[topic], record)

    return serialize

"""The audit's promises: what it samples is compared byte for byte, and timed as a LENS service would pay for it."""

from dataclasses import replace

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.audit import Audit, ConfluentSerializer
from lensload.encoding.encoders import Encoded, FragmentEncoder
from lensload.encoding.packed import Packed
from lensload.metrics.by_second import StatsBySecond
from lensload.schema import definitions
from tests.support.worlds import PARSED, START_NS, batches_of

TEXTS = {topic: schema.text for topic, schema in definitions.load().items()}


@pytest.fixture
def serializer() -> tuple[ConfluentSerializer, dict[str, int]]:
    """Confluent's serializer on a registry of its own, and the ids there."""
    client = SchemaRegistryClient.new_client({"url": "mock://audit"})
    ids = {
        topic: client.register_schema(f"{topic}-value", Schema(text, "AVRO")) for topic, text in TEXTS.items()
    }
    return ConfluentSerializer(client, TEXTS, {topic: topic for topic in TEXTS}), ids


def _encoded(ids: dict[str, int]) -> list[tuple[TopicBatch, Encoded]]:
    encoder = FragmentEncoder(PARSED, ids)
    return [(batch, encoder.encode(batch)) for batch in batches_of(3000)]


def test_everything_is_audited_when_asked_for(serializer: tuple[ConfluentSerializer, dict[str, int]]):
    """At a sampling rate of all events, each is compared, none differs, and each has a time of its own."""
    confluent, ids = serializer
    by_second = StatsBySecond()
    audit = Audit(dict.fromkeys(ids.values(), confluent), per_s=1000, stats=by_second)
    for batch, encoded in _encoded(ids):
        audit.look(batch, encoded, rate_per_s=1000)
    assert by_second.timeless.totals["audited"] == 3000
    assert by_second.timeless.totals["mismatched"] == 0
    assert by_second.total().histogram("serialize").count == 3000
    assert by_second.total().histogram("serialize").min_ns > 0


def test_one_wrong_byte_is_found(serializer: tuple[ConfluentSerializer, dict[str, int]]):
    """A single flipped bit in one value of each topic is one mismatch a topic."""
    confluent, ids = serializer
    by_second = StatsBySecond()
    audit = Audit(dict.fromkeys(ids.values(), confluent), per_s=1000, stats=by_second)
    for batch, encoded in _encoded(ids):
        wrong = bytearray(encoded.values[-1])
        wrong[-1] ^= 1
        values = Packed.of([*encoded.values[:-1], bytes(wrong)])
        audit.look(batch, replace(encoded, packed_values=values), rate_per_s=1000)
    assert by_second.timeless.totals["mismatched"] == len(TEXTS)


def test_warm_up_is_compared_but_not_timed(serializer: tuple[ConfluentSerializer, dict[str, int]]):
    """Events due before measuring begins are compared, and leave no serialization time."""
    confluent, ids = serializer
    by_second = StatsBySecond()
    audit = Audit(dict.fromkeys(ids.values(), confluent), per_s=1000, stats=by_second)
    by_second.origin_ns = START_NS + 10**18
    for batch, encoded in _encoded(ids):
        audit.look(batch, encoded, rate_per_s=1000)
    assert by_second.timeless.totals["audited"] == 3000
    assert by_second.total().histogram("serialize").count == 0


def test_a_share_is_sampled(serializer: tuple[ConfluentSerializer, dict[str, int]]):
    """Asked for a tenth of the events, the audit looks at a tenth: to within one in each batch."""
    confluent, ids = serializer
    by_second = StatsBySecond()
    audit = Audit(dict.fromkeys(ids.values(), confluent), per_s=100, stats=by_second)
    batches = _encoded(ids)
    for batch, encoded in batches:
        audit.look(batch, encoded, rate_per_s=1000)
    assert abs(by_second.timeless.totals["audited"] - 300) <= len(batches)


def test_a_small_share_is_sampled_too(serializer: tuple[ConfluentSerializer, dict[str, int]]):
    """Where fewer than one event of a batch is asked for, some batches give several, and all of them together as many."""
    confluent, ids = serializer
    by_second = StatsBySecond()
    audit = Audit(dict.fromkeys(ids.values(), confluent), per_s=1, stats=by_second)
    batches = _encoded(ids)
    wanted = sum(len(batch) for batch, _ in batches) / 1000
    for _ in range(100):
        for batch, encoded in batches:
            audit.look(batch, encoded, rate_per_s=1000)
    # Six deviations of a hundred batches' lots, each of eight events or none.
    assert abs(by_second.timeless.totals["audited"] - 100 * wanted) < 6 * (8 * 100 * wanted) ** 0.5

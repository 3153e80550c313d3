"""The promise of fragments: the very bytes that fastavro writes, for every schema and any world."""

import copy
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.batches.columns import Column, Drawn, Integers, Pool, Reals
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding import wire
from lensload.encoding.audit import ConfluentSerializer
from lensload.encoding.encoders import FragmentEncoder, RecordEncoder, fastavro_serializer
from lensload.encoding.plan import Plan
from lensload.errors import SchemaError
from lensload.schema import definitions
from lensload.world.behaviour import Behaviour
from lensload.world.options import WorldOptions
from lensload.world.world import TOPICS, World, made
from tests.support.worlds import PARSED, SCHEMA_IDS, batches_of, evenly

PROBABILITY = st.floats(0, 1)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**63 - 1),
    audience_size=st.integers(64, 400),
    catalogue_size=st.integers(120, 300),
    lanes=st.sets(st.integers(0, 4095), min_size=1, max_size=20),
    start_ns=st.integers(0, 8 * 10**18),
    behaviour=st.builds(
        Behaviour,
        pages_per_session=st.floats(1, 4),
        click_through=PROBABILITY,
        position_bias=st.floats(0, 3),
        search_rate=PROBABILITY,
        bookmark_rate=PROBABILITY,
        rating_rate=PROBABILITY,
        purchase_rate=PROBABILITY,
        dwell_median_s=st.floats(0.1, 10_000),
    ),
)
def test_fragments_equal_fastavro_for_any_world(
    seed: int, audience_size: int, catalogue_size: int, lanes: set[int], start_ns: int, behaviour: Behaviour
):
    """For any seed, size, lanes, time and behaviour, every value of every topic is what fastavro writes."""
    setting = made(WorldOptions(seed=seed, audience_size=audience_size, catalogue_size=catalogue_size))
    world = World(setting, tuple(lanes), run_tag=seed % 2**14)
    world.set_audience({behaviour: 1.0})
    fast = FragmentEncoder(PARSED, SCHEMA_IDS)
    plain = RecordEncoder(fastavro_serializer(PARSED, SCHEMA_IDS))
    for batch in world.events_at(evenly(600, start_ns=start_ns)):
        ours, theirs = fast.encode(batch), plain.encode(batch)
        assert ours.values == theirs.values
        assert ours.keys == theirs.keys


def test_every_topic_is_compared():
    """The comparison above covers all five topics: a small world tells of each within a few thousand events."""
    assert {batch.topic for batch in batches_of(4000)} == set(TOPICS)


def test_all_three_serializers_give_the_same_bytes():
    """Fragments, fastavro and Confluent's AvroSerializer write the same value for the same event."""
    client = SchemaRegistryClient.new_client({"url": "mock://three"})
    texts = {topic: schema.text for topic, schema in definitions.load().items()}
    ids = {
        topic: client.register_schema(f"{topic}-value", Schema(text, "AVRO")) for topic, text in texts.items()
    }
    confluent = RecordEncoder(ConfluentSerializer(client, texts, {topic: topic for topic in texts}))
    plain = RecordEncoder(fastavro_serializer(PARSED, ids))
    fast = FragmentEncoder(PARSED, ids)
    for batch in batches_of(4000):
        assert fast.encode(batch).values == plain.encode(batch).values == confluent.encode(batch).values


def test_what_is_written_is_what_happened():
    """Read back by fastavro, a value is the record that the world told, its header Confluent's."""
    encoder = FragmentEncoder(PARSED, SCHEMA_IDS)
    for batch in batches_of(3000):
        schema = parse_schema(PARSED[batch.topic])
        for value, record in zip(encoder.encode(batch).values, batch.records(), strict=True):
            assert value[:5] == wire.header(SCHEMA_IDS[batch.topic])
            assert schemaless_reader(BytesIO(value[5:]), schema, None) == record


def test_heads_say_when_and_which():
    """From the first bytes of any value of any topic: its schema, due time, run, lane and sequence."""
    encoder = FragmentEncoder(PARSED, SCHEMA_IDS)
    for batch in batches_of(4000):
        values = encoder.encode(batch).values
        heads = wire.Heads.of(values)
        assert heads.valid.all()
        assert (heads.schema_id == SCHEMA_IDS[batch.topic]).all()
        assert (heads.due_ns == batch.due_ns).all()
        assert (wire.due_ns(wire.heads_of(values)) == batch.due_ns).all()
        assert (heads.readings.run_tag == 5).all()


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=20))
def test_heads_of_strange_bytes_do_no_harm(values: list[bytes]):
    """Whatever lies in a topic, short, empty or foreign, reading its head does not fail."""
    assert len(wire.Heads.of(values).valid) == len(values)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30))
def test_longs_of_any_width(numbers: list[int]):
    """Numbers of any size, mixed in one batch, are written as fastavro writes them."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}
    batch = _batch((Integers("n", np.array(numbers, dtype=np.int64)),), len(numbers))
    assert Plan(schema, 1).values(batch).listed() == [_written(schema, {"n": number}) for number in numbers]


@given(st.lists(st.none() | st.floats(width=32, allow_nan=False), min_size=1, max_size=30))
def test_nullable_floats(numbers: list[float | None]):
    """A nullable float is branch and value where there is one, and branch alone where there is none."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": ["null", "float"]}]}
    reals = np.array([0.0 if number is None else number for number in numbers], dtype=np.float32)
    present = np.array([number is not None for number in numbers])
    batch = _batch((Reals("x", reals, present),), len(numbers))
    assert Plan(schema, 1).values(batch).listed() == [_written(schema, {"x": number}) for number in numbers]


@pytest.mark.parametrize("place", [0, 2, 5, 11])
def test_a_newer_schema_needs_no_new_code(place: int):
    """A new optional field, wherever it stands, is written as its default."""
    newer = copy.deepcopy(PARSED["user-interactions"])
    newer.pop("__fastavro_parsed__", None)
    newer.pop("__named_schemas", None)
    newer["fields"].insert(place, {"name": "campaign", "type": ["null", "string"], "default": None})
    batch = next(batch for batch in batches_of(300) if batch.topic == "user-interactions")
    values = FragmentEncoder({batch.topic: newer}, {batch.topic: 9}).encode(batch).values
    for value, record in zip(values, batch.records(), strict=True):
        assert schemaless_reader(BytesIO(value[5:]), newer, None) == {**record, "campaign": None}


def test_a_field_without_default_is_refused():
    """A schema that asks for what events do not have is refused, naming the field."""
    newer = copy.deepcopy(PARSED["user-interactions"])
    newer["fields"].append({"name": "campaign", "type": "string"})
    batch = next(batch for batch in batches_of(300) if batch.topic == "user-interactions")
    with pytest.raises(SchemaError, match="campaign"):
        FragmentEncoder({batch.topic: newer}, {batch.topic: 9}).encode(batch)


def _batch(columns: tuple[Column, ...], count: int) -> TopicBatch:
    zeros = np.zeros(count, dtype=np.int64)
    key = Drawn(Pool(("key",), (("k",),)), zeros)
    return TopicBatch("t", zeros, zeros, key, columns)


def _written(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    out = BytesIO()
    schemaless_writer(out, parse_schema(schema), record)
    return wire.header(1) + out.getvalue()

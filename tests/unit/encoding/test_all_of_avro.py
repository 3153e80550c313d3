"""The promise of columns: whatever the schema, an event's bytes are those that fastavro writes for its record."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from fastavro import parse_schema, schemaless_reader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensload.batches.columns import (
    Column,
    Decimals,
    Drawn,
    Fixed,
    Ids,
    Integers,
    Pool,
    Texts,
    objects,
)
from lensload.batches.nested import Either, Nested
from lensload.batches.topic_batch import TopicBatch, picked
from lensload.encoding.avro_types import AvroTypes, written
from lensload.encoding.encoders import FragmentEncoder, RecordEncoder, fastavro_serializer
from lensload.encoding.keys import KeySchema
from lensload.errors import SchemaError
from tests.support.avro import Columns, Type, schemas


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(schema=schemas(), count=st.integers(0, 7), seed=st.integers(0, 2**32 - 1))
def test_any_columns_of_any_schema_are_written_as_fastavro_writes_their_records(
    schema: Type, count: int, seed: int
):
    """For any schema and columns, bytes are fastavro's, and read back they are the records."""
    batch = _batch(Columns(seed).of_fields(schema, count))
    fast, plain = _encoders(schema.json)
    values = fast.encode(batch).values
    assert values == plain.encode(batch).values
    reading = parse_schema(_without_logical_types(schema.json))
    for value, record in zip(values, batch.records(), strict=True):
        read: Any = schemaless_reader(BytesIO(value[5:]), reading, None)
        plain_record = _plain(record)
        assert _of_these(read, plain_record) == plain_record


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(schema=schemas(), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_some_events_of_a_batch_are_those_events(schema: Type, seed: int, data: st.DataObject):
    """Events that are picked from a batch, in any order, are encoded as they are in the batch."""
    batch = _batch(Columns(seed).of_fields(schema, 7))
    fast, _ = _encoders(schema.json)
    values = fast.encode(batch).values
    places = data.draw(st.lists(st.integers(0, 6), max_size=9))
    assert fast.encode(picked(batch, np.array(places, np.int64))).values == [
        values[place] for place in places
    ]
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 7), st.integers(0, 7))))
    assert fast.encode(batch.part(start, stop)).values == values[start:stop]


def test_a_type_that_holds_itself_is_as_deep_as_its_columns():
    """A linked list of a namespace of its own is written to the depth that its columns have."""
    fields = [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]
    node = {"type": "record", "name": "Node", "namespace": "list", "fields": fields}
    names = ("null", "list.Node")
    chain = Either("next", np.zeros(1, np.int64), (None, None), names)
    for number in range(30):
        inner = (Integers("value", np.array([number])), chain)
        chain = Either("next", np.ones(1, np.int64), (None, Nested("node", inner)), names)
    batch = _batch((Integers("value", np.array([99])), chain))
    fast, plain = _encoders(node)
    assert fast.encode(batch).values == plain.encode(batch).values


def test_types_that_hold_each_other_are_written_one_at_a_time():
    """A type that fastavro writes alone brings every type along that it mentions, each once."""
    part = {"type": "record", "name": "Part", "fields": [{"name": "whole", "type": "Whole"}]}
    parts = {"type": "array", "items": part}
    schema = {"type": "record", "name": "Whole", "fields": [{"name": "parts", "type": parts}]}
    drawn = Drawn(Pool(("parts",), (([{"whole": {"parts": []}}],),)), np.zeros(2, np.int64))
    fast, plain = _encoders(schema)
    assert fast.encode(_batch((drawn,))).values == plain.encode(_batch((drawn,))).values


def test_defaults_of_bytes_are_what_the_specification_says():
    """A default of a bytes or fixed field, in a record's default too, is its code points as bytes."""
    two = {"type": "fixed", "name": "Two", "size": 2}
    inner = {
        "type": "record",
        "name": "Inner",
        "fields": [{"name": "two", "type": two, "default": "\u0000ÿ"}],
    }
    fields = [
        {"name": "n", "type": "int"},
        {"name": "raw", "type": ["bytes", "null"], "default": "ÿA"},
        {"name": "inner", "type": inner, "default": {}},
        {"name": "map", "type": {"type": "map", "values": "Two"}, "default": {"k": "ab"}},
    ]
    schema = {"type": "record", "name": "R", "fields": fields}
    (value,) = _encoders(schema)[0].encode(_batch((Integers("n", np.array([5])),))).values
    record = {"n": 5, "raw": b"\xffA", "inner": {"two": b"\0\xff"}, "map": {"k": b"ab"}}
    assert schemaless_reader(BytesIO(value[5:]), parse_schema(schema), None) == record


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        ("int", Texts("x", objects([b"no number"]))),
        ({"type": "fixed", "name": "F", "size": 4}, Fixed("x", np.zeros((1, 3), np.uint8))),
        (
            {"type": "enum", "name": "E", "symbols": ["A"]},
            Drawn(Pool(("x",), (("B",),)), np.zeros(1, np.int64)),
        ),
        (["null", "string"], Integers("x", np.array([5]))),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3}, Decimals("x", np.array([5]), 2)),
    ],
)
def test_values_that_are_not_of_the_type_are_refused(type_: Any, column: Column):
    """A column that does not fit its field is an error that names the field, never other bytes."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": type_}]}
    with pytest.raises(SchemaError, match=r"R\.x"):
        _encoders(schema)[0].encode(_batch((column,)))


_USER = Drawn(Pool(("user",), (("ann",), (None,))), np.array([0, 1, 0]))
_NUMBERS = Integers("n", np.array([7, -8, 9]))


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        (None, [None, None, None]),
        (_USER, [b"ann", None, b"ann"]),
        (_NUMBERS, [b"7", b"-8", b"9"]),
        (Ids("id", np.frombuffer(b"abcdef", np.uint8).reshape(3, 2)), [b"ab", b"cd", b"ef"]),
        (Fixed("id", np.array([[0], [1], [255]], np.uint8)), [b"\0", b"\1", b"\xff"]),
        (Texts("t", objects((b"a", b"", "é".encode()))), [b"a", b"", b"\xc3\xa9"]),
        (Nested("key", (_USER, _NUMBERS)), [b"ann|7", b"|-8", b"ann|9"]),
        (
            Either("e", np.array([0, 1, 0]), (None, Integers("b", np.array([4]))), ("null", "long")),
            [None, b"4", None],
        ),
    ],
)
def test_plain_keys(key: Column | None, keys: list[bytes | None]):
    """A key is its field as text, several fields are joined, and an event whose key is null has none."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}
    batch = _batch((_NUMBERS,), key)
    for encoder in _encoders(schema):
        assert encoder.encode(batch).keys == keys


@pytest.mark.parametrize("several", [False, True])
def test_keys_by_a_schema(several: bool):
    """Keys that have a schema are Avro behind Confluent's header: of a primitive, or of a record of fields."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "n", "type": "long"}]}
    key: Any = {"type": "record", "name": "K", "fields": [{"name": "n", "type": "int"}]} if several else "int"
    encoder = FragmentEncoder({"t": schema}, {"t": 1}, {"t": KeySchema(key, 9)})
    assert encoder.encode(_batch((_NUMBERS,), _NUMBERS)).keys == [
        b"\0\0\0\0\x09" + byte for byte in (b"\x0e", b"\x0f", b"\x12")
    ]


def _encoders(schema: Any) -> tuple[FragmentEncoder, RecordEncoder]:
    schemas, numbers = {"t": schema}, {"t": 1}
    return FragmentEncoder(schemas, numbers), RecordEncoder(fastavro_serializer(schemas, numbers))


def _batch(columns: tuple[Column, ...], key: Column | None = None) -> TopicBatch:
    zeros = np.zeros(len(columns[0]), dtype=np.int64)
    return TopicBatch("t", zeros, zeros, key, columns)


def _without_logical_types(node: Any) -> Any:
    """The schema without those that fastavro reads as dates and such: columns have the numbers."""
    if isinstance(node, dict):
        kept = {key: _without_logical_types(value) for key, value in node.items()}
        return (
            kept
            if kept.get("logicalType") == "decimal"
            else {k: v for k, v in kept.items() if k != "logicalType"}
        )
    return [_without_logical_types(each) for each in node] if isinstance(node, list) else node


def _of_these(read: Any, record: Any) -> Any:
    """What was read, less the fields that the record leaves to their defaults."""
    if isinstance(record, dict):
        return {key: _of_these(read[key], value) for key, value in record.items()}
    if isinstance(record, list):
        return [_of_these(*pair) for pair in zip(read, record, strict=True)]
    return read


def _plain(value: Any) -> Any:
    """The value without the names of the branches of unions."""
    match value:
        case tuple((str(), inner)):
            return _plain(inner)
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def test_a_record_without_a_namespace_is_written_within_one_that_it_refers_to():
    """Two records that hold each other, one of them in no namespace: Avro's JSON has no name for it inside the other."""
    inner = {
        "type": "record",
        "name": "Inner",
        "namespace": "",
        "fields": [{"name": "back", "type": {"type": "array", "items": "a.Outer"}}],
    }
    schema = {
        "type": "record",
        "name": "Outer",
        "namespace": "a",
        "fields": [{"name": "inner", "type": inner}],
    }
    types = AvroTypes(schema)
    value = {"back": [{"inner": {"back": []}}]}
    assert types.writer(types.root["fields"][0]["type"], "inner")(value) == written(
        types.root, {"inner": value}
    )

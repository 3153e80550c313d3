"""Any Avro schema: what is made for it is valid, and is what fastavro writes."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lensload.encoding.plan import Plan
from lensload.errors import UsageError
from lensload.workload.loading import load
from lensload.workload.source import WorkloadSource
from tests.support.avro import schemas
from tests.support.workloads import batches, record, workload, written

HEADER_BYTES = 5


def as_fastavro_writes(schema: Any, event: dict[str, Any]) -> bytes:
    """The bytes of an event by the definition of correct ones."""
    out = BytesIO()
    schemaless_writer(out, schema, event)
    return out.getvalue()


@settings(deadline=None, max_examples=60)
@given(schemas(), st.booleans(), st.integers(0, 2**32))
def test_events_of_any_schema_are_valid(of: Any, wanted: bool, seed: int):
    """Whatever is in a schema, its fields are made by their types, with or without a word of the file about them."""
    fields = [{"name": "id", "type": "string"}, *of.json["fields"]]
    schema = {**of.json, "fields": fields}
    parsed: Any = parse_schema(json.loads(json.dumps(schema)), named_schemas={})
    tables = {each["name"]: {} for each in of.json["fields"]} if wanted else {}
    made = workload({"e": schema}, topics={"e": {"fields": tables}}, seed=seed)
    try:
        (batch,) = batches(made, 30)
    except UsageError as error:
        assume("endless" not in error.message)
        raise
    plan = Plan(json.loads(json.dumps(schema)), 1)
    (outline,) = WorkloadSource(made, (0,)).outline()
    assert not len(plan.values(outline))
    events = list(batch.records())
    values = [bytes(value)[HEADER_BYTES:] for value in plan.values(batch).listed()]
    assert values == [as_fastavro_writes(parsed, event) for event in events]
    for value in values:
        schemaless_reader(BytesIO(value), parsed, None)


AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
ROW = record("Row", amount=["null", AMOUNT])


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        (["null", ROW], "part.amount"),
        (["null", {"type": "array", "items": ROW}], "part[].amount"),
        (["null", {"type": "map", "values": ROW}], "part{}.amount"),
    ],
    ids=["record", "array", "map"],
)
def test_what_is_null_in_no_event_is_written_as_fastavro_does(type_: Any, path: str):
    """A record, list or map that may be null, and never is, may have parts that are null now and then."""
    fields = {path: {"normal": {"mean": 15, "sd": 8}, "null": 0.5}}
    schema = record(id="string", part=type_)
    (batch,) = batches(workload({"e": schema}, topics={"e": {"fields": fields}}), 50)
    parsed: Any = parse_schema(json.loads(json.dumps(schema)), named_schemas={})
    values = [bytes(value)[HEADER_BYTES:] for value in Plan(schema, 1).values(batch).listed()]
    assert values == [as_fastavro_writes(parsed, event) for event in batch.records()]


@pytest.mark.parametrize("key_schema", [record("Key", customer="long", region="string"), "long"])
def test_keys_by_a_schema_are_those_of_the_events(tmp_path: Path, key_schema: Any):
    """An Avro key has the fields of its event, whatever their paths, by the key's own schema."""
    schema = record(id="string", customer="long", place=record("Place", region="string"))
    key = '["place.region", "customer"]' if isinstance(key_schema, dict) else '"customer"'
    text = f'[topics.e]\nschema = "e.avsc"\nkey_schema = "k.avsc"\nkey = {key}\nstopwatch = "id"\n'
    of = load(written(tmp_path, {"e.avsc": schema, "k.avsc": key_schema}, text))
    (batch,) = batches(of, 100)
    parsed: Any = json.loads(of.topics[0].key_schema_text or "")
    assert batch.key is not None
    for made, event in zip(Plan(parsed, 1).keys(batch.key).listed(), batch.records(), strict=True):
        read = schemaless_reader(BytesIO(bytes(made)[HEADER_BYTES:]), parse_schema(parsed), None)
        whole = {"customer": event["customer"], "region": event["place"]["region"]}
        assert read == (whole if isinstance(key_schema, dict) else event["customer"])

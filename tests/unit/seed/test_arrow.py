"""The promise of tables: whatever the schema, columns give the rows that fastavro reads of the same events."""

import json
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fastavro import parse_schema, schemaless_reader
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from lensload.batches.columns import Column, Drawn, Ids, Integers, Pool, Texts, objects
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.plan import Plan
from lensload.files.parquet import fields_of
from lensload.seed.arrow_tables import ArrowTables
from tests.support.avro import Columns, Type, schemas

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def batch_of(columns: tuple[Column, ...], count: int) -> TopicBatch:
    return TopicBatch("t", np.zeros(count, np.int64), np.zeros(count, np.int64), None, columns)


def row_by_row(schema: Any, batch: TopicBatch) -> Any:
    """The table of what fastavro reads of the events, one by one."""
    parsed: Any = parse_schema(schema, named_schemas={})
    fields = fields_of(parsed)
    rows: list[dict[str, Any]] = []
    for value in Plan(schema, 0).values(batch):
        record: Any = schemaless_reader(BytesIO(value[5:]), parsed, None)
        rows.append({name: field.convert(record[name]) for name, field in fields.items()})
    return pa.Table.from_pylist(rows, schema=pa.schema({name: each.type for name, each in fields.items()}))


def by_columns(schema: Any, batch: TopicBatch) -> Any:
    parsed = parse_schema(schema, named_schemas={})
    return ArrowTables(parsed, fields_of(parsed)).table(batch)


@settings(max_examples=200, suppress_health_check=_SLOW, deadline=None)
@given(schema=schemas(), count=st.integers(0, 7), seed=st.integers(0, 2**32 - 1))
def test_any_columns_of_any_schema_give_the_rows_that_fastavro_reads(schema: Type, count: int, seed: int):
    """For any schema that Arrow can hold and values that Python can, tables of columns and of rows are equal."""
    if any(name in json.dumps(schema.json) for name in ('"time-', '"uuid"')):
        reject()  # of random numbers and texts nearly none are times of a day or ids
    if any(field.as_text for field in fields_of(parse_schema(schema.json, named_schemas={})).values()):
        reject()
    batch = batch_of(Columns(seed).of_fields(schema, count), count)
    try:
        expected = row_by_row(schema.json, batch)
        table = by_columns(schema.json, batch)
    except (OverflowError, ValueError) as error:  # a random time that Python has none for, in a row or a pool
        if isinstance(error, pa.ArrowInvalid):
            raise
        reject()
    table.validate(full=True)
    assert table.equals(expected)


_UUID = {"type": "string", "logicalType": "uuid"}
_TEXTS = objects([b"0188AB00-0000-7000-8000-00000000000A", b"0188ab00-0000-7000-8000-00000000000b"])


@pytest.mark.parametrize(
    ("type_", "column"),
    [
        (_UUID, Ids("x", np.frombuffer(b"".join(_TEXTS), np.uint8).reshape(2, 36))),
        (["null", _UUID], Texts("x", _TEXTS)),
        ({"type": "int", "logicalType": "date"}, Integers("x", np.array([20_000, -3]))),
        ({"type": "int", "logicalType": "time-millis"}, Integers("x", np.array([0, 86_399_999]))),
        ({"type": "long", "logicalType": "time-micros"}, Integers("x", np.array([1, 86_399_999_999]))),
        (
            {"type": "long", "logicalType": "timestamp-millis"},
            Integers("x", np.array([1_790_000_000_001, -1])),
        ),
        (
            ["null", {"type": "long", "logicalType": "local-timestamp-micros"}],
            Integers("x", np.array([1_790_000_000_000_001, -1])),
        ),
        ("double", Integers("x", np.array([4, 5]))),
        (
            [
                "null",
                {"type": "record", "name": "In", "fields": [{"name": "n", "type": "int", "default": 3}]},
            ],
            Drawn(Pool(("x",), (({},), (None,))), np.array([1, 0])),
        ),
    ],
)
def test_logical_types_and_defaults_are_as_fastavro_reads_them(type_: Any, column: Column):
    """Times, ids in capitals, numbers of another type and fields of defaults, whichever column holds them."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": type_}]}
    batch = batch_of((column,), 2)
    assert by_columns(schema, batch).equals(row_by_row(schema, batch))

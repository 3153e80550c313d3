"""The promise of our bytes to everybody who reads with Java: Avro's own library reads them."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.encoders import FragmentEncoder
from tests.harness.avro import JavaReader
from tests.support.avro import Columns, Type, schemas
from tests.support.worlds import PARSED, SCHEMA_IDS, batches_of


@pytest.fixture(scope="module")
def java() -> Iterator[JavaReader]:
    with JavaReader() as reader:
        yield reader


@pytest.mark.native
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(schema=schemas(), seed=st.integers(0, 2**32 - 1))
def test_java_reads_any_event_of_any_schema(java: JavaReader, schema: Type, seed: int):
    """Java accepts any schema and reads every event of it; what it then writes are the same bytes."""
    columns = Columns(seed).of_fields(schema, 5)
    batch = TopicBatch("t", np.zeros(5, np.int64), np.zeros(5, np.int64), None, columns)
    for value in FragmentEncoder({"t": schema.json}, {"t": 1}).encode(batch).values:
        assert java.again(schema.json, value[5:]) == value[5:]


@pytest.mark.native
def test_java_reads_the_events_of_the_world(java: JavaReader):
    """Java reads events of all of LENS's topics; what it then writes are the same bytes."""
    encoder = FragmentEncoder(PARSED, SCHEMA_IDS)
    for batch in batches_of(2000):
        schema = {key: value for key, value in PARSED[batch.topic].items() if not key.startswith("__")}
        for value in encoder.encode(batch).values[:50]:
            assert java.again(schema, value[5:]) == value[5:]

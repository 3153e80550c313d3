"""Answers whose schema's id is in a record header, as Confluent's and Apicurio's serializers may write it."""

from typing import Any

import numpy as np
import pytest
from confluent_kafka import Message
from confluent_kafka.schema_registry import SchemaRegistryClient, header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from lensload import ids
from lensload.config.model import RESPONSES
from lensload.encoding import wire
from lensload.schema import definitions
from lensload.schema.registry import Registry
from lensload.schema.writer_schemas import WriterSchemas
from lensload.service import records
from lensload.service.reader import ReplyReader

BOOKS = SchemaRegistryClient.new_client({"url": "mock://answers"})
RUN_TAG, DUE_NS, CAME_NS = 77, 1_772_600_000_000_000_000, 1_772_600_000_250_000_000
REQUEST_ID = ids.texts(ids.words(np.array([DUE_NS]), RUN_TAG, np.array([3]), np.array([9])))[0].tobytes()
ANSWER = {
    "requestId": REQUEST_ID.decode(),
    "timestamp": DUE_NS // 1_000_000,
    "userId": "u",
    "modelName": "m",
    "modelVersion": "1",
    "processingTime": 4,
    "status": "success",
    "errorMessage": None,
    "recommendations": [{"itemId": "item-1", "score": 0.5, "rank": 1, "explanation": None}],
}


def answered(*messages: Message) -> tuple[records.Rows, dict[str, int]]:
    """The rows and the rest of what a reader makes of these."""
    reader = ReplyReader(RUN_TAG, WriterSchemas(Registry("mock://answers", BOOKS)), ["item-1"])
    reader.take_answers(messages, np.full(len(messages), CAME_NS))
    reader.work(everything=True)
    _, rows, totals = reader.take()
    return records.rows_of(rows, records.ANSWER), totals


def bare() -> tuple[bytes, dict[str, Any], int]:
    """An answer as Confluent's serializer writes it with the id in a header, its headers, and the schema's number."""
    make: Any = AvroSerializer  # whose types do not know how it is made
    conf = {"schema.id.serializer": header_schema_id_serializer, "auto.register.schemas": True}
    headers: dict[str, Any] = {}
    context = SerializationContext(RESPONSES, MessageField.VALUE, headers)
    value = make(BOOKS, definitions.load()[RESPONSES].text, conf=conf)(ANSWER, context)
    return value, headers, BOOKS.get_latest_version(f"{RESPONSES}-value").schema_id or 0


def message(value: bytes | None, headers: dict[str, Any]) -> Message:
    """A record of the answers' topic."""
    listed: Any = list(headers.items())
    return Message(topic=RESPONSES, partition=0, offset=1, value=value, headers=listed, timestamp=(1, 1))


def test_an_answer_is_read_alike_wherever_its_schemas_id_is():
    """Before the value, or in a header as Confluent's GUID, Confluent's number or Apicurio's: the same row each time."""
    value, guid, number = bare()
    assert guid["__value_schema_id"][:1] == b"\1"
    rows, totals = answered(
        message(wire.header(number) + value, {"trace": b"1"}),
        message(value, guid),
        message(value, {"__value_schema_id": wire.header(number)}),
        message(value, {"trace": b"1", "apicurio.value.contentId": number.to_bytes(8, "big")}),
    )
    assert len(rows) == 4
    assert len(set(rows.tolist())) == 1
    assert (rows["due_ns"][0], rows["came_ns"][0], rows["shown"][0], rows["marks"][0]) == (
        DUE_NS,
        CAME_NS,
        1,
        0,
    )
    assert not totals


@pytest.mark.parametrize("header", [b"\1" + bytes(16), b"\0\xff\xff\xff\xff", b"\2odd", b""])
def test_an_answer_with_an_unknown_id_in_its_header_is_an_answer_that_cannot_be_read(header: bytes):
    """It is timed by its requestId, and counts as one of an unknown schema."""
    rows, totals = answered(message(bare()[0], {"__value_schema_id": header}))
    assert rows[["due_ns", "came_ns", "marks"]].tolist() == [(DUE_NS, CAME_NS, records.UNREADABLE)]
    assert not totals


def test_what_has_no_id_at_all_is_corrupt():
    """Nothing says that bytes without an id are an answer, whatever they look like."""
    value, _, _ = bare()
    rows, totals = answered(
        message(value, {}), message(value, {"trace": b"1"}), message(None, {}), message(b"H", {})
    )
    assert (len(rows), totals) == (0, {"corrupt": 4})

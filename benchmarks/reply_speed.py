"""How many answers of a service under test one observer can take in, and the ledger settle, on one core.

    python benchmarks/reply_speed.py [NUMBER]

Answers of ten items, decoded as in a run. Times are of the processor, so that other work on the machine matters little.
"""

import io
import sys
import time

import numpy as np
from confluent_kafka import Message
from confluent_kafka.schema_registry import Schema as RegistrySchema
from fastavro import schemaless_writer

from lensload import ids
from lensload.config.model import RESPONSES
from lensload.encoding.wire import header
from lensload.metrics.by_second import StatsBySecond
from lensload.schema import definitions
from lensload.schema.writer_schemas import WriterSchema, WriterSchemas
from lensload.service.ledger import ReplyLedger
from lensload.service.reader import ReplyReader
from lensload.service.records import REQUEST
from lensload.world.catalogue import item_ids

SCHEMA_ID, RUN_TAG, ITEMS, LANES, AT_ONCE = 1, 5, 2000, 64, 1_000


class OneSchema(WriterSchemas):
    """The schema of the answers, without a registry."""

    def __init__(self) -> None:
        super().__init__(None)
        self._answers = WriterSchema(
            SCHEMA_ID, definitions.load()[RESPONSES].parsed, "", RegistrySchema("", "AVRO")
        )

    def find(self, schema_id: int) -> WriterSchema | None:  # noqa: ARG002 - all are of one schema
        """The schema, whatever the id."""
        return self._answers


def value(request_id: str, number: int, names: tuple[str, ...]) -> bytes:
    """An answer as a service writes it."""
    stream = io.BytesIO()
    shown = [
        {"itemId": names[(number + rank) % ITEMS], "score": 1 / rank, "rank": rank, "explanation": None}
        for rank in range(1, 11)
    ]
    record = {
        "requestId": request_id,
        "timestamp": 1_772_600_000_000,
        "userId": f"user-{number % 5000:06d}",
        "modelName": "two-tower",
        "modelVersion": "1.0.0",
        "recommendations": shown,
        "processingTime": 12,
        "status": "success",
        "errorMessage": None,
    }
    schemaless_writer(stream, definitions.load()[RESPONSES].parsed, record)
    return header(SCHEMA_ID) + stream.getvalue()


def main(count: int) -> None:
    """Print microseconds of processor time for each answer."""
    number = np.arange(count)
    due_ns = ids.on_the_grid(number * 50_000 + 1_772_600_000_000_000_000)
    lane, sequence = number % LANES, number // LANES
    texts = ids.texts(ids.words(due_ns, RUN_TAG, lane, sequence))
    names = item_ids(ITEMS)
    messages = [
        Message(topic=RESPONSES, value=value(bytes(text).decode(), each, names))
        for each, text in enumerate(texts)
    ]
    reader = ReplyReader(RUN_TAG, OneSchema(), names)
    began_s = time.process_time()
    for begin in range(0, count, AT_ONCE):
        reader.take_answers(messages[begin : begin + AT_ONCE], due_ns[begin : begin + AT_ONCE])
    reader.work(everything=True)
    _, answers, _ = reader.take()
    read_s = time.process_time() - began_s
    requests = np.zeros(count, REQUEST)
    requests["serial"], requests["due_ns"], requests["asked"] = ids.serials(lane, sequence), due_ns, 10
    ledger, began_s = ReplyLedger(10.0), time.process_time()
    ledger.add(requests.tobytes(), answers, {})
    ledger.settle(StatsBySecond())
    settled_s = time.process_time() - began_s
    assert ledger.answered == count, "every answer has met its request"  # noqa: S101
    print(f"observer: {1e6 * read_s / count:.1f} us an answer, {count / read_s:,.0f} answers/s")
    print(f"ledger:   {1e6 * settled_s / count:.1f} us an answer, {count / settled_s:,.0f} answers/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)

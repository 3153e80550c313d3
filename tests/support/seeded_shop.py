"""The tests' shop as a seed: its plan, its records by partition, and what must hold between them."""

import io
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastavro import parse_schema, schemaless_reader

from lensload.config.loading import load
from lensload.seed.options import SeedOptions, plan_of
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream
from lensload.seed.records import Headers
from lensload.seed.schemas import key_schemas
from tests.support import shop

PARTITIONS: Final = 3
SCHEMA_IDS: Final = {"orders": 11, "payments": 12, "parcels": 13}
KEY_IDS: Final = {"payments": 14}
UNTIL: Final = "2026-01-31T12:00:00Z"
_NOW_MS: Final = 1_780_000_000_000
_HEADER_BYTES: Final = 5

PARCEL: Final[dict[str, Any]] = {
    "type": "record",
    "name": "Parcel",
    "namespace": "shop",
    "fields": [
        {"name": "parcelId", "type": "string"},
        {"name": "orderId", "type": "string"},
        {"name": "tracking", "type": ["null", "string"], "default": None},
    ],
}
_KEYED: Final = 'schema = "payment.avsc"\nkey_schema = "key.avsc"'
TEXT: Final = (
    shop.TEXT.replace('schema = "payment.avsc"', _KEYED)
    + """
[topics.parcels]
schema = "parcel.avsc"
parent = "orders"
children = [0, 2]
stopwatch = "parcelId"
[topics.parcels.fields]
orderId = { parent = "orderId" }
"""
)
"""Orders with keys that are text, payments with keys by a schema, and parcels that follow their order and have no key."""


SCHEMAS: Final[dict[str, Any]] = {"orders": shop.ORDER, "payments": shop.PAYMENT, "parcels": PARCEL}


def written(folder: Path) -> Path:
    """The workload file, with its schemas beside it."""
    (folder / "parcel.avsc").write_text(json.dumps(PARCEL))
    return shop.written(folder, TEXT)


def plan(path: Path, events: int = 6_000, **flags: Any) -> Plan:
    """What `lensload seed --workload` plans for the file."""
    fault = flags.pop("fault", ())
    config = load({"workload": str(path), **flags}, environ={}, folder=path.parent)
    return plan_of(SeedOptions(events=events, until=UNTIL, fault=fault), config, _NOW_MS)


@dataclass(frozen=True)
class Seeded:
    """One record as a partition has it."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers


Partitions = dict[tuple[str, int], list[Seeded]]


def records(of: Plan, worker: int = 0, workers: int = 1) -> Partitions:
    """What a worker writes into each partition, in order."""
    counts = dict.fromkeys(of.topics, PARTITIONS)
    stream = RecordStream(of, SCHEMA_IDS, Partitioner(counts, worker, workers, key_schemas(of, KEY_IDS)))
    found: Partitions = defaultdict(list)
    for portion in stream.records():
        for number, part in portion.by_partition():
            columns = part.keys, part.values, part.timestamp_ms.tolist()
            for place, each in enumerate(zip(*columns, strict=True)):
                found[portion.topic, number].append(Seeded(*each, part.headers.get(place, [])))
    return dict(found)


def decoded(schema: Any, values: Iterable[bytes | None]) -> list[dict[str, Any]]:
    """Values with Confluent's header as fastavro reads them."""
    parsed, found = parse_schema(schema, named_schemas={}), list[dict[str, Any]]()
    for value in values:
        stream = io.BytesIO((value or b"")[_HEADER_BYTES:])
        record: Any = schemaless_reader(stream, parsed, None)
        assert not stream.read()
        found.append(record)
    return found


def check_references(
    orders: list[dict[str, Any]], payments: list[dict[str, Any]], parcels: list[Any]
) -> None:
    """Customers are of one pool of fifty; each parcel is of an order, and each order has two parcels at most."""
    placed = {str(each["orderId"]) for each in orders}
    assert len(placed) == len(orders)
    customers = {each["customerId"] for each in (*orders, *payments)}
    assert len(customers) <= 50
    assert {each["customerId"] for each in orders} & {each["customerId"] for each in payments}
    sent = [str(each["orderId"]) for each in parcels]
    assert set(sent) <= placed
    assert {sent.count(order) for order in set(sent)} == {1, 2}
    assert len({each["parcelId"] for each in parcels}) == len(parcels)

"""A workload on a real Kafka with a real registry: what the run says of its events, checked by an independent reader."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Message
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from lensload.results.run import Run
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support import shop
from tests.support.locusts import Bench
from tests.support.topic_reader import read_to_end

pytestmark = [pytest.mark.native, pytest.mark.xdist_group("workload_kafka")]

LOAD = [
    "--rate",
    "1000",
    "--duration",
    "3s",
    "--warmup",
    "1s",
    "--partitions",
    "3",
    "--min-measured",
    "1s",
    "--min-events",
    "1",
]


@dataclass(frozen=True)
class Received:
    """One message as an independent reader has it."""

    key: Any
    record: Mapping[str, Any]
    schema_id: int


@dataclass(frozen=True)
class Place:
    """A cluster, a registry, and names of a test's own."""

    kafka: Kafka
    registry: Registry
    prefix: str
    folder: Path

    def run(self, *more: str) -> Run:
        """A run of the folder's workload, which ends well."""
        where = ("--bootstrap-servers", self.kafka.bootstrap_servers, "--registry-url", self.registry.url)
        with Bench(
            self.folder, *where, "--topic-prefix", self.prefix, "--workload", "shop.toml", *LOAD, *more
        ) as bench:
            bench.ended()
            assert "Traceback" not in bench.log
            return bench.run()

    def read(self, topic: str, *, avro_keys: bool = False) -> list[Received]:
        """All that lies in a topic, by the schemas that each message names."""
        name = self.prefix + topic
        make: Any = AvroDeserializer  # its stubs lose __init__
        with SchemaRegistryClient({"url": self.registry.url}) as client:
            deserialize = make(client)

            def read(message: Message) -> Received:
                key, value = message.key() or b"", message.value() or b""
                told = deserialize(key, SerializationContext(name, MessageField.KEY)) if avro_keys else key
                record = deserialize(value, SerializationContext(name, MessageField.VALUE))
                return Received(told, record, int.from_bytes(value[1:5]))

            return [read(each) for each in read_to_end(self.kafka.bootstrap_servers, [name], 3)]


@pytest.fixture
def place(kafka: Kafka, registry: Registry, tmp_path: Path) -> Place:
    return Place(kafka, registry, f"w{uuid4().hex[:10]}-", tmp_path)


def check_counts(run: Run, topic: str, found: list[Received]) -> None:
    """The run file's counts of a topic, warm-up included, are what lies there."""
    for name in ("produced", "acked", "observed"):
        assert run["topics"][topic][name] + run["warmup"][topic][name] == len(found), (topic, name)
    assert (
        run["topics"][topic]["lost"],
        run["topics"][topic]["duplicated"],
        run["topics"][topic]["corrupt"],
    ) == (0, 0, 0)


def due_ms(identity: UUID) -> int:
    return identity.int >> 80


def test_what_is_counted_lies_in_the_topics(place: Place):
    """Exact counts, ids once each, keys as the file says (text, and Avro by a schema), references that hold, due times."""
    text = shop.TEXT.replace('schema = "payment.avsc"', 'schema = "payment.avsc"\nkey_schema = "key.avsc"')
    shop.written(place.folder, text)
    run = place.run()
    orders, payments = place.read("orders"), place.read("payments", avro_keys=True)
    assert len(orders) + len(payments) == 4_000
    check_counts(run, "orders", orders)
    check_counts(run, "payments", payments)
    assert run["totals"].get("mismatched", 0) == 0
    assert run["totals"]["audited"] > 0
    ids = [UUID(str(each.record["orderId"])) for each in orders]
    paid = [UUID(bytes=each.record["id"]) for each in payments]
    assert len({*ids, *paid}) == len(orders) + len(payments)
    assert all(each.key.decode() == each.record["customerId"] for each in orders)
    assert all(each.key == {"customerId": each.record["customerId"]} for each in payments)
    customers = {each.record["customerId"] for each in (*orders, *payments)}
    assert len(customers) <= 50
    for each, identity in zip(orders, ids, strict=True):
        assert round(each.record["createdAt"].timestamp() * 1000) == due_ms(identity)


def test_a_subject_with_references_is_written_by_its_own_id(place: Place):
    """Somebody else's subject is looked up and followed, never registered anew; each value has its id."""
    subject = f"{place.prefix}theirs"
    order = json.loads(json.dumps(shop.ORDER))
    order["fields"][2]["type"] = {"type": "array", "items": "shop.Line"}
    line = {**shop.LINE, "namespace": "shop"}
    with SchemaRegistryClient({"url": place.registry.url}) as client:
        client.register_schema(f"{place.prefix}line", Schema(json.dumps(line), "AVRO"))
        refers = [SchemaReference("shop.Line", f"{place.prefix}line", 1)]
        schema_id = client.register_schema(subject, Schema(json.dumps(order), "AVRO", refers))
        shop.written(place.folder, shop.TEXT.replace('"order.avsc"', f'{{ subject = "{subject}" }}'))
        run = place.run()
        subjects = [each for each in client.get_subjects() if each.startswith(place.prefix)]
    assert f"{place.prefix}orders-value" not in subjects
    orders = place.read("orders")
    check_counts(run, "orders", orders)
    assert {each.schema_id for each in orders} == {schema_id}
    assert run["totals"]["audited"] > 0
    assert run["totals"].get("mismatched", 0) == 0


def test_runs_without_a_schedule_lose_nothing(place: Place):
    """--rate max, with two workers whose lanes are apart: every event is told from every other, and arrives."""
    shop.written(place.folder)
    run = place.run("--rate", "max", "--workers", "2", "--duration", "2s")
    for topic in ("orders", "payments"):
        check_counts(run, topic, place.read(topic))

"""The workloads in examples/: each runs on a real Kafka with a real registry, and an independent reader finds what it promises."""

import io
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient

from lensload.results.run import Run
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, check_whole
from tests.support.pages import ROOT
from tests.support.topic_reader import read_to_end

PARTITIONS = 4
LOAD = ("--rate", "1000", "--duration", "3s", "--warmup", "1s", "--partitions", str(PARTITIONS))


@dataclass(frozen=True)
class Received:
    """One record as it was found in the cluster, its value decoded by the schema that it names."""

    partition: int
    key: str
    size_bytes: int
    value: dict[str, Any]


@dataclass(frozen=True)
class Servers:
    """A real Kafka and a real registry, and a prefix for what is made there."""

    bootstrap_servers: str
    registry_url: str
    prefix: str

    def bench(self, folder: Path, workload: str) -> tuple[Run, dict[str, list[Received]]]:
        """Run an example as its first lines say, for some seconds; its run file, and all that is in its topics."""
        file = ROOT / "examples" / "workloads" / workload / "workload.toml"
        where = ("--bootstrap-servers", self.bootstrap_servers, "--registry-url", self.registry_url)
        with Bench(folder, *where, "--topic-prefix", self.prefix, "--workload", str(file), *LOAD) as bench:
            bench.ended()
            log, run = bench.log, bench.run()
        assert "Traceback" not in log
        return run, {topic: self.read(topic) for topic in run["topics"]}

    def read(self, topic: str) -> list[Received]:
        """Every record of a topic, each partition's in order."""
        client = SchemaRegistryClient({"url": self.registry_url})
        schemas: dict[int, Any] = {}
        found: list[Received] = []
        for message in read_to_end(self.bootstrap_servers, [self.prefix + topic], PARTITIONS):
            value = message.value() or b""
            number = int.from_bytes(value[1:5])
            if number not in schemas:
                schemas[number] = fastavro.parse_schema(
                    json.loads(client.get_schema(number).schema_str or "")
                )
            decoded: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), schemas[number], None)
            key = bytes(message.key() or b"").decode()
            found.append(Received(int(message.partition() or 0), key, len(value), decoded))
        client.close()
        return found


@pytest.fixture
def servers(kafka: Kafka, registry: Registry, topic_prefix: str) -> Servers:
    return Servers(kafka.bootstrap_servers, registry.url, topic_prefix)


def check_account(run: Run, received: dict[str, list[Received]], stopwatches: dict[str, str]) -> None:
    """What the reader found is what the run file counts, each event once, and each id says when the event was due."""
    check_whole(run)
    assert set(received) == set(stopwatches)
    for topic, records in received.items():
        counted = {name: run["topics"][topic][name] for name in ("produced", "acked", "observed")}
        for name in counted:
            counted[name] += run["warmup"][topic][name]
        assert set(counted.values()) == {len(records)}, (topic, counted, len(records))
        assert len({str(each.value[stopwatches[topic]]) for each in records}) == len(records)
    assert run["totals"]["audited"] > 0
    assert run["totals"]["mismatched"] == 0


def values(records: list[Received]) -> list[dict[str, Any]]:
    """What the records hold."""
    return [each.value for each in records]


def check_of_one(facts: list[tuple[object, object]]) -> None:
    """Whoever is named twice is the same both times."""
    known: dict[object, object] = {}
    for who, what in facts:
        assert known.setdefault(who, what) == what, who


def test_the_shop_is_a_shop(servers: Servers, tmp_path: Path):
    """Payments are of orders, orders of customers, totals are sums, and five customers are hot."""
    run, received = servers.bench(tmp_path, "shop")
    check_account(run, received, {"customers": "eventId", "orders": "orderId", "payments": "paymentId"})
    customers, orders, payments = (values(received[topic]) for topic in ("customers", "orders", "payments"))
    check_customers(customers, orders)
    check_lines(orders)
    check_payments(orders, payments)
    of_five = sum(count for _, count in Counter(each["customerId"] for each in orders).most_common(5))
    assert 0.15 < of_five / len(orders) < 0.25
    for topic, key in (("customers", "customerId"), ("orders", "customerId"), ("payments", "orderId")):
        assert all(each.key == str(each.value[key]) for each in received[topic])
        check_of_one([(each.key, each.partition) for each in received[topic]])


def check_customers(customers: list[dict[str, Any]], orders: list[dict[str, Any]]) -> None:
    """The topic goes through the customers one by one; what orders say of a customer is what the topic says."""
    assert len({each["customerId"] for each in customers}) == len(customers)
    assert {each["customerId"] for each in customers} & {each["customerId"] for each in orders}
    facts = [(each["customerId"], (each["email"], each["city"])) for each in customers]
    check_of_one(
        [*facts, *((each["customerId"], (each["customerEmail"], each["shippingCity"])) for each in orders)]
    )


def check_lines(orders: list[dict[str, Any]]) -> None:
    """Totals are sums of lines, and a product has one price."""
    for order in orders:
        lines = order["lines"]
        assert 1 <= len(lines) == order["lineCount"] <= 6
        assert all(line["amount"] == line["quantity"] * line["unitPrice"] for line in lines)
        assert order["totalAmount"] == sum((line["amount"] for line in lines), Decimal())
        assert order["currency"] == "EUR"
    check_of_one([(line["sku"], line["unitPrice"]) for order in orders for line in order["lines"]])


def check_payments(orders: list[dict[str, Any]], payments: list[dict[str, Any]]) -> None:
    """Each payment is over the total of an order that was placed before; each order is paid once or twice."""
    placed = {each["orderId"]: each for each in orders}
    attempts = Counter(each["orderId"] for each in payments)
    assert set(attempts.values()) == {1, 2}
    for payment in payments:
        order = placed[payment["orderId"]]
        assert payment["amount"] == order["totalAmount"]
        assert (payment["customerId"], payment["currency"]) == (order["customerId"], order["currency"])
        assert payment["attemptedAt"] >= order["placedAt"]
    # The run ends with orders whose payments were not due yet, one a lane at most.
    unpaid = [each["placedAt"] for each in orders if each["orderId"] not in attempts]
    assert all(moment >= sorted(each["placedAt"] for each in orders)[-64] for moment in unpaid)


def test_the_sensors_have_one_hot_partition(servers: Servers, tmp_path: Path):
    """Half of the readings are one device's, so its partition has more than all others; records are wide and coherent."""
    run, received = servers.bench(tmp_path, "iot")
    check_account(run, received, {"readings": "readingId"})
    records = received["readings"]
    check_hot(records)
    check_devices(values(records))
    for each in records:
        check_reading(each.value)
        assert each.key == each.value["deviceId"]
    assert 380 < sum(each.size_bytes for each in records) / len(records) < 490


def check_hot(records: list[Received]) -> None:
    """One key has half of the records, and its partition more than half."""
    ((hot, count),) = Counter(each.key for each in records).most_common(1)
    assert 0.45 < count / len(records) < 0.55
    partitions = Counter(each.partition for each in records)
    ((hottest, most),) = partitions.most_common(1)
    assert hottest == next(each.partition for each in records if each.key == hot)
    assert most > len(records) / 2
    assert len(partitions) == PARTITIONS


def check_devices(readings: list[dict[str, Any]]) -> None:
    """What is a device's stays as it is, and devices of one site are at one place."""
    names = ("serialNumber", "site", "model", "firmwareVersion", "installedOn")
    check_of_one([(each["deviceId"], tuple(each[name] for name in names)) for each in readings])
    check_of_one([(each["site"], (each["latitude"], each["longitude"])) for each in readings])
    devices_at = defaultdict[str, set[str]](set)
    for each in readings:
        devices_at[each["site"]].add(each["deviceId"])
    assert len(devices_at) == 40
    assert len(set[str]().union(*devices_at.values())) > 1000


def check_reading(reading: dict[str, Any]) -> None:
    """The record is wide; its id and its times are of one moment; power is voltage times current."""
    assert len(reading) >= 30
    due_ms = UUID(bytes=reading["readingId"]).int >> 80
    assert abs(reading["receivedAt"].timestamp() * 1000 - due_ms) < 1.5
    assert reading["measuredAt"] < reading["receivedAt"]
    assert reading["powerW"] == pytest.approx(reading["voltageV"] * reading["currentA"], abs=0.051)
    assert len(reading["vibrationMmPerS"]) == 3
    assert set(reading["labels"]) == {"floor", "room", "tenant"}
    assert reading["batteryPercent"] is None or 5 <= reading["batteryPercent"] <= 100

"""A seed with faults on a real broker: whoever reads it finds the labelled faults, all of them and no others."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from jsonschema import Draft202012Validator

from lensload import ids
from lensload.cli import main
from lensload.seed.faults.kinds import FAULTS, HEADER
from lensload.seed.manifest import SCHEMA_FILE, Manifest, partitions, read
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

EVENTS = 10_000
WHAT = ("--events", str(EVENTS), "--days", "1", "--until", "2026-09-21T00:00:00Z", "--partitions", "3")
SMALL = ("--audience-size", "640", "--catalogue-size", "240")


@dataclass(frozen=True)
class Place:
    """Real servers, and a prefix for topics."""

    flags: tuple[str, ...]
    kafka: str
    registry: str
    prefix: str

    def seed(self, *arguments: str) -> Result:
        """Run `lensload seed` in this process."""
        return CliRunner().invoke(main.main, ["seed", *self.flags, *arguments])


@pytest.fixture
def place(kafka: Kafka, registry: Registry, topic_prefix: str) -> Place:
    flags = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    return Place(flags, kafka.bootstrap_servers, registry.url, topic_prefix)


def consumed(place: Place, manifest: Manifest) -> dict[tuple[str, int], list[Message]]:
    """Every record of every partition, by topic's LENS name, read by a plain consumer."""
    settings = {"bootstrap.servers": place.kafka, "group.id": "unused", "log_level": 0}
    consumer = Consumer(settings)
    found: dict[tuple[str, int], list[Message]] = {}
    for topic, entry in partitions(manifest):
        name = manifest["topics"][topic]["name"]
        consumer.assign([TopicPartition(name, entry["partition"], entry["first_offset"])])
        messages: list[Message] = []
        while len(messages) < entry["count"]:
            some = consumer.consume(min(5_000, entry["count"] - len(messages)), timeout=20)
            assert some
            messages += some
        found[topic, entry["partition"]] = messages
    consumer.close()
    return found


class DeadLetters:
    """A consumer that sorts out what it finds wrong with records, without looking at the labels."""

    def __init__(self, client: SchemaRegistryClient) -> None:
        self._client = client
        self._deserialize = AvroDeserializer(client)  # pyright: ignore[reportCallIssue] - the stubs lose it
        self._known = dict[int, bool]()

    def verdicts(self, messages: list[Message]) -> list[str]:
        """What is wrong with each record of a partition; "" for nothing."""
        found: list[str] = []
        newest_ms, previous = 0, None
        for message in messages:
            verdict = self._alone(message)
            at_ms, same = message.timestamp()[1], (message.key(), message.value(), message.timestamp())
            if not verdict and same == previous:
                verdict = "duplicate"
            elif not verdict and at_ms < newest_ms:
                verdict = "late" if newest_ms - at_ms >= 600_000 else "out-of-order"
            if verdict != "clock-skew":
                newest_ms = max(newest_ms, at_ms)
            previous = same
            found.append(verdict)
        return found

    def _alone(self, message: Message) -> str:
        """What is wrong with a record, whatever stands around it."""
        value = message.value()
        if value is None:
            return "tombstone"
        if not self._is_known(int.from_bytes(value[1:5], "big")):
            return "unknown-schema-id"
        try:
            context = SerializationContext(str(message.topic()), MessageField.VALUE)
            record: Any = self._deserialize(bytes(value), context)
        except Exception:  # noqa: BLE001 - whatever a reader meets there
            return "malformed"
        return _wrong(record, int(message.timestamp()[1]))

    def _is_known(self, number: int) -> bool:
        if number not in self._known:
            try:
                self._client.get_schema(number)
                self._known[number] = True
            except SchemaRegistryError:
                self._known[number] = False
        return self._known[number]


def _wrong(record: dict[str, Any], created_ms: int) -> str:
    assert record["timestamp"] == created_ms
    links = [
        record.get("requestId"),
        *((record.get("metadata") or {}).get(k) for k in ("requestId", "sessionId")),
    ]
    # Ids of requests are of version 7 and those of sessions of version 8; asking for each one would do as well.
    if any(link is not None and link[14] not in "78" for link in links):
        return "broken-reference"
    numbers = ("numRecommendations", "processingTime", "duration", "metricValue", "value")
    if (record.get("rating") or 1) > 5 or any((record.get(name) or 0) < 0 for name in numbers):
        return "impossible-value"
    text = next(iter(record.values()))
    id_ms = int(ids.read(np.frombuffer(text.encode(), dtype=np.uint8).reshape(1, 36)).due_ns[0]) // 1_000_000
    # A response has its request's id, which is older by the time that answering took.
    off_ms = created_ms - id_ms - (record.get("processingTime") or 0)
    return "clock-skew" if abs(off_ms) > 60_000 else ""


def judged(place: Place, manifest: Manifest) -> list[tuple[str, str, str]]:
    """Of every record the topic, the fault that its header names and what a reader finds wrong with it."""
    found: list[tuple[str, str, str]] = []
    with SchemaRegistryClient({"url": place.registry}) as client:
        reader = DeadLetters(client)
        for (topic, _), messages in consumed(place, manifest).items():
            for message, verdict in zip(messages, reader.verdicts(messages), strict=True):
                label: Any = dict(message.headers() or []).get(HEADER) or b""
                found.append((topic, label.decode(), verdict))
    return found


@pytest.mark.native
def test_a_dead_letter_queue_can_be_scored(place: Place, tmp_path: Path):
    """What a careful reader finds wrong is what headers and manifest say: precision and recall are 1, fault by fault."""
    rates = [flag for name in FAULTS for flag in ("--fault", f"{name}=0.01")]
    manifests = list[Manifest]()
    for workers in ("1", "3"):
        path = tmp_path / f"{workers}.json"
        prefix = f"{place.prefix}{workers}-"
        result = place.seed(
            *WHAT, *SMALL, *rates, "--topic-prefix", prefix, "--workers", workers, "--manifest", str(path)
        )
        assert result.exit_code == 0, result.output
        assert HEADER in result.output
        manifests.append(read(path))
    one, three = manifests
    assert one["faults"] == three["faults"]
    assert [entry["digest"] for _, entry in partitions(one)] == [
        entry["digest"] for _, entry in partitions(three)
    ]
    Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))).validate(three)
    verified = place.seed("--verify", str(tmp_path / "3.json"))
    assert verified.exit_code == 0, verified.output

    found, labelled = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    judgements = judged(place, three)
    for topic, label, verdict in judgements:
        assert label == verdict, topic
        if verdict:
            found[topic, verdict] += 1
    for topic, counts in three["faults"].items():
        labelled.update({(topic, name): count for name, count in counts.items()})
    assert found == labelled
    assert {name for _, name in found} == set(FAULTS)
    assert len(judgements) == EVENTS + sum(verdict == "duplicate" for _, _, verdict in judgements)
    assert sum(each["count"] for each in three["realised"].values()) == EVENTS

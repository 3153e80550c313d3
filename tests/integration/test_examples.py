"""LENS's guide's producer and consumer run as they stand, and today's API beside them, on the real components."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema as RegistrySchema
from confluent_kafka.schema_registry import SchemaRegistryClient
from fastavro import parse_schema

from lensload.encoding.avro_types import written
from lensload.encoding.wire import header
from lensload.schema import definitions
from lensload.schema import registry as doors
from lensload.schema.registration import publish
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.topic_reader import read_to_end

EXAMPLES = Path(__file__).parents[2] / "examples"
TOPIC = "user-interactions"
SEVEN = ["eventId", "timestamp", "userId", "sessionId", "interactionType", "itemId", "itemCategory"]
LEFT_OUT = ["duration", "rating", "searchQuery", "metadata"]
COUNT = 6


@pytest.fixture
def environ(kafka: Kafka, registry: Registry, topic_prefix: str) -> dict[str, str]:
    """Where the examples find a topic and a registry of the test's own."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0})
    admin.create_topics([NewTopic(topic_prefix + TOPIC, 2, 1)])[topic_prefix + TOPIC].result(timeout=10)
    return {
        "BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "SCHEMA_REGISTRY_URL": registry.url,
        "TOPIC_PREFIX": topic_prefix,
    }


def run(name: str, environ: dict[str, str], count: int = COUNT) -> list[dict[str, Any]]:
    """The JSON lines that an example prints."""
    done = started(name, environ, count)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def started(name: str, environ: dict[str, str], count: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / name), str(count)]
    env = {**os.environ, **environ}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def raw(environ: dict[str, str]) -> list[tuple[bytes | None, bytes]]:
    """Keys and values as they are in the topic."""
    records = read_to_end(environ["BOOTSTRAP_SERVERS"], [environ["TOPIC_PREFIX"] + TOPIC], 2)
    return [(each.key(), each.value() or b"") for each in records]


def ids_of(environ: dict[str, str]) -> set[int]:
    return {int.from_bytes(value[1:5], "big") for _, value in raw(environ)}


@pytest.mark.native
@pytest.mark.parametrize(
    ("producer", "consumer"),
    [
        ("guide_producer.py", "guide_consumer.py"),
        ("guide_producer.py", "consumer.py"),
        ("producer.py", "consumer.py"),
    ],
)
def test_consumers_read_what_producers_write(producer: str, consumer: str, environ: dict[str, str]):
    """Seven fields written, eleven read, the four left out null; from the earliest offset, in the guide's group."""
    with doors.connect(environ["SCHEMA_REGISTRY_URL"], {}) as books:
        done = publish(books, definitions.load(), environ["TOPIC_PREFIX"])
    run(producer, environ)
    read = run(consumer, environ)
    assert len(read) == COUNT
    for interaction in read:
        assert list(interaction) == [*SEVEN, *LEFT_OUT]
        assert all(interaction[name] is not None for name in SEVEN)
        assert all(interaction[name] is None for name in LEFT_OUT)
    # The producer found the schema that `lensload schemas register` had registered, and made no other.
    (number,) = [each.schema_id for each in done if each.subject.endswith(f"{TOPIC}-value")]
    assert ids_of(environ) == {number}
    with SchemaRegistryClient({"url": environ["SCHEMA_REGISTRY_URL"]}) as client:
        assert client.get_versions(definitions.subject(TOPIC, environ["TOPIC_PREFIX"])) == [1]


@pytest.mark.native
def test_the_guides_producer_registers_what_lensload_then_knows(environ: dict[str, str]):
    """Whoever follows the guide without registering first gets the same schema, id and version."""
    run("guide_producer.py", environ)
    with doors.connect(environ["SCHEMA_REGISTRY_URL"], {}) as books:
        done = publish(books, definitions.load(), environ["TOPIC_PREFIX"])
    (entry,) = [each for each in done if each.subject.endswith(f"{TOPIC}-value")]
    assert (entry.new, entry.version) == (False, 1)
    assert ids_of(environ) == {entry.schema_id}


@pytest.mark.native
def test_keys_are_plain_strings_which_the_legacy_consumer_refuses(environ: dict[str, str]):
    """Today's producer writes LENS's keys; AvroConsumer takes them for Avro, and the example says what to do."""
    with doors.connect(environ["SCHEMA_REGISTRY_URL"], {}) as books:
        publish(books, definitions.load(), environ["TOPIC_PREFIX"])
    run("producer.py", environ)
    assert {key for key, _ in raw(environ)} == {b"user_0", b"user_1", b"user_2"}
    done = started("guide_consumer.py", environ, COUNT)
    assert done.returncode == 1
    assert "magic byte" in done.stderr
    assert "consumer.py" in done.stderr


@pytest.mark.native
@pytest.mark.parametrize(
    ("consumer", "more"), [("guide_consumer.py", {"campaign"}), ("consumer.py", set[str]())]
)
def test_a_consumer_meets_a_newer_version(consumer: str, more: set[str], environ: dict[str, str]):
    """Each message is read by the version that wrote it; today's consumer gives it as our version has it."""
    newer = json.loads(definitions.load()[TOPIC].text)
    newer["fields"].append({"name": "campaign", "type": ["null", "string"], "default": None})
    with SchemaRegistryClient({"url": environ["SCHEMA_REGISTRY_URL"]}) as client:
        name = definitions.subject(TOPIC, environ["TOPIC_PREFIX"])
        client.register_schema(name, RegistrySchema(definitions.load()[TOPIC].text, "AVRO"))
        number = client.register_schema(name, RegistrySchema(json.dumps(newer), "AVRO"))
    run("guide_producer.py", environ, COUNT - 1)
    record = {
        **dict.fromkeys(SEVEN, "newer"),
        "timestamp": 1,
        "interactionType": "view",
        "campaign": "spring",
    }
    producer = Producer({"bootstrap.servers": environ["BOOTSTRAP_SERVERS"]})
    producer.produce(environ["TOPIC_PREFIX"] + TOPIC, header(number) + written(parse_schema(newer), record))
    assert producer.flush(20) == 0
    read = run(consumer, environ)
    (last,) = [each for each in read if each["eventId"] == "newer"]
    assert last["itemCategory"] == "newer"
    assert set(last) - {*SEVEN, *LEFT_OUT} == more

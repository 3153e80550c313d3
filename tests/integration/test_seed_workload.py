"""A workload fills a real Kafka as LENS's history does: exact, verified by what lies there, completed after an interruption."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from jsonschema import Draft202012Validator

from lensload.cli import main
from lensload.seed import manifest as manifests
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support import seeded_shop
from tests.support.locusts import wait_until
from tests.support.seeded_shop import PARTITIONS, SCHEMAS, decoded
from tests.support.topic_reader import read_to_end

LENSLOAD = [sys.executable, "-c", "from lensload.cli.main import main; main()"]
EVENTS = 12_000


@dataclass
class Place:
    """A prefix of its own on real servers, and a folder with the tests' shop."""

    kafka: str
    registry: str
    prefix: str
    folder: Path

    def arguments(self, name: str, *more: str, events: int = EVENTS) -> list[str]:
        """The arguments of a seed of the shop, whose manifest has that name."""
        workload = ["--workload", str(self.folder / "shop.toml"), "--topic-prefix", self.prefix + name]
        how = ["--events", str(events), "--until", seeded_shop.UNTIL, "--partitions", str(PARTITIONS)]
        return ["seed", *self.where(), *workload, *how, "--manifest", str(self.path(name)), *more]

    def where(self) -> list[str]:
        """Where the servers are."""
        return ["--bootstrap-servers", self.kafka, "--registry-url", self.registry]

    def path(self, name: str) -> Path:
        """The manifest of that name."""
        return self.folder / f"{name}manifest.json"

    def run(self, *arguments: str) -> Result:
        """Run lensload in this process."""
        return CliRunner().invoke(main.main, list(arguments))

    def by_manifest(self, flag: str, name: str, *more: str) -> Result:
        """Verify or resume what has the manifest of that name."""
        return self.run("seed", *self.where(), flag, str(self.path(name)), *more)

    def values(self, topic: str) -> list[bytes]:
        """All values that lie in a topic, by a reader that knows nothing of lensload."""
        return [bytes(each.value() or b"") for each in read_to_end(self.kafka, [topic], PARTITIONS)]


@pytest.fixture
def place(kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path) -> Place:
    seeded_shop.written(tmp_path)
    return Place(kafka.bootstrap_servers, registry.url, topic_prefix, tmp_path)


def digests(place: Place, name: str) -> dict[tuple[str, int], tuple[int, str]]:
    return {
        (topic, entry["partition"]): (entry["count"], entry["digest"])
        for topic, entry in manifests.partitions(manifests.read(place.path(name)))
    }


def test_what_was_seeded_lies_there_and_is_verified(place: Place):
    """Exactly as many events as asked, with references that hold and schemas of the registry; two workers write what one does.

    A record too many is found, and named with its place.
    """
    done = place.run(*place.arguments("one-"))
    assert done.exit_code == 0, done.output
    found = {topic: place.values(f"{place.prefix}one-{topic}") for topic in SCHEMAS}
    assert sum(map(len, found.values())) == EVENTS
    seeded_shop.check_references(*(decoded(schema, found[topic]) for topic, schema in SCHEMAS.items()))
    with SchemaRegistryClient({"url": place.registry}) as client:
        for topic, values in found.items():
            (number,) = {int.from_bytes(value[1:5]) for value in values}
            assert json.loads(client.get_schema(number).schema_str or "") == SCHEMAS[topic]
    manifest: Any = manifests.read(place.path("one-"))
    Draft202012Validator(json.loads(manifests.SCHEMA_FILE.read_text())).validate(manifest)
    assert {topic: each["count"] for topic, each in manifest["realised"].items()} == {
        topic: len(values) for topic, values in found.items()
    }
    assert manifest["plan"]["workload"]["file"] == "shop.toml"
    two = place.run(*place.arguments("two-", "--workers", "2"))
    assert two.exit_code == 0, two.output
    assert digests(place, "two-") == digests(place, "one-")
    assert place.by_manifest("--verify", "two-").exit_code == 0
    producer = Producer({"bootstrap.servers": place.kafka})
    producer.produce(f"{place.prefix}two-parcels", b"more", partition=1)
    assert producer.flush(20) == 0
    differs = place.by_manifest("--verify", "two-")
    assert differs.exit_code == 1
    assert f"{place.prefix}two-parcels, partition 1 from offset" in differs.output


def test_what_was_interrupted_is_completed_by_the_manifest_alone(place: Place):
    """After kill -9 --resume refuses another workload, and needs none: all is there once, as it would have been."""
    slow = place.folder / "slow.properties"
    slow.write_text("queue.buffering.max.messages=100\n")
    command = [*LENSLOAD, *place.arguments("cut-", "--client-config", str(slow))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: process.poll() is not None or place.path("cut-").exists())
    wait_until(lambda: process.poll() is not None or len(place.values(f"{place.prefix}cut-orders")) > 500)
    assert process.poll() is None, process.stdout.read() if process.stdout else ""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    file = place.folder / "shop.toml"
    text = file.read_text()
    file.write_text(text.replace("size = 50", "size = 51"))
    refused = place.by_manifest("--resume", "cut-", "--workload", str(file))
    assert refused.exit_code == 2, refused.output
    assert "digest" in refused.output
    for each in ("shop.toml", "order.avsc", "payment.avsc", "parcel.avsc", "key.avsc"):
        (place.folder / each).unlink()
    resumed = place.by_manifest("--resume", "cut-")
    assert resumed.exit_code == 0, resumed.output
    assert 0 < sum(len(place.values(f"{place.prefix}cut-{topic}")) for topic in SCHEMAS) == EVENTS
    seeded_shop.written(place.folder)
    whole = place.run(*place.arguments("whole-"))
    assert whole.exit_code == 0, whole.output
    assert digests(place, "cut-") == digests(place, "whole-")
    assert place.by_manifest("--verify", "cut-").exit_code == 0

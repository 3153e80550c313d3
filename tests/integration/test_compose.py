"""What docker-compose.yml sets is what a broker here runs with, and what its comments and LENS's guide promise.

Docker itself is not needed: the broker's environment is turned into properties as Kafka's image does it, and run.
"""

import re
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from tests.harness.kafka import PROPERTIES, Kafka
from tests.harness.process import free_ports

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
OWN_ADDRESSES = {
    "KAFKA_LISTENERS",
    "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CONTROLLER_QUORUM_VOTERS",
    "KAFKA_LOG_DIRS",
}


def service(name: str) -> str:
    """The lines of one service."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", TEXT, re.MULTILINE)
    assert found, name
    return found[1]


def environment(name: str) -> dict[str, str]:
    """A service's environment variables."""
    found: list[tuple[str, str]] = re.findall(r"^      ([A-Z0-9_]+): (.+)$", service(name), re.MULTILINE)
    return dict(found)


def properties() -> dict[str, str]:
    """The broker's, by the name of each in a properties file: KAFKA_NODE_ID is node.id."""
    variables = environment("kafka").items()
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in variables
        if name.startswith("KAFKA_")
    }


class Composed(Kafka):
    """A broker with the properties of docker-compose.yml, at ports and in a folder of the test's own."""

    def __init__(self) -> None:
        super().__init__()
        (inner,) = free_ports(1)
        moved = {
            "kafka:29092": f"127.0.0.1:{inner}",
            ":29092": f":{inner}",
            "localhost:9092": f"127.0.0.1:{self.port}",
            ":9092": f":{self.port}",
            "localhost:9093": f"127.0.0.1:{self.controller_port}",
            ":9093": f":{self.controller_port}",
            "/var/lib/kafka/data": str(self.folder / "data"),
        }
        lines: list[str] = []
        for name, value in properties().items():
            pattern = "|".join(map(re.escape, moved))
            lines.append(f"{name}={re.sub(pattern, lambda match: moved[match[0]], value)}")
        self._properties.write_text("\n".join(lines))
        cluster_id = environment("kafka")["CLUSTER_ID"]
        config = ("-c", str(self._properties))
        self.tool("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", *config)


def test_the_broker_is_set_up_as_the_harness_proves_it():
    """Every setting that both have has one value, addresses apart."""
    proven = {name: value for name, _, value in (line.partition("=") for line in PROPERTIES.splitlines())}
    own = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in OWN_ADDRESSES}
    both = (set(properties()) & set(proven)) - own
    assert len(both) >= 9
    listeners = "listener.security.protocol.map"  # of which each has its own, all in plain text
    for name in both - {listeners}:
        assert properties()[name] == proven[name], name
    for each in (properties(), proven):
        assert {pair.partition(":")[2] for pair in each[listeners].split(",")} == {"PLAINTEXT"}


@pytest.mark.native
def test_a_broker_with_these_settings_carries_events(kafka: Kafka):
    """Kafka starts with exactly this environment, and a topic nobody created appears, as the guide's producer expects."""
    del kafka  # only so that this is marked and skipped like every test of a real broker
    with Composed() as broker:
        settings = {"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}
        topic = f"t{uuid.uuid4().hex[:8]}"
        producer = Producer(settings)
        producer.produce(topic, b"hello", "key")
        assert producer.flush(20) == 0
        consumer = Consumer({**settings, "group.id": "any", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        try:
            (message,) = consumer.consume(1, timeout=20)
            assert message.value() == b"hello"
        finally:
            consumer.close()


def test_the_guides_addresses():
    """Kafka on 9092, the registry on 8081, the UI on 8080; on this machine alone."""
    for name, port in (("kafka", 9092), ("schema-registry", 8081), ("kafka-ui", 8080), ("master", 8089)):
        assert f'- "127.0.0.1:{port}:{port}"' in service(name)
    assert set(re.findall(r'^      - "(\S+?):\d+:\d+"', TEXT, re.MULTILINE)) == {"127.0.0.1"}
    assert "PLAINTEXT_HOST://localhost:9092" in environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]


def test_images_are_pinned_and_the_broker_is_the_tested_one():
    """No tag moves by itself, and Kafka's is the version that the tests run."""
    tags = dict(re.findall(r"^    image: (\S+):(\S+)$", TEXT, re.MULTILINE))
    assert len(tags) == 3
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", tag) for tag in tags.values())
    pom = (ROOT / "tests" / "harness" / "kafka" / "pom.xml").read_text()
    assert f"<kafka.version>{tags['apache/kafka']}</kafka.version>" in pom


def test_load_is_a_profile_and_workers_scale():
    """Locust starts only when asked for, and no worker claims a name or a port that a second one would need."""
    for name in ("kafka", "schema-registry", "kafka-ui"):
        assert "profiles" not in service(name)
    for name in ("master", "worker"):
        assert "profiles: [load]" in service(name)
    assert "ports:" not in service("worker")
    assert "container_name" not in TEXT


def test_the_image_is_slim_and_not_roots():
    """The Dockerfile ends as an ordinary user, on a slim image, with what it copies present here."""
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE)[-1].endswith("-slim")
    assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", text, re.MULTILINE):
        for name in source.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in (ROOT / ".dockerignore").read_text()

"""What docker-compose.yml sets is what a broker here runs with, and what its comments and LENS's guide promise.

Docker itself is not needed: the broker's environment is turned into properties as Kafka's image does it, and run.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import ConfigResource, ResourceType  # pyright: ignore[reportPrivateImportUsage]

from tests.harness.kafka import PORTS, PROPERTIES, Kafka
from tests.harness.kafka.cluster import NODES, Cluster
from tests.harness.kafka.cluster import PROPERTIES as CLUSTER_PROPERTIES
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
    """A service's environment variables, those that it shares with others among them."""
    found = dict[str, str]()
    if shared := re.search(r"^      <<: \*(\S+)$", service(name), re.MULTILINE):
        block = re.search(rf"^\S+: &{shared[1]}\n((?:  .*\n)+)", TEXT, re.MULTILINE)
        assert block, shared[1]
        found |= dict(re.findall(r"^  ([A-Z0-9_]+): (.+)$", block[1], re.MULTILINE))
    return found | dict(re.findall(r"^      ([A-Z0-9_]+): (.+)$", service(name), re.MULTILINE))


def properties(name: str = "kafka") -> dict[str, str]:
    """A broker's, by the name of each in a properties file: KAFKA_NODE_ID is node.id."""
    variables = environment(name).items()
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in variables
        if name.startswith("KAFKA_")
    }


class Composed(Kafka):
    """A broker with the properties of a service of docker-compose.yml, in a folder of the test's own.

    Args:
        service_name: of the service.
        ports: four that are free.
        moved: where the addresses in the properties are here.
    """

    def __init__(self, service_name: str, ports: Sequence[int], moved: Mapping[str, str]) -> None:
        super().__init__(service_name, ports, environment(service_name)["CLUSTER_ID"])
        self._service_name, self._moved = service_name, moved

    def _settings(self) -> str:
        moved = {**self._moved, "/var/lib/kafka/data": str(self.folder / "data")}
        pattern = "|".join(map(re.escape, sorted(moved, key=len, reverse=True)))
        return "\n".join(
            f"{name}={re.sub(pattern, lambda match: moved[match[0]], value)}"
            for name, value in properties(self._service_name).items()
        )


def composed() -> Composed:
    """The broker that starts by default."""
    ports = free_ports(PORTS)
    port, controller_port, inner, _ = ports
    moved = {
        "kafka:29092": f"127.0.0.1:{inner}",
        ":29092": f":{inner}",
        "localhost:9092": f"127.0.0.1:{port}",
        ":9092": f":{port}",
        "localhost:9093": f"127.0.0.1:{controller_port}",
        ":9093": f":{controller_port}",
    }
    return Composed("kafka", ports, moved)


def composed_cluster() -> dict[int, Kafka]:
    """The three brokers of the profile."""
    ports = free_ports(NODES * PORTS)
    of_node = {number: ports[number - 1 :: NODES] for number in range(1, NODES + 1)}
    shared = {
        address: f"127.0.0.1:{port}"
        for number, (host_port, controller_port, inner, _) in of_node.items()
        for address, port in (
            (f"kafka-{number}:29092", inner),
            (f"localhost:{9191 + number}", host_port),
            (f"kafka-{number}:9093", controller_port),
        )
    }
    return {
        number: Composed(
            f"kafka-{number}",
            them,
            {**shared, ":29092": f":{them[2]}", f":{9191 + number}": f":{them[0]}", ":9093": f":{them[1]}"},
        )
        for number, them in of_node.items()
    }


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
    with composed() as broker:
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


@pytest.mark.native
@pytest.mark.xdist_group("brokers")  # three brokers take as much as two cores give: one after the other
def test_three_brokers_with_these_settings_are_a_cluster():
    """The profile's brokers find each other, and a topic nobody created has three replicas, of which two must be in sync."""
    with Cluster(composed_cluster()) as brokers:
        settings = {"bootstrap.servers": brokers.bootstrap_servers, "log_level": 0}
        topic = f"t{uuid.uuid4().hex[:8]}"
        producer = Producer({**settings, "acks": "all"})
        producer.produce(topic, b"hello", "key")
        assert producer.flush(60) == 0
        brokers.await_whole()
        (partition,) = brokers.admin.list_topics(topic, timeout=30).topics[topic].partitions.values()
        assert set(partition.isrs) == {1, 2, 3}
        resource = ConfigResource(ResourceType.TOPIC, topic)
        found = brokers.admin.describe_configs([resource])[resource].result(30)
        assert found["min.insync.replicas"].value == "2"


def test_the_three_brokers_differ_only_in_their_addresses():
    """One set of settings, and those that the harness proves have its values; the host's ports are what the head of the file says."""
    proven = {
        name: value for name, _, value in (line.partition("=") for line in CLUSTER_PROPERTIES.splitlines())
    }
    own = {"node.id", "listeners", "advertised.listeners"}
    first = properties("kafka-1")
    for number in (1, 2, 3):
        found = properties(f"kafka-{number}")
        assert found["node.id"] == str(number)
        assert f"PLAINTEXT_HOST://localhost:{9191 + number}" in found["advertised.listeners"]
        assert {name for name in found if found[name] != first[name]} <= own
    both = (set(first) & set(proven)) - own - {"controller.quorum.voters"}
    assert len(both) >= 6
    for name in both:
        assert first[name] == proven[name], name


def test_the_guides_addresses():
    """Kafka on 9092, the registry on 8081, the UI on 8080; on this machine alone."""
    for name, port in (("kafka", 9092), ("schema-registry", 8081), ("kafka-ui", 8080), ("master", 8089)):
        assert f'- "127.0.0.1:{port}:{port}"' in service(name)
    assert set(re.findall(r'^      - "(\S+?):\d+:\d+"', TEXT, re.MULTILINE)) == {"127.0.0.1"}
    assert "PLAINTEXT_HOST://localhost:9092" in environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]


def test_images_are_pinned_and_the_broker_is_the_tested_one():
    """No tag moves by itself, and Kafka's is the version that the tests run."""
    images = re.findall(r"^ +image: (\S+):(\S+)$", TEXT, re.MULTILINE)
    tags = dict(images)
    assert len(tags) == 3
    assert len(set(images)) == 3, "the brokers' image has two tags"
    assert all(re.fullmatch(r"v?\d+\.\d+\.\d+", tag) for tag in tags.values())
    pom = (ROOT / "tests" / "harness" / "kafka" / "pom.xml").read_text()
    assert f"<kafka.version>{tags['apache/kafka']}</kafka.version>" in pom


def test_load_is_a_profile_and_workers_scale():
    """Locust starts only when asked for, and no worker claims a name or a port that a second one would need."""
    for name in ("kafka", "schema-registry", "kafka-ui"):
        assert "profiles" not in service(name)
    for name in ("master", "worker"):
        assert "profiles: [load]" in service(name)
    for number in (1, 2, 3):
        assert "<<: *cluster-broker" in service(f"kafka-{number}")
    assert re.search(r"&cluster-broker\n  profiles: \[cluster\]", TEXT)
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

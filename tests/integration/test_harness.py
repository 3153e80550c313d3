"""The servers that other tests stand on are real, ours alone, and can be ill-treated."""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from tests.harness import artifacts
from tests.harness.artifacts import HarnessError
from tests.harness.kafka import Kafka
from tests.harness.process import SERVER_PORTS, Server, free_ports
from tests.harness.registry import Registry

ROOT = Path(__file__).parents[2]
# RESPELLED is SCHEMA with other whitespace, as it comes from another tool or by hand.
SCHEMA = Schema('{"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}]}', "AVRO")
RESPELLED = Schema('{"name":"A","type":"record","fields":[{"name":"a","type":"string"}]}', "AVRO")
# A reader with this schema cannot read what SCHEMA wrote: the new field has no default.
UNREADABLE = Schema(
    '{"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int"}]}',
    "AVRO",
)


def create_topic(server: Kafka, name: str, partitions: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": server.bootstrap_servers, "log_level": 0})
    for created in admin.create_topics([NewTopic(name, partitions, 1)]).values():
        created.result(timeout=10)


def produce(server: Kafka, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": server.bootstrap_servers, "log_level": 0})
    producer.produce(topic, value)
    assert producer.flush(20) == 0


def read_values(server: Kafka, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": server.bootstrap_servers, "group.id": "unused", "log_level": 0})
    try:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        return [message.value() for message in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def test_broker_carries_messages(kafka: Kafka, topic_prefix: str) -> None:
    """What is produced to the real broker can be read back."""
    topic = f"{topic_prefix}carried"
    create_topic(kafka, topic)
    produce(kafka, topic, b"hello")
    assert read_values(kafka, topic, 1) == [b"hello"]


def test_topics_never_appear_by_themselves(kafka: Kafka, topic_prefix: str) -> None:
    """A topic that nobody created is an error, so that our tool's creating of topics is really tested."""
    producer = Producer(
        {"bootstrap.servers": kafka.bootstrap_servers, "topic.metadata.propagation.max.ms": 0, "log_level": 0}
    )
    errors: list[KafkaError | None] = []
    producer.produce(f"{topic_prefix}missing", b"", on_delivery=lambda error, _: errors.append(error))
    producer.flush(20)
    assert [error and error.name() for error in errors] == ["UNKNOWN_TOPIC_OR_PART"]


def test_kafkas_own_tools_run(kafka: Kafka, topic_prefix: str) -> None:
    """Kafka's ProducerPerformance can be run against the broker, to compare figures with."""
    topic = f"{topic_prefix}perf"
    create_topic(kafka, topic, partitions=4)
    sizes = ("--num-records", "1000", "--record-size", "300", "--throughput", "-1")
    address = ("--bootstrap-server", kafka.bootstrap_servers)
    assert "1000 records sent" in kafka.tool(
        "org.apache.kafka.tools.ProducerPerformance", "--topic", topic, *sizes, *address
    )


def test_a_tool_that_fails_says_why(kafka: Kafka) -> None:
    """What a failing tool printed is in the error, not lost."""
    with pytest.raises(HarnessError, match=r"(?s)ProducerPerformance failed.*usage"):
        kafka.tool("org.apache.kafka.tools.ProducerPerformance", "--nonsense")


def test_broker_survives_what_tests_do_to_it(own_kafka: Kafka) -> None:
    """After stop, kill and freeze the broker answers at the same address with the same data."""
    address = own_kafka.bootstrap_servers
    create_topic(own_kafka, "kept")
    produce(own_kafka, "kept", b"0")
    own_kafka.restart()
    produce(own_kafka, "kept", b"1")
    own_kafka.kill()
    assert not own_kafka.is_running
    own_kafka.start()
    own_kafka.freeze()
    admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=0.5)
    own_kafka.thaw()
    produce(own_kafka, "kept", b"2")
    assert own_kafka.bootstrap_servers == address
    assert read_values(own_kafka, "kept", 3) == [b"0", b"1", b"2"]


def test_same_schema_same_id(registry: Registry, topic_prefix: str) -> None:
    """Once or twice, respelled or under another subject: a schema has one id, as with Confluent's registry."""
    with SchemaRegistryClient({"url": registry.url}) as client:
        first = client.register_schema(f"{topic_prefix}a-value", SCHEMA)
    with SchemaRegistryClient({"url": registry.url}) as client:  # the first one would answer from its cache
        assert client.register_schema(f"{topic_prefix}a-value", SCHEMA) == first
        assert client.register_schema(f"{topic_prefix}a-value", RESPELLED) == first
        assert client.register_schema(f"{topic_prefix}b-value", SCHEMA) == first
        assert client.get_latest_version(f"{topic_prefix}a-value").version == 1
        assert f"{topic_prefix}b-value" in client.get_subjects()


@pytest.mark.parametrize("level_is_set", [False, True])
def test_backward_refuses_a_bad_schema(registry: Registry, topic_prefix: str, level_is_set: bool) -> None:
    """An incompatible schema is a 409, under the global level as under the subject's own."""
    subject = f"{topic_prefix}refused-value"
    with SchemaRegistryClient({"url": registry.url}) as client:
        client.register_schema(subject, SCHEMA)
        if level_is_set:
            client.set_compatibility(subject, "BACKWARD")
        assert not client.test_compatibility(subject, UNREADABLE)
        with pytest.raises(SchemaRegistryError) as refused:
            client.register_schema(subject, UNREADABLE)
    assert refused.value.http_status_code == 409


def test_unknown_subject_is_40401(registry: Registry, topic_prefix: str) -> None:
    """Error codes are Confluent's, which our messages are made from."""
    with SchemaRegistryClient({"url": registry.url}) as client, pytest.raises(SchemaRegistryError) as unknown:
        client.get_latest_version(f"{topic_prefix}unknown")
    assert (unknown.value.http_status_code, unknown.value.error_code) == (404, 40401)


class Sleeper(Server):
    """A server that does nothing and always answers."""

    def __init__(self) -> None:
        super().__init__("sleeper")

    def _command(self) -> list[str]:
        return ["sleep", "60"]

    def _answers(self) -> bool:
        return True


class Broken(Sleeper):
    """A server that ends before it answers."""

    def _command(self) -> list[str]:
        return ["sh", "-c", "echo I will not; exit 3"]

    def _answers(self) -> bool:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="the leash is Linux's PR_SET_PDEATHSIG")
def test_servers_end_with_whoever_started_them() -> None:
    """When the process that started a server is killed, the kernel kills the server too."""
    code = (
        "import sys; from tests.integration.test_harness import Sleeper; server = Sleeper(); server.start();"
        "print(server.pid, server.folder, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=PIPE, stdout=PIPE) as parent:
        assert parent.stdout is not None
        server_pid, folder = parent.stdout.readline().split()
        server = os.pidfd_open(int(server_pid))  # readable when the process has ended
        parent.kill()
    ended, _, _ = select.select([server], [], [], 20)
    os.close(server)
    shutil.rmtree(folder)
    assert ended


def test_closing_ends_the_process_and_deletes_its_folder() -> None:
    """Nothing of a server is left behind, not even of a frozen one."""
    with Sleeper() as server:
        pid, folder = server.pid, server.folder
        server.freeze()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ends_shows_its_log() -> None:
    """A server that cannot start says so at once, with the end of its log."""
    with pytest.raises(HarnessError, match=r"(?s)exit code 3.*I will not"), Broken():
        pytest.fail("it started")


def test_ports_are_free_and_distinct() -> None:
    """Ports come from below the range of outgoing connections, and never twice."""
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert set(ports) <= set(SERVER_PORTS)


@pytest.fixture
def fake_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put in Maven's place a script that fails while the file `hiccups`, a line each time, lasts."""
    script = tmp_path / "bin" / "mvn"
    script.parent.mkdir()
    script.write_text(
        f"""#!/bin/sh
echo called >> {tmp_path}/calls
for argument; do case $argument in -Dharness.output=*) output=${{argument#*=}};; esac; done
echo half > $output/some.jar
[ "$(wc -l < {tmp_path}/calls)" -gt "$(cat {tmp_path}/hiccups)" ] || {{ echo no network; exit 1; }}
"""
    )
    script.chmod(0o755)
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "pom.xml").write_text("<project/>")
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(artifacts, "HARNESS", tmp_path)
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(artifacts, "PAUSES_S", (0, 0, 0))
    return tmp_path


def test_artifacts_are_downloaded_once_despite_a_hiccup(fake_maven: Path) -> None:
    """A network failure is retried, and what has been downloaded is never downloaded again."""
    (fake_maven / "hiccups").write_text("2")
    folder = artifacts.fetch("kafka")
    assert artifacts.fetch("kafka") == folder
    assert [file.name for file in folder.iterdir()] == ["some.jar"]
    assert (fake_maven / "calls").read_text().count("called") == 3


def test_a_failed_download_leaves_no_half_cache(fake_maven: Path) -> None:
    """When Maven fails for good nothing looks like a cache afterwards, and its words are in the error."""
    (fake_maven / "hiccups").write_text("9")
    with pytest.raises(HarnessError, match=r"(?s)failed 3 times.*no network"):
        artifacts.fetch("kafka")
    assert [file.name for file in (fake_maven / "cache").iterdir()] == ["kafka.lock"]


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_missing_tools_skip_here_and_fail_in_ci(ci: str, outcome: str) -> None:
    """Without Java a native test is skipped on a person's machine, and fails in CI: no green by absence."""
    test = f"{__file__}::test_broker_carries_messages"
    environment = {**os.environ, "PATH": os.devnull, "CI": ci}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert outcome in done.stdout.splitlines()[-1]
    assert "needs java" in done.stdout

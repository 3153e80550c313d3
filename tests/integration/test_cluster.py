"""The cluster is reached or named as unreachable, topics are there before a run, and secrets stay in their file."""

import errno
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AclBinding,  # pyright: ignore[reportPrivateImportUsage]
    AclOperation,  # pyright: ignore[reportPrivateImportUsage]
    AclPermissionType,  # pyright: ignore[reportPrivateImportUsage]
    AdminClient,
    ResourcePatternType,  # pyright: ignore[reportPrivateImportUsage]
    ResourceType,  # pyright: ignore[reportPrivateImportUsage]
)

from lensload.config.fields import Cluster
from lensload.config.model import RunConfig
from lensload.errors import ClusterError, UsageError
from lensload.kafka import client_config, connection, diagnosis, topics
from lensload.kafka.client_errors import NO_BROKER, Troubles
from lensload.kafka.embedded import EmbeddedCluster
from tests.harness import kafka as native
from tests.support.web_server import web_server as quiet_web_server

REAL = RunConfig.of(bootstrap_servers="127.0.0.1:9", registry_url="mock://")


@pytest.fixture
def embedded() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    return tmp_path / "client.properties"


def test_the_embedded_cluster_carries_messages(embedded: EmbeddedCluster):
    """Whoever connects with the settings of a run can write to the embedded cluster and read it back."""
    settings = connection.client_settings(Cluster(), embedded.bootstrap_servers)
    assert topics.ensure_topics(settings, ["p-user-interactions"], 4, 1, embedded=True) == {
        "p-user-interactions": 4
    }
    producer = Producer(settings)
    producer.produce("p-user-interactions", b"value", b"key", partition=2)
    assert producer.flush(10) == 0
    consumer = Consumer({**settings, "group.id": "none", "fetch.wait.max.ms": 10})
    consumer.assign([TopicPartition("p-user-interactions", 2, 0)])
    message = consumer.poll(10)
    consumer.close()
    assert message is not None
    assert (message.error(), message.key(), message.value()) == (None, b"key", b"value")


def test_a_trouble_is_told_once_in_plain_words(monkeypatch: pytest.MonkeyPatch):
    """A client that complains twenty times a second floods no log, and its inner workings stay its own."""
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    troubles = Troubles()
    refused = "127.0.0.1:9092/{}: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after {}ms in state CONNECT)"
    for place, ms in (("bootstrap", 0), ("1", 3)):
        troubles(KafkaError(KafkaError._TRANSPORT, refused.format(place, ms)))  # noqa: SLF001  # public, whatever its name
    troubles(KafkaError(KafkaError._ALL_BROKERS_DOWN, "0/2 brokers are down"))  # noqa: SLF001
    plain = "127.0.0.1:9092: Connect to 127.0.0.1:9092 failed: Connection refused"
    counted, others = troubles.take()
    assert re.fullmatch(rf"{re.escape(plain)} \(2 .*\)", counted)
    assert others == NO_BROKER
    troubles(KafkaError(KafkaError._TRANSPORT, refused.format("1", 7)))  # noqa: SLF001
    assert troubles.take() == []
    now_s[0] += 31
    assert troubles.take() == [plain]


def test_the_embedded_cluster_is_silent_and_local(capfd: pytest.CaptureFixture[str]):
    """It listens on this machine only, leaves nothing on the terminal, and closing twice is once."""
    running = EmbeddedCluster()
    facts = connection.check(connection.client_settings(Cluster(), running.bootstrap_servers))
    running.close()
    running.close()
    assert facts.brokers == (running.bootstrap_servers,)
    assert running.bootstrap_servers.startswith("127.0.0.1:")
    assert capfd.readouterr() == ("", "")


def test_the_log_of_librdkafka_goes_to_python_logging(
    embedded: EmbeddedCluster, caplog: pytest.LogCaptureFixture, config_file: Path
):
    """Who wants librdkafka's log finds it under lensload.kafka, not on stderr."""
    config_file.write_text("debug=broker")
    settings = connection.client_settings(
        RunConfig.of(client_config=config_file).cluster, embedded.bootstrap_servers
    )
    with caplog.at_level(logging.DEBUG, logger="lensload.kafka"):
        producer = Producer(settings)
        producer.list_topics(timeout=10)
        producer.poll(0)
    assert any(record.name == "lensload.kafka" for record in caplog.records)


def test_topics_that_are_there_are_used_as_they_are(embedded: EmbeddedCluster):
    """Other partition counts than those asked for are told, not changed; asking twice is once."""
    settings = connection.client_settings(Cluster(), embedded.bootstrap_servers)
    for _ in range(2):
        assert topics.ensure_topics(settings, ["a", "b"], 9, 1, embedded=True) == {"a": 4, "b": 4}


def refusal_of(address: str, config: RunConfig, timeout_s: float) -> tuple[str, float]:
    """What `check` says of the address, and after how many seconds."""
    begun_s = time.monotonic()
    with pytest.raises(ClusterError) as caught:
        connection.check(connection.client_settings(config.cluster, address), timeout_s)
    assert caught.value.exit_code == 4
    return str(caught.value), time.monotonic() - begun_s


def test_a_closed_port_is_named_within_ten_seconds():
    """Who mistypes the address, or forgot to start the cluster, reads so, soon."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: refuses, and nobody else can take it
        address = f"127.0.0.1:{held.getsockname()[1]}"
        text, waited_s = refusal_of(address, REAL, 60)
    assert waited_s < 30
    assert address in text
    assert "--bootstrap-servers" in text


def test_a_port_that_never_answers_is_given_up():
    """A firewall that swallows everything costs the promised time and no more."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        text, waited_s = refusal_of(address, REAL, 2)
    assert 1.5 < waited_s < 30
    assert address in text


def test_a_name_that_nobody_knows_is_told_at_once():
    """A host name that does not resolve is not waited for."""
    text, waited_s = refusal_of("nowhere.invalid:9092", REAL, 60)
    assert waited_s < 30
    assert "nowhere.invalid:9092" in text


def answer_with_http(server: socket.socket) -> None:
    """Accept until the socket is closed, and answer as a web server answers what is no HTTP."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def web_server() -> Iterator[str]:
    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=answer_with_http, args=(server,))
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SSL"])
def test_a_web_server_in_a_brokers_place_is_told_so(web_server: str, protocol: str, config_file: Path):
    """The registry's port given for the broker's is a common slip, and so is one that answers nothing but HTTP."""
    config_file.write_text(f"security.protocol={protocol}")
    with quiet_web_server(BaseHTTPRequestHandler) as url:
        for address in (web_server, url.removeprefix("http://")):
            text, waited_s = refusal_of(address, REAL.changed(client_config=config_file), 60)
            assert waited_s < 30
            assert f"{address} answers HTTP" in text
            assert "--bootstrap-servers" in text


def test_a_broker_is_not_taken_for_a_web_server(embedded: EmbeddedCluster):
    """What closes the connection when it is asked in HTTP does not speak it, and neither does a closed port."""
    host, _, port = embedded.bootstrap_servers.partition(",")[0].rpartition(":")
    assert not diagnosis.answers_http(host, int(port))
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert not diagnosis.answers_http("127.0.0.1", held.getsockname()[1])


def test_tls_where_there_is_none_is_told_so(embedded: EmbeddedCluster, config_file: Path):
    """security.protocol and port must agree, and the message says where to look."""
    config_file.write_text("security.protocol=SSL")
    text, waited_s = refusal_of(embedded.bootstrap_servers, REAL.changed(client_config=config_file), 60)
    assert waited_s < 30
    assert "security.protocol=PLAINTEXT" in text


def test_refused_credentials_are_told_and_not_repeated(embedded: EmbeddedCluster, config_file: Path):
    """A cluster that will not have our credentials says so at once, and the password appears nowhere."""
    config_file.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=ann\nsasl.password=sesame\n"
    )
    config = REAL.changed(client_config=config_file)
    text, waited_s = refusal_of(embedded.bootstrap_servers, config, 60)
    assert waited_s < 30
    assert "sasl" in text
    assert "--client-config" in text
    assert "sesame" not in text


def test_the_client_configuration_is_read_as_it_is_written(config_file: Path):
    """Comments, blank lines, spaces and = in values are what people write."""
    config_file.write_text("# a comment\n\n  batch.size = 20000 \nsasl.password=a=b#c\n")
    assert client_config.read(config_file) == {"batch.size": "20000", "sasl.password": "a=b#c"}
    settings = connection.client_settings(REAL.changed(client_config=config_file).cluster, "a:1")
    assert settings["batch.size"] == "20000"
    assert settings["bootstrap.servers"] == "a:1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("batch.size=1000\nsesame", r"client\.properties:2: "),
        ("=sesame", r":1: "),
        ("sasl.jaas.config=sesame", r"(?s):1: .*sasl\.username.*sasl\.password"),
        ("batch.size=1000\nbatch.size=2000", r":2: batch\.size .*\b1\b"),
        ("\nbatch.sise=1000", r':2: No such configuration property: "batch\.sise"'),
        ("batch.size=lots", r':1: Invalid value for configuration property "batch\.size"'),
        (
            "transactional.id=x\npartitioner=random",
            r"(?s):1: transactional\.id .*:2: partitioner ",
        ),
        ("sasl.username=s\nsasl.password=sesame", r"sasl\.mechanisms"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=AWS_MSK_IAM", "SCRAM"),
        ("security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER", r"sasl\.oauthbearer\."),
        ("ssl.keystore.type=JKS\nssl.keystore.location=/dev/null", "JKS"),
        ("ssl.ca.location=/dev/null", r":1: ssl\.ca\.location .*/dev/null"),
        ("error_cb=sesame", r":1: error_cb "),
        ("security.protocol=SSL\nssl.ca.location=/nowhere.pem", r":2: ssl\.ca\.location .*/nowhere\.pem"),
        (
            "\nsasl.mechanism=AWS_MSK_IAM\nsasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;",
            r":2: sasl\.mechanism .*AWS_MSK_IAM(?s:.*)SCRAM",
        ),
        (
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.password=sesame",
            r"sasl\.username",
        ),
    ],
)
def test_an_unfit_client_configuration_is_refused_with_its_line(
    config_file: Path, content: str, message: str
):
    """Who slips in the properties reads where, before anything is started, and no value is repeated."""
    config_file.write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        client_config.read(config_file)
    assert "sesame" not in str(caught.value)


def test_an_unreadable_client_configuration_is_named(tmp_path: Path):
    """A missing file, a folder and a binary are named, not thrown."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path, reason in (
        ("gone", os.strerror(errno.ENOENT)),
        ("", os.strerror(errno.EISDIR)),
        ("binary", "UTF-8"),
    ):
        with pytest.raises(UsageError, match=rf"{re.escape(str(tmp_path / path))} .*{reason}"):
            client_config.read(tmp_path / path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xfe\xed\xfe\xed\0\0\0\2", "a key store of Java"),
        (b"0\x82\x05\x01\x02", "a PKCS#12 store"),
        (b"-----BEGIN CERTIFICATE-----\n", "a PEM file"),
        (
            b'KafkaClient {\n  org.apache.kafka.common.security.plain.PlainLoginModule required\n  password="sesame";\n};',
            "a JAAS",
        ),
        (b'\xef\xbb\xbf{"sasl.password": "sesame"}', "JSON"),
    ],
)
def test_a_file_of_another_kind_is_named_as_what_it_is(config_file: Path, content: bytes, kind: str):
    """Who gives the file beside the properties reads what to give, whether it is read as properties or named in them."""
    config_file.write_bytes(content)
    with pytest.raises(UsageError, match=kind) as caught:
        client_config.read(config_file)
    assert "sesame" not in str(caught.value)
    (config_file.parent / "outer").write_text(f"ssl.ca.location={config_file}")
    if kind != "a PEM file":
        with pytest.raises(UsageError, match=r"outer:1: ssl\.ca\.location names .*(JKS|PKCS#12|not a PEM)"):
            client_config.read(config_file.parent / "outer")


def test_security_is_left_out_on_the_embedded_cluster(config_file: Path):
    """The file for the real cluster may stay in lensload.toml: tuning counts here too, TLS cannot."""
    config_file.write_text("security.protocol=SSL\nbatch.size=20000\n")
    settings = connection.client_settings(RunConfig.of(client_config=config_file).cluster, "a:1")
    assert settings["batch.size"] == "20000"
    assert "security.protocol" not in settings


def test_a_run_file_holds_settings_but_no_secrets(config_file: Path):
    """What tuned a run stands in its conditions; what opened the door does not."""
    config_file.write_text(
        "batch.size=20000\nsasl.mechanism=PLAIN\nsasl.username=ann\nsasl.password=sesame\n"
        "ssl.key.password=sesame\nsasl.oauthbearer.client.secret=sesame\n"
    )
    shown = client_config.public(
        connection.client_settings(REAL.changed(client_config=config_file).cluster, "a:1")
    )
    assert shown["batch.size"] == "20000"
    assert shown["sasl.mechanism"] == "PLAIN"
    assert shown["sasl.password"] == "(secret)"
    assert "logger" not in shown
    assert not {"sesame", "ann"} & set(shown.values())


def settings_of(server: native.Kafka) -> dict[str, Any]:
    return connection.client_settings(REAL.cluster, server.bootstrap_servers)


@pytest.mark.native
def test_a_real_cluster_gets_the_topics_it_lacks(kafka: native.Kafka, topic_prefix: str):
    """Missing topics are created as asked for, ready to be written at once; existing ones stay as they are."""
    settings = settings_of(kafka)
    names = [f"{topic_prefix}{name}" for name in ("a", "b")]
    assert connection.check(settings).brokers == (kafka.bootstrap_servers,)
    assert topics.ensure_topics(settings, names[:1], 6, 1, embedded=False) == {names[0]: 6}
    assert topics.ensure_topics(settings, names, 3, 1, embedded=False) == {names[0]: 6, names[1]: 3}
    failures: list[object] = []
    producer = Producer({**settings, "retries": 0, "on_delivery": lambda error, _: failures.append(error)})
    for partition in range(3):
        producer.produce(names[1], b"value", partition=partition)
    assert producer.flush(10) == 0
    assert failures == [None, None, None]


@pytest.mark.native
def test_workers_that_start_together_do_not_trip_over_each_other(kafka: native.Kafka, topic_prefix: str):
    """All processes of a run ensure the same topics at the same moment."""
    names = [f"{topic_prefix}{name}" for name in ("a", "b", "c")]
    with ThreadPoolExecutor(4) as workers:
        found = [
            workers.submit(topics.ensure_topics, settings_of(kafka), names, 4, 1, embedded=False)
            for _ in range(4)
        ]
    assert all(each.result() == dict.fromkeys(names, 4) for each in found)


@pytest.mark.native
def test_more_replicas_than_brokers_are_refused(kafka: native.Kafka, topic_prefix: str):
    """A laptop's one broker cannot have three replicas, and the flag to change is named."""
    with pytest.raises(ClusterError, match=rf"{topic_prefix}a .*\n.*--replication-factor"):
        topics.ensure_topics(settings_of(kafka), [f"{topic_prefix}a"], 4, 3, embedded=False)


@pytest.mark.native
def test_a_topic_that_may_not_be_written_is_refused_before_the_run(monkeypatch: pytest.MonkeyPatch):
    """Missing rights are told by topic and right at the start, not as a million failed events."""
    guarded = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    guarded += "allow.everyone.if.no.acl.found=true\n"
    monkeypatch.setattr(native, "PROPERTIES", native.PROPERTIES + guarded)
    with native.Kafka() as server:
        settings = settings_of(server)
        topics.ensure_topics(settings, ["open", "shut", "hidden"], 1, 1, embedded=False)
        forbid(settings, "shut", AclOperation.WRITE)
        forbid(settings, "hidden", AclOperation.DESCRIBE)
        assert topics.ensure_topics(settings, ["open"], 1, 1, embedded=False) == {"open": 1}
        with pytest.raises(ClusterError, match=r"shut .*WRITE"):
            topics.ensure_topics(settings, ["open", "shut"], 1, 1, embedded=False)
        with pytest.raises(ClusterError, match="hidden "):
            topics.ensure_topics(settings, ["hidden"], 1, 1, embedded=False)


def forbid(settings: dict[str, Any], topic: str, operation: AclOperation) -> None:
    """Deny everybody the operation on the topic, and allow the others; returns when the broker does so."""
    kind, pattern, allow, deny = (
        ResourceType.TOPIC,
        ResourcePatternType.LITERAL,
        AclPermissionType.ALLOW,
        AclPermissionType.DENY,
    )
    rules = [
        AclBinding(kind, topic, pattern, "User:ANONYMOUS", "*", what, verdict)
        for what, verdict in ((AclOperation.ALL, allow), (operation, deny))
    ]
    admin = AdminClient(settings)
    for future in admin.create_acls(rules).values():
        future.result(10)
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        topics = admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True)
        try:
            allowed = topics[topic].result(10).authorized_operations
        except KafkaException:
            return
        if operation not in allowed:
            return
    pytest.fail(f"the broker never denied {operation} on {topic}")


@pytest.mark.native
def test_a_broker_that_advertises_another_address_is_told(monkeypatch: pytest.MonkeyPatch):
    """The commonest slip with Kafka in containers: the door answers, the address behind it does not."""
    astray = native.PROPERTIES.replace(
        "advertised.listeners=PLAINTEXT://{host}:", "advertised.listeners=PLAINTEXT://nowhere.invalid:"
    )
    assert astray != native.PROPERTIES
    monkeypatch.setattr(native, "PROPERTIES", astray)
    monkeypatch.setattr(topics, "_TOPICS_S", 2.0)
    with (
        native.Kafka() as server,
        pytest.raises(ClusterError, match=r"nowhere\.invalid[\s\S]*advertised\.listeners"),
    ):
        topics.ensure_topics(settings_of(server), ["a"], 1, 1, embedded=False)

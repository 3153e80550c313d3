"""The doctor against a real broker and registry: what is wrong is found by its code, and nothing is left behind."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AdminClient, NewTopic  # pyright: ignore[reportPrivateImportUsage]

from lensload.cli.main import main
from lensload.doctor.finding import EXIT_CODES
from lensload.schema import definitions, registry
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.registries import standing_in


def diagnosed(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by code."""
    result = CliRunner().invoke(main, ["doctor", "--json", "--max-schedule-lag", "1m", *arguments])
    document = json.loads(result.stdout)
    assert document["exit_code"] == result.exit_code
    for each in document["findings"]:
        assert each["severity"] in EXIT_CODES
        assert each["fix"] or each["severity"] in ("ok", "note", "warning")
    return result.exit_code, {each["code"]: each for each in document["findings"]}


def where(kafka: Kafka, registry: Registry, prefix: str) -> list[str]:
    """The flags that say where."""
    return [
        *("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url),
        *("--topic-prefix", prefix),
    ]


def made(kafka: Kafka, name: str, **settings: str) -> None:
    """Have a topic with these settings, whose names have _ for the dot."""
    config = {key.replace("_", "."): value for key, value in settings.items()}
    topic = NewTopic(name, 2, 1, config=config)
    client = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})  # whose end would end the request
    client.create_topics([topic])[name].result(10)


def topics_of(kafka: Kafka) -> set[str]:
    """All topics that the broker has."""
    return set(AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=10).topics)


def test_nothing_is_left_behind(kafka: Kafka, registry: Registry, topic_prefix: str):
    """On a cluster without topics and schemas the doctor says what a run will create, and creates none of it."""
    before = topics_of(kafka)
    code, found = diagnosed(*where(kafka, registry, topic_prefix), "--probe-topic")
    assert code == 0
    assert {"cluster_reached", "broker_reached", "topics_missing", "schemas_missing"} <= set(found)
    assert found["broker_clock"]["severity"] == "ok"
    assert topics_of(kafka) == before
    name = definitions.subject("model-metrics", topic_prefix)
    with _books(registry) as books:
        assert books.latest(name) is None


def _books(server: Registry) -> registry.Registry:
    return registry.connect(server.url, {})


@pytest.mark.parametrize(
    ("settings", "code", "severity"),
    [
        ({"retention_ms": "60000"}, "short_retention", "warning"),
        ({"max_message_bytes": "300"}, "max_message_bytes", "refused"),
        ({"min_insync_replicas": "2"}, "min_insync_replicas", "warning"),
        ({"message_timestamp_type": "LogAppendTime"}, "log_append_time", "warning"),
        ({"cleanup_policy": "compact"}, "compacted", "warning"),
        ({"retention_ms": "86400000"}, "history_would_not_stay", "note"),
    ],
)
def test_a_wrong_setting_is_found(
    kafka: Kafka, registry: Registry, topic_prefix: str, settings: dict[str, str], code: str, severity: str
):
    """Each setting that would spoil a run or a history is named, with what it means and the fix."""
    made(kafka, f"{topic_prefix}model-metrics", **settings)
    ended, found = diagnosed(*where(kafka, registry, topic_prefix), "--topics", "model-metrics")
    assert found[code]["severity"] == severity
    assert found[code]["meaning"]
    assert ended == EXIT_CODES[found[code]["severity"]]


def test_the_same_setting_of_several_topics_is_one_finding(
    kafka: Kafka, registry: Registry, topic_prefix: str
):
    """A finding names all topics that it is about, and one that differs has its own."""
    for topic in ("model-metrics", "ab-test-events"):
        made(kafka, topic_prefix + topic, message_timestamp_type="LogAppendTime")
    made(kafka, f"{topic_prefix}user-interactions")
    _, found = diagnosed(*where(kafka, registry, topic_prefix))
    text = found["log_append_time"]["text"]
    assert [topic in text for topic in ("model-metrics", "ab-test-events", "user-interactions")] == [1, 1, 0]


def test_topics_that_cannot_be_created_are_found(kafka: Kafka, registry: Registry, topic_prefix: str):
    """The broker is asked whether it would create them, without doing so."""
    code, found = diagnosed(*where(kafka, registry, topic_prefix), "--replication-factor", "3")
    assert (code, found["topics_not_creatable"]["severity"]) == (4, "refused")


def test_what_does_not_answer_does_not_hide_the_rest(registry: Registry):
    """A cluster that is down is one finding, and registry and machine are looked at all the same."""
    code, found = diagnosed("--bootstrap-servers", "127.0.0.1:1", "--registry-url", registry.url)
    assert code == 4
    assert {"cluster_refused", "schemas_missing", "cores", "memory", "open_files"} <= set(found)


def test_a_registry_with_somebody_elses_subject_is_found(kafka: Kafka, topic_prefix: str):
    """A subject of another record is told before a run would fail on it."""
    foreign = '{"type": "record", "name": "Other", "fields": []}'
    with standing_in() as server:
        subject = definitions.subject("model-metrics", topic_prefix)
        server.answer("POST", f"/subjects/{subject}/versions", {"schema": foreign})
        arguments = ("--topics", "model-metrics", "--topic-prefix", topic_prefix)
        code, found = diagnosed(
            "--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", server.url, *arguments
        )
    assert (code, found["foreign_subject"]["severity"]) == (2, "usage")


def test_an_equal_schema_is_no_new_version_and_never_forbids_a_missing_one(kafka: Kafka, topic_prefix: str):
    """The doctor judges the registry by --register, as a run does."""
    text = json.dumps({**json.loads(definitions.load()["model-metrics"].text), "doc": "of another team"})
    arguments = ("--topics", "model-metrics", "--topic-prefix", topic_prefix)
    with standing_in() as server:
        at = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", server.url, *arguments)
        code, found = diagnosed(*at, "--register", "never")
        assert (code, found["schema_not_registered"]["severity"]) == (4, "refused")
        server.answer(
            "POST",
            f"/subjects/{definitions.subject('model-metrics', topic_prefix)}/versions",
            {"schema": text},
        )
        for mode, wanted in (
            ("never", "schemas_registered"),
            ("missing", "schemas_registered"),
            ("always", "schema_new_version"),
        ):
            code, found = diagnosed(*at, "--register", mode)
            assert (code, wanted in found) == (0, True)


def test_a_run_begins_with_what_the_doctor_would_say(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The part that costs next to nothing is looked at by bench itself, with the same words."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lensload.bench.run", lambda _, meanwhile: meanwhile())
    made(kafka, f"{topic_prefix}model-metrics", cleanup_policy="compact")
    result = CliRunner().invoke(
        main, ["bench", *where(kafka, registry, topic_prefix), "--topics", "model-metrics"]
    )
    assert re.search(r"cleanup\.policy.*compact", result.stderr)


def test_a_machine_without_a_cluster_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without an address the doctor says that a run would be embedded, as text too."""
    monkeypatch.chdir(tmp_path)
    code, found = diagnosed()
    assert (code, found["embedded"]["severity"]) == (0, "note")
    text = CliRunner().invoke(main, ["doctor", "--max-schedule-lag", "1m"]).stdout
    assert found["embedded"]["text"] in " ".join(text.split())

"""A cluster is filled with the same history each time, whatever interrupts it, and nothing vanishes unsaid."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # pyright: ignore[reportPrivateImportUsage]

from lensload import ids
from lensload.cli import main
from lensload.encoding import wire
from lensload.kafka.admin import TopicAdmin
from lensload.seed import manifest as manifests
from lensload.seed import reader
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import wait_until

LENSLOAD = [sys.executable, "-c", "from lensload.cli.main import main; main()"]
UNTIL = "2026-09-21T00:00:00Z"
SMALL = ("--audience-size", "640", "--catalogue-size", "240", "--partitions", "3", "--until", UNTIL)
EVENTS = 30_000


@dataclass
class Place:
    """A prefix of its own on real servers."""

    kafka: str
    registry: str
    prefix: str
    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """Librdkafka's properties, for clients of the test's own."""
        return {"bootstrap.servers": self.kafka}

    def flags(self, prefix: str | None = None) -> list[str]:
        """Where everything is; without a prefix where the manifest has it."""
        where = ["--bootstrap-servers", self.kafka, "--registry-url", self.registry]
        return where if prefix is None else [*where, "--topic-prefix", self.prefix + prefix]

    def seed(self, *arguments: str, prefix: str | None = "") -> Result:
        """Run `lensload seed` in this process."""
        return CliRunner().invoke(main.main, ["seed", *self.flags(prefix), *arguments])

    def seeded(self, name: str, *arguments: str, events: int = EVENTS) -> manifests.Manifest:
        """Seed under a prefix of that name, and give the manifest."""
        path = self.path(name)
        result = self.seed("--events", str(events), *SMALL, "--manifest", str(path), *arguments, prefix=name)
        assert result.exit_code == 0, result.output
        return manifests.read(path)

    def path(self, name: str) -> Path:
        """Where the manifest of that name is."""
        return self.folder / f"{name}.json"

    def verify(self, name: str) -> Result:
        """Verify what was seeded under that name."""
        return self.seed("--verify", str(self.path(name)), prefix=None)


@pytest.fixture
def place(kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path) -> Place:
    return Place(kafka.bootstrap_servers, registry.url, topic_prefix, tmp_path)


def digests(manifest: manifests.Manifest) -> dict[tuple[str, int], tuple[int, str]]:
    return {
        (topic, entry["partition"]): (entry["count"], entry["digest"])
        for topic, entry in manifests.partitions(manifest)
    }


def messages(place: Place, manifest: manifests.Manifest) -> Iterator[tuple[str, int, list[Message]]]:
    """Everything that a manifest says is there, partition by partition."""
    ranges = {
        (manifest["topics"][topic]["name"], entry["partition"]): (
            entry["first_offset"],
            entry["first_offset"] + entry["count"],
        )
        for topic, entry in manifests.partitions(manifest)
    }
    found: dict[tuple[str, int], list[Message]] = {}
    for run in reader.read(place.settings, ranges):
        if run is not None:
            found.setdefault(run.place, []).extend(run.messages)
    for (name, number), some in found.items():
        yield name, number, some


def test_seeded_verified_and_the_same_with_any_number_of_workers(place: Place):
    """One worker or four write the same bytes into every partition, exactly as many as asked, and verify says equal."""
    one = place.seeded("one-")
    four = place.seeded("four-", "--workers", "4")
    assert digests(one) == digests(four)
    assert sum(count for count, _ in digests(one).values()) == EVENTS
    assert one["state"] == "complete"
    assert one["realised"] == four["realised"]
    verified = place.verify("four-")
    assert verified.exit_code == 0, verified.output
    assert f"Equal: {EVENTS:,} events" in verified.output
    assert {entry["first_timestamp_ms"] for _, entry in manifests.partitions(one)} != {None}


def test_every_clock_of_an_event_agrees_and_goes_forward(place: Place):
    """Timestamp, id and CreateTime are one, in order within each partition, within the span; keys are where Java puts them."""
    manifest = place.seeded("", events=6_000)
    plan, seen = manifest["plan"], 0
    where: dict[bytes, set[int]] = {}
    for name, number, some in messages(place, manifest):
        heads = wire.Heads.of([bytes(message.value() or b"") for message in some])
        stamps = [message.timestamp() for message in some]
        assert heads.valid.all()
        assert {kind for kind, _ in stamps} == {1}  # CreateTime
        times = [at_ms for _, at_ms in stamps]
        assert (heads.due_ns // ids.NS_PER_MS).tolist() == times == sorted(times)
        if not name.endswith("recommendation-responses"):
            assert (heads.readings.due_ns // ids.NS_PER_MS).tolist() == times
        assert plan["start_ms"] <= times[0] <= times[-1] < plan["until_ms"]
        if not name.endswith("model-metrics"):
            for message in some:
                where.setdefault(bytes(message.key() or b""), set()).add(number)
        seen += len(some)
    assert seen == 6_000
    assert all(len(numbers) == 1 for numbers in where.values())


def throttled(place: Place) -> list[str]:
    """A client so slow that there is time to interrupt it."""
    path = place.folder / "slow.properties"
    path.write_text("queue.buffering.max.messages=100\n")
    return ["--client-config", str(path)]


def started(place: Place, name: str, *arguments: str) -> subprocess.Popen[str]:
    """A seed in a process of its own that has written something, and not all."""
    command = [*LENSLOAD, "seed", *place.flags(name), "--events", str(EVENTS), *SMALL]
    command += ["--manifest", str(place.path(name)), *throttled(place), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: process.poll() is not None or written(place, name) >= 2_000)
    assert process.poll() is None, process.stdout.read() if process.stdout else ""
    return process


def written(place: Place, name: str) -> int:
    """How many events are there by now."""
    if not place.path(name).exists():
        return 0
    counts = {
        each["name"]: len(each["partitions"]) for each in manifests.read(place.path(name))["topics"].values()
    }
    return sum(high - low for low, high in TopicAdmin(place.settings).ranges(counts).values())


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_interrupted_is_completed_with_nothing_missing_or_twice(place: Place, how: signal.Signals):
    """Ctrl-C and kill -9 leave what --resume completes, with other workers too, to what it would have been."""
    process = started(place, "cut-", "--workers", "2")
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    if how == signal.SIGINT:
        assert process.returncode == 3, output
        assert "--resume" in output
    assert manifests.read(place.path("cut-"))["state"] == "incomplete"
    early = place.seed("--verify", str(place.path("cut-")), prefix=None)
    assert early.exit_code == 2
    assert "--resume" in early.output
    resumed = place.seed("--resume", str(place.path("cut-")), prefix=None)
    assert resumed.exit_code == 0, resumed.output
    assert 0 < written(place, "cut-") == EVENTS
    assert digests(manifests.read(place.path("cut-"))) == digests(place.seeded("whole-"))
    assert place.verify("cut-").exit_code == 0
    again = place.seed("--resume", str(place.path("cut-")), prefix=None)
    assert again.exit_code == 0
    assert written(place, "cut-") == EVENTS


def test_a_broker_that_restarts_in_the_middle_costs_time_and_nothing_else(
    own_kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """While the broker is away the seed waits; what it writes in the end is what it would have written.

    Its records are young enough for the broker to know their producer again (see the harness's properties).
    """
    place = Place(own_kafka.bootstrap_servers, registry.url, topic_prefix, tmp_path)
    process = started(place, "back-", "--until", "now")
    own_kafka.kill()
    own_kafka.start()
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert place.verify("back-").exit_code == 0
    assert written(place, "back-") == EVENTS


def test_somebody_elses_records_behind_an_interrupted_seed_are_not_continued(place: Place):
    """What is not its own tail a seed does not write behind: it says where, and sends nothing."""
    process = started(place, "mixed-")
    process.kill()
    process.communicate(timeout=30)
    TopicAdmin(place.settings).still_ranges({place.prefix + "mixed-user-interactions": 3})
    producer = Producer(place.settings)
    producer.produce(place.prefix + "mixed-user-interactions", b"else", b"me", partition=1)
    assert producer.flush(20) == 0
    before = written(place, "mixed-")
    resumed = place.seed("--resume", str(place.path("mixed-")), prefix=None)
    assert resumed.exit_code == 2, resumed.output
    assert f"{place.prefix}mixed-user-interactions" in resumed.output
    assert written(place, "mixed-") == before


def test_verify_says_where_the_cluster_differs(place: Place):
    """A record too many, or one that was changed, is named by topic, partition and offset, with exit code 1."""
    manifest = place.seeded("", events=3_000)
    name = manifest["topics"]["ab-test-events"]["name"]
    end = manifest["topics"]["ab-test-events"]["partitions"][2]["count"]
    producer = Producer(place.settings)
    producer.produce(name, b"more", b"k", partition=2)
    assert producer.flush(20) == 0
    found = place.verify("")
    assert found.exit_code == 1
    assert f"{name}, partition 2 from offset {end:,}: 1 " in found.output
    changed = place.prefix + "changed"
    admin = AdminClient(place.settings)
    admin.create_topics([NewTopic(changed, 3, 1)])[changed].result(20)
    metrics = manifest["topics"]["model-metrics"]
    for copied, number, some in messages(place, manifest):
        if copied != metrics["name"]:
            continue
        for at, message in enumerate(some):
            key, value = bytes(message.key() or b""), bytes(message.value() or b"")
            value = value[:-1] + b"\x09" if at == 17 else value
            producer.produce(changed, value, key, number, timestamp=message.timestamp()[1])
    assert producer.flush(20) == 0
    holding = [entry["partition"] for entry in metrics["partitions"] if entry["count"] > 17]
    metrics["name"] = changed
    manifests.write(place.path("other"), manifest)
    found = place.verify("other")
    assert found.exit_code == 1
    assert holding
    for number in holding:
        assert f"{changed}, partition {number} from offset 17: " in found.output


def test_topics_that_hold_other_data_are_left_alone_unless_asked_by_name(place: Place):
    """Without --append or --recreate nothing is sent; with them it is behind what is there, or instead of it."""
    first = place.seeded("", events=2_000)
    refused = place.seed("--events", "1000", *SMALL, "--manifest", str(place.path("x")))
    assert refused.exit_code == 2
    assert "--append" in refused.output
    assert not place.path("x").exists()
    result = place.seed(
        "--events", "1000", *SMALL, "--manifest", str(place.path("x")), "--append", "--seed", "2"
    )
    assert result.exit_code == 0, result.output
    behind = manifests.read(place.path("x"))
    for topic, entry in manifests.partitions(behind):
        assert entry["first_offset"] == first["topics"][topic]["partitions"][entry["partition"]]["count"]
    assert place.verify("x").exit_code == 0
    assert place.verify("").exit_code == 1
    result = place.seed("--events", "1000", *SMALL, "--manifest", str(place.path("y")), "--recreate")
    assert result.exit_code == 0, result.output
    assert place.verify("y").exit_code == 0
    assert written(place, "y") == 1_000


def test_topics_that_would_delete_history_are_refused_or_changed_when_asked(place: Place):
    """No event is sent into a topic that would delete it; --set-retention changes that, and the manifest says so."""
    name = place.prefix + "user-interactions"
    harsh = {"retention.ms": "86400000", "message.timestamp.type": "LogAppendTime"}
    admin = AdminClient(place.settings)
    admin.create_topics([NewTopic(name, 2, 1, config=harsh)])[name].result(20)
    arguments = ["--events", "2000", *SMALL, "--manifest", str(place.path("m"))]
    refused = place.seed(*arguments)
    assert refused.exit_code == 2
    assert re.search(f"{name}: retention.ms .*86400000", refused.output)
    assert "message.timestamp.type" in refused.output
    assert "--set-retention" in refused.output
    assert list(TopicAdmin(place.settings).counts([name, place.prefix + "model-metrics"])) == [name]
    result = place.seed(*arguments, "--set-retention")
    assert result.exit_code == 0, result.output
    changed = manifests.read(place.path("m"))["topics"]["user-interactions"]["settings_changed"]
    assert changed == {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    assert place.verify("m").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--events", "10"], "--bootstrap-servers"),
        (["--events", "0"], "--events"),
        (["--until", "2100-01-01", "--events", "10"], "2100"),
        (["--verify", "m.json", "--resume", "m.json"], "--resume"),
        (["--verify", "m.json", "--seed", "4", "--events", "3"], "--seed, --events"),
        (["--resume", "missing.json"], "missing.json"),
        (["--events", "10", "--rate", "4"], "--rate"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_reached(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Options that cannot be meant end with exit code 2 and the reason."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main.main, ["seed", *arguments])
    assert result.exit_code == 2, result.output
    assert told in result.output


def test_a_cluster_that_is_not_there_is_told_with_its_address(registry: Registry, tmp_path: Path):
    """Exit code 4, the address, and no manifest that nobody can resume."""
    path = tmp_path / "m.json"
    where = ["--bootstrap-servers", "127.0.0.1:1", "--registry-url", registry.url, "--manifest", str(path)]
    result = CliRunner().invoke(main.main, ["seed", "--events", "10", *where])
    assert result.exit_code == 4
    assert "127.0.0.1:1" in result.output
    assert not path.exists()


def test_an_interrupted_seeds_manifest_is_not_overwritten(place: Place):
    """The way back to an interrupted seed is not lost by starting another in the same folder."""
    manifest = place.seeded("", events=1_000)
    path = place.path("")
    path.write_text(json.dumps({**manifest, "state": "incomplete"}))
    refused = place.seed("--events", "1000", *SMALL, "--manifest", str(path), prefix="other-")
    assert refused.exit_code == 2
    assert "--resume" in refused.output


def test_a_manifest_fits_its_own_schema(place: Place):
    """What the manifest's JSON Schema says is what is written: names, and nothing else."""
    manifest = place.seeded("", events=1_000)
    schema = json.loads(manifests.SCHEMA_FILE.read_text())
    assert set(schema["required"]) == set(manifest)
    entry = schema["properties"]["topics"]["additionalProperties"]
    for each in manifest["topics"].values():
        assert set(entry["required"]) == set(each)
        for partition in each["partitions"]:
            assert set(entry["properties"]["partitions"]["items"]["required"]) == set(partition)


def test_committed_offsets_of_others_are_untouched_by_verify(place: Place):
    """Reading back commits nothing: nobody's group moves."""
    place.seeded("", events=1_000)
    assert place.verify("").exit_code == 0
    consumer = Consumer({**place.settings, "group.id": "lensload-seed"})
    try:
        asked = [TopicPartition(place.prefix + "user-interactions", 0)]
        assert consumer.committed(asked, timeout=20)[0].offset < 0
    finally:
        consumer.close()

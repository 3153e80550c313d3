"""The main job on a real Kafka with a real registry: what one command promises, checked by an independent reader."""

import io
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import fastavro
import numpy as np
import pytest
from confluent_kafka.admin import (
    AdminClient,
    NewTopic,  # pyright: ignore[reportPrivateImportUsage]
)
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from lensload import ids
from lensload.results.run import Run, total
from lensload.schema.definitions import TOPIC_NAMES
from lensload.verdict.verdict import codes
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, check_whole, child_pids, wait_until
from tests.support.topic_reader import read_to_end

pytestmark = pytest.mark.xdist_group("main_job")  # its tests share one costly run

SMALL = ("--audience-size", "500", "--catalogue-size", "200")
REQUESTS, RESPONSES, INTERACTIONS, EXPERIMENTS, METRICS = TOPIC_NAMES
OF_THE_MACHINE = {"generator_busy", "observer_busy", "machine_busy", "cpu_steal", "cpu_throttled"}
KEYS = dict.fromkeys(TOPIC_NAMES, "userId") | {METRICS: "modelName"}
IDS = {
    REQUESTS: "requestId",
    RESPONSES: "requestId",
    INTERACTIONS: "eventId",
    EXPERIMENTS: "eventId",
    METRICS: "metricId",
}


@dataclass(frozen=True)
class Received:
    """One message as it was found in the cluster."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    record: dict[str, Any]
    schema_id: int

    @property
    def identity(self) -> str:
        """The id that the topic's events are told apart by."""
        return self.record[IDS[self.topic]]


@dataclass(frozen=True)
class Outcome:
    """A run that has ended, and what an independent reader found of it.

    Attributes:
        code: the command's exit code.
        log: what it printed.
        run: its run file.
        received: every message in its topics, by the topic's LENS name, partition by partition in order.
        partitions: how many each topic has.
    """

    code: int
    log: str
    run: Run
    received: dict[str, list[Received]]
    partitions: dict[str, int]


@dataclass(frozen=True)
class Cluster:
    """A real Kafka and a real registry."""

    bootstrap_servers: str
    registry_url: str

    @property
    def flags(self) -> tuple[str, ...]:
        """What tells the command where they are."""
        return ("--bootstrap-servers", self.bootstrap_servers, "--registry-url", self.registry_url)

    def bench(self, folder: Path, prefix: str, arguments: str) -> Outcome:
        """Run the command to its end, then read everything back."""
        with Bench(folder, *self.flags, "--topic-prefix", prefix, *SMALL, *arguments.split()) as bench:
            code = bench.ended()
            log, run = bench.log, bench.run()
        wait_until(lambda: not child_pids(folder.resolve()))
        return Outcome(code, log, run, self.read(prefix), self.partitions(prefix))

    def partitions(self, prefix: str) -> dict[str, int]:
        """The partitions of each topic with this prefix, by the rest of its name."""
        found = AdminClient({"bootstrap.servers": self.bootstrap_servers}).list_topics(timeout=10).topics
        return {
            name.removeprefix(prefix): len(topic.partitions)
            for name, topic in found.items()
            if name.startswith(prefix)
        }

    def read(self, prefix: str) -> dict[str, list[Received]]:
        """All that lies in the topics with this prefix, decoded by the schema that each message names."""
        client = SchemaRegistryClient({"url": self.registry_url})
        make: Any = AvroDeserializer  # its stubs lose __init__
        deserialize = make(client)
        received: dict[str, list[Received]] = {}
        for topic, count in self.partitions(prefix).items():
            context = SerializationContext(prefix + topic, MessageField.VALUE)
            received[topic] = [
                Received(
                    topic, partition, key, value, deserialize(value, context), int.from_bytes(value[1:5])
                )
                for partition, key, value in (
                    (int(each.partition() or 0), bytes(each.key() or b""), each.value() or b"")
                    for each in read_to_end(self.bootstrap_servers, [prefix + topic], count)
                )
            ]
        client.close()
        return received


@pytest.fixture(scope="module")
def cluster(kafka: Kafka, registry: Registry) -> Cluster:
    return Cluster(kafka.bootstrap_servers, registry.url)


@pytest.fixture(scope="module")
def outcome(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The main job, once: all topics for three seconds; two of the topics are there already."""
    prefix = f"t{uuid4().hex[:12]}-"
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    there = [NewTopic(prefix + INTERACTIONS, num_partitions=5), NewTopic(prefix + METRICS, num_partitions=2)]
    for future in admin.create_topics(there).values():
        future.result(10)
    load = "--rate 3000 --duration 3s --warmup 1s --partitions 3 --seed 11"
    return cluster.bench(tmp_path_factory.mktemp("main-job"), prefix, load)


def murmur2(data: bytes) -> int:
    """Kafka's own hash of a key, as org.apache.kafka.common.utils.Utils writes it, in 32 bits."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for place in range(0, whole, 4):
        k = int.from_bytes(data[place : place + 4], "little") * m & mask
        h = (h * m ^ (k ^ k >> 24) * m) & mask
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def counted(run: Run, topic: str, name: str) -> int:
    """What the run file says of a topic, measured time and warm-up together."""
    return run["topics"].get(topic, {}).get(name, 0) + run["warmup"].get(topic, {}).get(name, 0)


def check_good(outcome: Outcome) -> None:
    """The command passed, without a remark but of how busy the machine was."""
    assert (outcome.run["verdict"], outcome.code) == ("pass", 0), outcome.log
    assert set(codes(outcome.run["reasons"])) <= OF_THE_MACHINE
    assert "VERDICT: PASS" in outcome.log


def check_account(outcome: Outcome) -> None:
    """What the reader found is what the run file says was produced, acknowledged and observed, topic by topic."""
    check_whole(outcome.run)
    for topic, received in outcome.received.items():
        for name in ("produced", "acked", "observed"):
            assert counted(outcome.run, topic, name) == len(received), (topic, name)
        assert len({each.identity for each in received}) == len(received)


def test_the_hash_is_javas():
    """The check of partitions rests on values that the Java client's own tests give."""
    expected = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    for key, number in expected.items():
        assert murmur2(key) == number & 0xFFFFFFFF


def test_every_event_counted_is_there_and_no_other(outcome: Outcome):
    """Produced, acked and observed equal, exactly, what lies in the topics, warm-up included."""
    check_good(outcome)
    assert set(outcome.received) == set(TOPIC_NAMES)
    check_account(outcome)
    assert total(outcome.run, "produced") == 9000
    assert sum(map(len, outcome.received.values())) == 12_000


def test_the_run_file_keeps_the_contract(outcome: Outcome):
    """Whoever reads run files finds the names that were promised, with numbers that fit each other."""
    run = outcome.run
    assert (run["format"], run["cut_short"]) == ("lensload/run/2", False)
    assert run["load"]["target_per_s"] == pytest.approx(3000, rel=1e-3)
    # Per second until the last event was produced, which a busy machine produces late.
    assert 1000 < run["load"]["achieved_per_s"] <= 3000 * (1 + 1e-3)
    values = [len(each.value) for them in outcome.received.values() for each in them]
    assert run["load"]["mean_bytes"] == pytest.approx(sum(values) / len(values), rel=0.05)
    for counts in run["topics"].values():
        assert {"produced", "acked", "failed", "observed", "lost", "duplicated", "reordered"} <= set(counts)
        assert counts["reordered"] == 0
    for stage in ("schedule_lag", "serialize", "ack", "end_to_end"):
        summary = run["latency_us"][stage]["all"]
        assert {"count", "mean", "p50", "p90", "p99", "p999", "max"} <= set(summary)
        assert 0 < summary["mean"] <= summary["max"]
    for stage in ("schedule_lag", "ack", "end_to_end"):
        assert run["latency_us"][stage]["all"]["count"] == 9000
        assert set(run["histograms"][stage]) == set(TOPIC_NAMES)
    assert run["totals"]["audited"] > 0
    assert run["totals"]["mismatched"] == 0
    assert run["conditions"]["seed"] == 11
    assert not run["embedded"]
    assert run["errors"] == []


def test_the_table_is_there_to_paste(outcome: Outcome):
    """A person who runs it sees the load, the stages, the account and the verdict, and no word of Locust's."""
    achieved = f"{outcome.run['load']['achieved_per_s']:,.0f} events/s achieved of 3,000"
    for text in (achieved, "VERDICT: ", "end to end", "run file: run.json"):
        assert text in outcome.log
    assert re.search(r"^all +9,000 +9,000 +0 +9,000 +0 +0 +0$", outcome.log, re.MULTILINE)
    assert "EMBEDDED" not in outcome.log
    assert "locust" not in outcome.log.lower()


def test_topics_are_made_as_asked_and_existing_ones_used_as_they_are(outcome: Outcome):
    """--partitions decides new topics alone, and --topic-prefix stands before every topic."""
    assert outcome.partitions == {REQUESTS: 3, RESPONSES: 3, INTERACTIONS: 5, EXPERIMENTS: 3, METRICS: 2}


def test_keys_and_partitions_are_those_of_java_producers(outcome: Outcome):
    """Joins with topics that Java services write stay co-partitioned: murmur2 of the key that LENS names."""
    used: dict[str, set[int]] = defaultdict(set)
    for topic, received in outcome.received.items():
        for each in received:
            assert each.key.decode() == each.record[KEYS[topic]]
            assert each.partition == (murmur2(each.key) & 0x7FFFFFFF) % outcome.partitions[topic]
            used[topic].add(each.partition)
    assert all(len(used[topic]) == outcome.partitions[topic] for topic in (REQUESTS, INTERACTIONS))


def check_bytes(outcome: Outcome, cluster: Cluster) -> None:
    """Every value is what fastavro writes of its record by the schema that the value names."""
    client = SchemaRegistryClient({"url": cluster.registry_url})
    for topic, received in outcome.received.items():
        (number,) = {each.schema_id for each in received}
        assert number == outcome.run["conditions"]["workers"][0]["generator"]["schema_ids"][topic]
        schema = fastavro.parse_schema(json.loads(client.get_schema(number).schema_str or ""))
        for each in received:
            written = io.BytesIO()
            fastavro.schemaless_writer(written, schema, each.record)
            assert each.value == b"\0" + number.to_bytes(4, "big") + written.getvalue()
    client.close()


def test_values_are_what_fastavro_writes_by_the_schema_they_name(outcome: Outcome, cluster: Cluster):
    """Fragments write, byte for byte, what any Avro library writes by the schema in the registry."""
    check_bytes(outcome, cluster)


def test_the_story_holds_across_topics(outcome: Outcome):
    """Whoever joins the five topics finds for every answer its request, and for every click its answer."""
    records = {topic: [each.record for each in received] for topic, received in outcome.received.items()}
    requests = {record["requestId"]: record for record in records[REQUESTS]}
    answers = {record["requestId"]: record for record in records[RESPONSES]}
    for identity, answer in answers.items():
        request = requests[identity]
        assert (request["userId"], request["modelName"]) == (answer["userId"], answer["modelName"])
        assert request["timestamp"] <= answer["timestamp"]
    sessions: dict[str, str] = {}
    for event in records[INTERACTIONS]:
        answer = answers[event["metadata"]["requestId"]]
        assert answer["userId"] == event["userId"]
        assert answer["timestamp"] <= event["timestamp"]
        assert sessions.setdefault(event["sessionId"], event["userId"]) == event["userId"]
        if event["interactionType"] == "click":
            shown = answer["recommendations"][int(event["metadata"]["position"]) - 1]
            assert shown["itemId"] == event["itemId"]
    variants: dict[tuple[str, str], str] = {}
    for event in sorted(records[EXPERIMENTS], key=lambda event: (event["timestamp"], event["eventId"])):
        assert sessions.setdefault(event["metadata"]["sessionId"], event["userId"]) == event["userId"]
        who = (event["experimentId"], event["userId"])
        assert variants.setdefault(who, event["variant"]) == event["variant"]
    models = {record["modelName"] for record in records[REQUESTS]}
    assert {record["modelName"] for record in records[METRICS]} <= models
    kinds = Counter(event["interactionType"] for event in records[INTERACTIONS])
    assert kinds["click"]
    assert kinds["view"]
    assert len(answers) > 1000


def test_events_are_stamped_with_when_they_were_due(outcome: Outcome):
    """Ids are the stopwatch: the n-th event of the run is due n / rate after its start, in every id."""
    due_ms = sorted(each.record["timestamp"] for them in outcome.received.values() for each in them)
    assert due_ms[-1] - due_ms[0] == pytest.approx(4000, abs=2)
    gaps = Counter(due_ms)
    assert max(gaps.values()) <= 6, "3 a millisecond, and some rounding and moving within one"


@pytest.mark.parametrize("serializer", ["fastavro", "confluent"])
def test_one_record_at_a_time_writes_the_same(
    cluster: Cluster, topic_prefix: str, tmp_path: Path, outcome: Outcome, serializer: str
):
    """The slow serializers give the same bytes and the same events, and time every one of them."""
    load = f"--rate 1000 --duration 2s --warmup 0s --seed 11 --serializer {serializer}"
    slow = cluster.bench(tmp_path, topic_prefix, load)
    check_good(slow)
    check_account(slow)
    check_bytes(slow, cluster)
    assert slow.run["latency_us"]["serialize"]["all"]["count"] == total(slow.run, "produced") == 2000
    assert set(slow.partitions.values()) == {4}
    assert requests_of(slow).items() <= requests_of(outcome).items()


def requests_of(outcome: Outcome) -> dict[tuple[int, int], tuple[str, str]]:
    """Who asked which model, by what ids say of whose request it is: lane and sequence."""
    texts = [each.identity.encode() for each in outcome.received[REQUESTS]]
    found = ids.read(np.frombuffer(b"".join(texts), dtype=np.uint8).reshape(-1, ids.TEXT_BYTES))
    who = [(each.record["userId"], each.record["modelName"]) for each in outcome.received[REQUESTS]]
    return dict(zip(zip(found.lane.tolist(), found.sequence.tolist(), strict=True), who, strict=True))


def test_several_workers_write_the_topics_asked_for_and_lose_nothing(
    cluster: Cluster, topic_prefix: str, tmp_path: Path
):
    """Two generators and two observers make one run: merged counts are exact, and other topics are not even made."""
    topics = (REQUESTS, INTERACTIONS)
    load = f"--rate 3000 --duration 2s --warmup 500ms --workers 2 --topics {','.join(topics)}"
    outcome = cluster.bench(tmp_path, topic_prefix, load)
    check_good(outcome)
    assert outcome.partitions == dict.fromkeys(topics, 4)
    check_account(outcome)
    assert total(outcome.run, "produced") == pytest.approx(6000, abs=2)
    workers = outcome.run["conditions"]["workers"]
    assert len(workers) == 2
    lanes = {lane for lane, _ in requests_of(outcome)}
    assert len(lanes) > 32, "the lanes of both"


def test_topics_that_cannot_be_made_are_refused_before_any_load(
    cluster: Cluster, topic_prefix: str, tmp_path: Path
):
    """A cluster that says no is exit code 4 within seconds, with the topic, its reason and what to do."""
    arguments = (*cluster.flags, "--topic-prefix", topic_prefix, "--replication-factor", "3")
    with Bench(tmp_path, *arguments) as bench:
        assert bench.ended() == 4, bench.log
        assert f"{topic_prefix}{REQUESTS}" in bench.log
        assert "--replication-factor" in bench.log
        assert "Traceback" not in bench.log
    assert not bench.run_file.exists()
    assert cluster.partitions(topic_prefix) == {}

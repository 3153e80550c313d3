"""History is read back whole from a real cluster, each message by the schema that wrote it, whatever lies between."""

import base64
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # pyright: ignore[reportPrivateImportUsage]
from confluent_kafka.schema_registry import Schema as RegistrySchema

from lensload.cli import main
from lensload.config.fields import Cluster
from lensload.encoding import wire
from lensload.errors import ClusterError
from lensload.kafka import connection, reading
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.topics import ensure_topics
from lensload.replay import session as session_module
from lensload.replay.batch import Kind
from lensload.replay.merge import Merge
from lensload.replay.source import Source
from lensload.schema import definitions, registry
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import wait_until

TOPIC = "user-interactions"
LENSLOAD = [sys.executable, "-m", "lensload"]
BASE_MS = 1_760_000_000_000
V1: dict[str, Any] = {
    "type": "record",
    "name": "UserInteraction",
    "namespace": "com.lens.events",
    "fields": [{"name": "eventId", "type": "string"}, {"name": "rating", "type": ["null", "float"]}],
}
V2 = V1 | {"fields": [*V1["fields"], {"name": "device", "type": ["null", "string"], "default": None}]}
OTHER = V1 | {"fields": [{"name": "eventId", "type": "int"}]}


def encoded(schema: dict[str, Any], record: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema, record)
    return stream.getvalue()


@dataclass
class Place:
    """A topic of its own on the real servers, and its schemas' ids."""

    kafka: str
    registry: str
    prefix: str
    folder: Path
    ids: dict[int, int] = field(default_factory=dict)

    @property
    def topic(self) -> str:
        """The topic's name in the cluster."""
        return self.prefix + TOPIC

    @property
    def settings(self) -> dict[str, Any]:
        """Librdkafka's properties, for clients of the test's own."""
        return {"bootstrap.servers": self.kafka}

    def create(self, name: str = TOPIC, partitions: int = 3) -> None:
        """Create a topic."""
        settings = connection.client_settings(
            Cluster(bootstrap_servers=self.kafka, registry_url="mock://"), self.kafka
        )
        ensure_topics(settings, [self.prefix + name], partitions, 1, embedded=False)

    def register(self, version: int, schema: dict[str, Any], topic: str = TOPIC) -> None:
        """Register a schema as the next version of the topic's subject."""
        with registry.connect(self.registry, {}) as books:
            wanted = RegistrySchema(json.dumps(schema), "AVRO")
            self.ids[version] = books.client.register_schema(definitions.subject(topic, self.prefix), wanted)

    def value(self, version: int, number: int) -> bytes:
        """The numbered event as a version's producer writes it."""
        record = {"eventId": f"e{number}", "rating": number / 2, "device": f"d{number}"}
        return wire.header(self.ids[version]) + encoded({1: V1, 2: V2}[version], record)

    def write(self, values: list[bytes | None], step_ms: int = 1000, partitions: int = 3) -> None:
        """Write the values in turn to the partitions, each `step_ms` after the one before."""
        producer = Producer(self.settings)
        for number, value in enumerate(values):
            producer.produce(
                self.topic,
                value,
                f"k{number}",
                partition=number % partitions,
                timestamp=BASE_MS + number * step_ms,
                headers=[("n", str(number).encode())],
            )
        assert producer.flush(20) == 0

    def arguments(self, *more: str) -> list[str]:
        """The command line of a replay of the topic."""
        where = [
            "--bootstrap-servers",
            self.kafka,
            "--registry-url",
            self.registry,
            "--topic-prefix",
            self.prefix,
        ]
        return ["replay", TOPIC, *where, *more]

    def replay(self, *more: str) -> Result:
        """Replay the topic in this process."""
        result = CliRunner().invoke(main.main, self.arguments(*more))
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    def done(self, *more: str) -> Result:
        """The same, and it goes well."""
        result = self.replay(*more)
        assert result.exit_code == 0, result.output
        return result

    def printed(self, *more: str) -> list[dict[str, Any]]:
        """What --print jsonl says, by offset within partition."""
        lines = [json.loads(line) for line in self.done("--print", "jsonl", *more).stdout.splitlines()]
        return sorted(lines, key=lambda line: (line["timestamp_ms"], line["partition"]))

    def read(self, name: str, count: int) -> list[Message]:
        """So many messages of a topic, from the earliest."""
        consumer = Consumer({**self.settings, "group.id": "reading"})
        found = consumer.list_topics(self.prefix + name, timeout=10).topics[self.prefix + name].partitions
        consumer.assign([TopicPartition(self.prefix + name, number, 0) for number in found])
        messages: list[Message] = []
        deadline_s = time.monotonic() + 20
        while len(messages) < count and time.monotonic() < deadline_s:
            messages += [each for each in consumer.consume(1000, 0.1) if each.error() is None]
        consumer.close()
        return messages


@pytest.fixture
def place(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """A topic of three partitions, and both versions of its schema."""
    monkeypatch.chdir(tmp_path)
    made = Place(kafka.bootstrap_servers, registry.url, topic_prefix, tmp_path)
    made.create()
    made.register(1, V1)
    made.register(2, V2)
    return made


def counted(table: str) -> dict[tuple[str, ...], int]:
    """The table's counts by topic, schema id and version."""
    rows = [line.rsplit(None, 3) for line in table.splitlines()[1:-1]]
    return {tuple(row[:-1]): int(row[-1].replace(",", "")) for row in rows}


def test_versions_interleaved_are_each_read_by_the_schema_that_wrote_them(place: Place):
    """A consumer of history meets old and new ids in turn, and reads what was written, not what is latest."""
    place.write([place.value(1 + number % 2, number) for number in range(30)])
    lines = place.printed()
    assert [line["value"]["eventId"] for line in lines] == [f"e{number}" for number in range(30)]
    assert [line["version"] for line in lines] == [1, 2] * 15
    assert [line["schema_id"] for line in lines] == [place.ids[1], place.ids[2]] * 15
    assert ["device" in line["value"] for line in lines] == [False, True] * 15
    assert lines[3] == {
        "topic": place.topic,
        "partition": 0,
        "offset": 1,
        "timestamp_ms": BASE_MS + 3000,
        "key": "k3",
        "schema_id": place.ids[2],
        "version": 2,
        "value": {"eventId": "e3", "rating": 1.5, "device": "d3"},
    }


def test_counts_are_exact_by_schema_version(place: Place):
    """The counts are the default, go to standard output, and add up to every message there is."""
    values: list[bytes | None] = [place.value(1 + (number % 5 == 0), number) for number in range(5000)]
    place.write([*values, None, None])
    result = place.done()
    assert counted(result.stdout) == {
        (place.topic, str(place.ids[1]), "1"): 4000,
        (place.topic, str(place.ids[2]), "2"): 1000,
        (f"{place.topic}: tombstone", "-", "-"): 2,
    }
    assert result.stdout.splitlines()[-1].split() == ["total", "5,002"]
    assert "5,002 messages in" in result.stderr
    assert not Path("replay-rejects.jsonl").exists()


def garbage(place: Place) -> dict[str, bytes]:
    """A value of each sort that cannot be decoded, by the reason that is to be told."""
    good = place.value(2, 7)
    return {
        "no magic byte": b'{"eventId": "json"}',
        "shorter than its five-byte header": good[:4],
        "unknown schema id": wire.header(2_000_000_000) + good[5:],
        "Avro that does not fit its schema": good[:-3],
    }


def test_garbage_is_kept_aside_and_stops_nothing(place: Place):
    """Whatever lies between good messages is told with where it is, why, and its very bytes."""
    bad = garbage(place)
    values: list[bytes | None] = []
    for number, value in enumerate(bad.values()):
        values += [place.value(1, number), value, None, b""]
    values.append(place.value(1, 1) + b"!")
    place.write(values)
    lines = place.printed("--rejects", "kept/aside.jsonl")
    assert [line["value"] and line["value"]["eventId"] for line in lines] == [
        "e0",
        None,
        "e1",
        None,
        "e2",
        None,
        "e3",
        None,
    ]
    kept = [json.loads(line) for line in Path("kept/aside.jsonl").read_text().splitlines()]
    expected = {
        number: (base64.b64encode(value).decode())
        for number, value in enumerate(values)
        if value is not None and value[:5] != wire.header(place.ids[1])
    } | {16: base64.b64encode(values[16] or b"").decode()}
    found = {(line["timestamp_ms"] - BASE_MS) // 1000: line for line in kept}
    assert {number: line["value"] for number, line in found.items()} == expected
    for number, line in found.items():
        assert (line["topic"], line["partition"], line["offset"]) == (place.topic, number % 3, number // 3)
        assert line["detail"]
    assert [found[1 + 4 * number]["reason"] for number in range(4)] == list(bad)
    assert found[16]["reason"] == Kind.UNFIT.reason


def test_counting_keeps_aside_what_headers_tell_and_decode_finds_the_rest(place: Place):
    """The fast count trusts a good header; --decode looks further."""
    place.write([place.value(1, 1), *garbage(place).values()])
    assert re.search(r"\b3 cannot", place.done().stderr)
    result = place.done("--decode")
    assert re.search(r"\b4 cannot", result.stderr)
    assert counted(result.stdout)[f"{place.topic}: {Kind.UNKNOWN_ID.reason}", "-", "-"] == 1
    assert len(Path("replay-rejects.jsonl").read_text().splitlines()) == 4


@pytest.mark.parametrize("wanted", ["latest", "2", "reader.avsc"])
def test_records_are_resolved_to_the_version_asked_for(place: Place, wanted: str):
    """Old events read by the new schema have its defaults, so that one reader fits all."""
    Path("reader.avsc").write_text(json.dumps(V2))
    place.write([place.value(1, 0), place.value(2, 1)])
    values = [line["value"] for line in place.printed("--as-version", wanted)]
    assert [value["device"] for value in values] == [None, "d1"]


def test_the_old_version_may_be_asked_for_too(place: Place):
    """A reader that stayed behind sees what it would see: its own fields."""
    place.write([place.value(1, 0), place.value(2, 1)])
    assert [sorted(line["value"]) for line in place.printed("--as-version", "1")] == [
        ["eventId", "rating"]
    ] * 2


def test_what_does_not_resolve_is_kept_aside(place: Place):
    """A reader's schema that does not fit the history is told message by message, not with a traceback."""
    Path("other.avsc").write_text(json.dumps(OTHER))
    place.write([place.value(1, 0)])
    assert place.printed("--as-version", "other.avsc") == []
    (line,) = map(json.loads, Path("replay-rejects.jsonl").read_text().splitlines())
    assert line["reason"] == Kind.UNRESOLVED.reason


def contained(path: Path) -> list[dict[str, Any]]:
    """What fastavro reads from a container file."""
    with path.open("rb") as stream:
        records: Any = list(fastavro.reader(stream))
    return records


def test_container_files_hold_what_was_written(place: Place):
    """The files give fastavro every record back, under the schema that wrote it."""
    place.write([place.value(1 + number % 2, number) for number in range(3000)])
    result = place.done("--output-format", "avro", "--output-dir", "out")
    for version, schema in ((1, V1), (2, V2)):
        path = Path("out") / f"{place.topic}.schema-{place.ids[version]}.avro"
        expected: Any = [
            fastavro.schemaless_reader(io.BytesIO(place.value(version, number)[5:]), schema, None)
            for number in range(version - 1, 3000, 2)
        ]
        assert sorted(contained(path), key=str) == sorted(expected, key=str)
        with path.open("rb") as stream:
            written: Any = fastavro.reader(stream).writer_schema
            assert written["fields"] == schema["fields"]
        assert f"1,500 records in {path}" in result.stderr
    again = place.replay("--output-format", "avro", "--output-dir", "out")
    assert again.exit_code == 2
    assert "--output-dir" in again.stderr


def test_resolved_records_go_to_one_container_a_topic(place: Place):
    """With a reader's schema there is one schema, and so one file."""
    place.write([place.value(1, 0), place.value(2, 1)])
    place.done("--output-format", "avro", "--output-dir", "out", "--as-version", "latest")
    records = contained(Path("out") / f"{place.topic}.avro")
    assert sorted((record["eventId"], record["device"]) for record in records) == [("e0", None), ("e1", "d1")]


def test_parquet_files_hold_what_was_written(place: Place):
    """pandas, DuckDB and Spark find every record, and where it stood in Kafka."""
    parquet = pytest.importorskip("pyarrow.parquet")
    place.write([place.value(1 + number % 2, number) for number in range(30)])
    place.done("--output-format", "parquet", "--output-dir", "out")
    for version in (1, 2):
        table = parquet.read_table(Path("out") / f"{place.topic}.schema-{place.ids[version]}.parquet")
        rows = sorted(table.to_pylist(), key=lambda row: row["kafka_timestamp"])
        numbers = list(range(version - 1, 30, 2))
        assert [row["eventId"] for row in rows] == [f"e{number}" for number in numbers]
        assert [row["rating"] for row in rows] == [number / 2 for number in numbers]
        assert [(row["kafka_partition"], row["kafka_offset"], row["kafka_key"]) for row in rows] == [
            (number % 3, number // 3, f"k{number}".encode()) for number in numbers
        ]
        assert ("device" in table.column_names) == (version == 2)


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("earliest", 0),
        (str(BASE_MS + 4000), 4),
        (str(BASE_MS + 4001), 5),
        ("2025-10-09T08:53:25Z", 5),
        ("2025-10-09T10:53:25+02:00", 5),
        ("offset:2", 6),
        ("2030-01-01", 12),
    ],
)
def test_a_replay_begins_where_it_is_told(place: Place, start: str, first: int):
    """A time is the first message at or after it in each partition, an offset that of each partition."""
    place.write([place.value(1, number) for number in range(12)])
    lines = place.printed("--start", start)
    assert [line["value"]["eventId"] for line in lines] == [f"e{number}" for number in range(first, 12)]


def test_an_offset_outside_is_refused_with_what_there_is(place: Place):
    """Who asks for an offset that is not there reads which are, in which partition."""
    place.write([place.value(1, number) for number in range(12)])
    result = place.replay("--start", "offset:5")
    assert result.exit_code == 2
    assert re.search(f"0 of {place.topic} .*0 to 3.*--start offset:5", result.stderr)
    assert len(place.printed("--start", "offset:3", "--partition", "1")) == 1


def test_the_limit_ends_it(place: Place):
    """Who wants a look at a few of a million messages gets the earliest, of whichever partition, and is done."""
    place.write([place.value(1, number) for number in range(60)])
    result = place.done("--print", "jsonl", "--limit", "4")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["value"]["eventId"] for line in lines] == ["e0", "e1", "e2", "e3"]
    assert [line["partition"] for line in lines] == [0, 1, 2, 0]
    assert "4 messages in" in result.stderr
    assert len(place.done("--print", "jsonl", "--limit", "99").stdout.splitlines()) == 60


def read_through(source: Source) -> list[tuple[int, int]]:
    """Partition and offset of all that a source gives until it is done."""
    found: list[tuple[int, int]] = []
    deadline_s = time.monotonic() + 20
    while not source.done and time.monotonic() < deadline_s:
        batch = source.read(1000, 0.1)
        found += zip(batch.partition.tolist(), batch.offset.tolist(), strict=True)
    source.close()
    return sorted(found)


def test_only_what_was_there_at_the_start_is_replayed(place: Place):
    """Messages that arrive meanwhile belong to the next replay: counts do not depend on how fast one reads."""
    place.write([place.value(1, number) for number in range(6)])
    source = Source(place.settings, {place.topic: 3}, None)
    source.open()
    place.write([place.value(1, number) for number in range(30)])
    assert source.progress() == (0, 6)
    assert read_through(source) == [(partition, offset) for partition in range(3) for offset in range(2)]
    assert source.progress() == (6, 6)


def test_offsets_without_a_message_end_a_replay_too(place: Place):
    """A transaction's mark is the last offset of its partition and never read; what was aborted is not history."""
    producer = Producer({**place.settings, "transactional.id": place.topic})
    producer.init_transactions(20)
    for commit in (True, False):
        producer.begin_transaction()
        for _ in range(3):
            producer.produce(place.topic, place.value(1, 1), partition=1)
        producer.flush(20)
        (producer.commit_transaction if commit else producer.abort_transaction)(20)
    # The coordinator writes a transaction's mark after it has answered.
    wait_until(lambda: TopicAdmin(place.settings).ranges({place.topic: 3})[place.topic, 1] == (0, 8))
    source = Source(place.settings, {place.topic: 3}, None)
    source.open()
    assert read_through(source) == [(1, 0), (1, 1), (1, 2)]
    assert source.skipped == 5


def test_two_of_a_group_share_the_work(place: Place):
    """Every message is read by one of them, and what one has committed the other does not read again."""
    place.write([place.value(1, number) for number in range(300)])
    sources = [Source(place.settings, {place.topic: 3}, None, group=place.topic) for _ in range(2)]
    for source in sources:
        source.open()
    found: list[tuple[int, int]] = []
    deadline_s = time.monotonic() + 30
    while len(set(found)) < 300 and time.monotonic() < deadline_s:
        for source in sources:
            batch = source.read(20, 0.05)
            source.handled(batch)
            source.commit()
            found += zip(batch.partition.tolist(), batch.offset.tolist(), strict=True)
    for source in sources:
        source.close()
    assert sorted(found) == [(partition, offset) for partition in range(3) for offset in range(100)]


def test_a_cluster_that_goes_away_is_told(own_kafka: Kafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A replay does not wait for ever for a broker that died under it."""
    monkeypatch.setattr(reading, "_SILENCE_S", 2.0)
    place = Place(own_kafka.bootstrap_servers, "mock://", "gone-", tmp_path)
    place.create()
    place.write([bytes(100_000)] * 60)
    source = Source(
        {**place.settings, "log_level": 0, "queued.max.messages.kbytes": 100}, {place.topic: 3}, None
    )
    source.open()
    own_kafka.kill()
    with pytest.raises(ClusterError, match=r"\b2 s\b"):
        read_through(source)
    source.close()


def test_a_group_goes_on_where_it_stopped(place: Place):
    """A new group reads from the earliest offset, and a second time only what is new."""
    place.write([place.value(1, number) for number in range(9)])
    group = ("--group", f"{place.prefix}recommendation-service")
    assert len(place.printed(*group, "--start", "earliest")) == 9
    place.write([place.value(2, number) for number in range(3)])
    assert [line["version"] for line in place.printed(*group)] == [2, 2, 2]
    result = place.replay(*group, "--start", "earliest")
    assert result.exit_code == 2
    assert f"{place.prefix}recommendation-service" in result.stderr
    assert "--start" in result.stderr


def test_another_topic_gets_the_very_bytes(place: Place):
    """Value, key, headers, timestamp and partition are those of the original; garbage stays behind."""
    place.write([place.value(1, 0), None, b"junk!", place.value(2, 3)])
    result = place.done("--into-topic", "copy")
    assert re.search(rf"{place.prefix}copy .*\b3 partitions", result.stderr)
    copies = {message.timestamp()[1] - BASE_MS: message for message in place.read("copy", 3)}
    assert sorted(copies) == [0, 1000, 3000]
    for number, value in ((0, place.value(1, 0)), (1, None), (3, place.value(2, 3))):
        message = copies[number * 1000]
        assert (message.value(), message.key(), message.partition()) == (
            value,
            f"k{number}".encode(),
            number % 3,
        )
        assert message.headers() == [("n", str(number).encode())]


def test_a_topic_in_which_history_would_not_stay_is_named(place: Place):
    """What the topic would delete, or keep one of, is told before it is sent; a topic made for it keeps all."""
    place.write([place.value(1, number) for number in range(6)])
    short = {"retention.ms": "604800000", "cleanup.policy": "compact,delete"}
    topic = NewTopic(place.prefix + "short", 3, 1, config=short)
    admin = AdminClient(place.settings)  # whose end would end the request
    admin.create_topics([topic])[topic.topic].result(20)
    told = place.done("--into-topic", "short").stderr
    assert "retention.ms is 604800000" in told
    assert "cleanup.policy is compact,delete" in told
    made = place.done("--into-topic", "made").stderr
    assert "retention.ms" not in made
    kept = TopicAdmin(place.settings).settings(place.prefix + "made")
    assert (kept["retention.ms"], kept["cleanup.policy"]) == ("-1", "delete")


@contextmanager
def running(place: Place, *more: str) -> Generator[subprocess.Popen[str]]:
    """`lensload replay` in a process of its own, which does not outlive the test."""
    command = [*LENSLOAD, *place.arguments(*more)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def watching(place: Place, name: str) -> Generator[Callable[[int], dict[int, float]]]:
    """Gives, for so many messages of a new topic, when each came, by its timestamp."""
    place.create(name)
    consumer = Consumer({**place.settings, "group.id": "watching"})
    consumer.assign([TopicPartition(place.prefix + name, number, 0) for number in range(3)])
    came: dict[int, float] = {}

    def wait(count: int) -> dict[int, float]:
        deadline_s = time.monotonic() + 30
        while len(came) < count and time.monotonic() < deadline_s:
            message = consumer.poll(0.05)
            if message is not None and message.error() is None:
                came[message.timestamp()[1] - BASE_MS] = time.monotonic()
        return came

    yield wait
    consumer.close()


def test_the_pace_keeps_the_intervals(place: Place):
    """Messages are due by their timestamps over all partitions, whatever order they are fetched in."""
    place.write([place.value(1, number) for number in range(31)], step_ms=100)
    with (
        watching(place, "copy") as wait,
        running(place, "--into-topic", "copy", "--speed", "2x") as process,
    ):
        came = wait(31)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert sorted(came) == [number * 100 for number in range(31)]
    late_s = sorted(came_s - came[0] - stamp / 2000 for stamp, came_s in came.items())
    # Fetching and a busy machine may delay; nothing may come early, and delays may not add up.
    assert late_s[0] > -0.2
    assert late_s[15] < 0.2
    assert re.search(r"\b31 .*p50/p99 ", told)


def test_partitions_far_apart_are_merged_in_little_memory(place: Place, monkeypatch: pytest.MonkeyPatch):
    """A day that lies in one partition after the other is written in order, though little of it is ever held."""
    monkeypatch.setattr(session_module, "_HELD_IN_ALL", 600)
    most: list[int] = []
    crowded = Merge.crowded
    monkeypatch.setattr(Merge, "crowded", lambda self: most.append(len(self)) or crowded(self))
    producer = Producer(place.settings)
    for number in range(9000):
        # Thirds of the day, but for a few early ones, so that every partition has something from the start.
        partition = number % 3 if number < 30 else number // 3000
        producer.produce(place.topic, place.value(1, number), partition=partition, timestamp=BASE_MS + number)
    assert producer.flush(20) == 0
    place.create("copy", partitions=1)
    result = place.done("--into-topic", "copy", "--speed", "1000000x")
    stamps = [message.timestamp()[1] - BASE_MS for message in place.read("copy", 9000)]
    assert stamps == list(range(9000)), result.stderr
    assert max(most) < 9000


def test_what_the_other_topic_does_not_take_is_told(place: Place):
    """A copy that is not whole ends with the count, the reason and the exit code of a refusal."""
    admin = AdminClient(place.settings)
    small = NewTopic(place.prefix + "small", 3, 1, config={"max.message.bytes": "300"})
    admin.create_topics([small])[place.prefix + "small"].result(20)
    place.write([place.value(1, 0), wire.header(place.ids[1]) + bytes(1000), place.value(1, 2)])
    result = place.replay("--into-topic", "small", "--group", place.topic)
    assert result.exit_code == 4
    assert re.search(f"1 of 3 .*{place.prefix}small", result.stderr)
    assert "max.message.bytes" in result.stderr


def test_a_reader_that_has_enough_ends_a_replay(place: Place):
    """What is piped into head -1 ends as it should, without a traceback."""
    place.write([place.value(1, number) for number in range(30_000)])
    with running(place, "--print", "jsonl") as process:
        assert process.stdout
        assert process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


def test_ctrl_c_ends_with_what_was_done(place: Place):
    """A replay that is stopped leaves whole files, says how far it came, and tells so by its exit code."""
    place.write([place.value(1, number) for number in range(20)], step_ms=60_000)
    more = (
        "--into-topic",
        "copy",
        "--speed",
        "original",
        "--output-format",
        "avro",
        "--output-dir",
        str(place.folder / "o"),
    )
    with watching(place, "copy") as wait, running(place, *more) as process:
        assert list(wait(1)) == [0]
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 3, told
    assert len(contained(place.folder / "o" / f"{place.topic}.schema-{place.ids[1]}.avro")) == 1
    assert "Traceback" not in told


def test_following_goes_on_until_it_is_told_to_stop(place: Place):
    """--follow prints what was there and what comes, and being stopped is its ordinary end."""
    place.write([place.value(1, 0)])
    with running(place, "--follow", "--print", "jsonl") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["value"]["eventId"] == "e0"
        place.write([place.value(2, 1)])
        assert json.loads(process.stdout.readline())["value"]["eventId"] == "e1"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0, told
    assert "2 messages in" in told


def test_a_topic_that_is_not_there_is_named_with_the_nearest(place: Place):
    """A slip of the name costs one look, and creates nothing."""
    where = place.arguments()[2:]
    result = CliRunner().invoke(main.main, ["replay", "user-interaction", *where])
    assert result.exit_code == 2
    assert re.search(rf"{place.prefix}user-interaction .*{place.topic}\b", result.stderr, re.DOTALL)


def test_a_version_that_is_not_there_is_told_with_those_that_are(place: Place):
    """So is a subject that the registry does not have."""
    place.write([place.value(1, 0)])
    result = place.replay("--print", "table", "--as-version", "9")
    assert result.exit_code == 2
    assert re.search(rf"{place.topic}-value .*\b9\b.*\n.*\b1, 2\b", result.stderr)
    place.create("bare")
    where = place.arguments()[2:]
    result = CliRunner().invoke(main.main, ["replay", "bare", *where, "--decode", "--as-version", "latest"])
    assert result.exit_code == 2
    assert f"{place.prefix}bare-value" in result.stderr


def test_a_registry_that_is_down_is_told_before_anything_is_read(place: Place):
    """Nobody waits for a million messages to hear that none can be decoded."""
    result = CliRunner().invoke(
        main.main,
        ["replay", TOPIC, "--bootstrap-servers", place.kafka, "--registry-url", "http://127.0.0.1:9", "--topic-prefix", place.prefix],
    )  # fmt: skip
    assert result.exit_code == 4
    assert "http://127.0.0.1:9" in result.stderr


def test_without_a_registry_ids_are_counted(place: Place):
    """--registry-url mock:// counts by id alone, and decodes nothing."""
    place.write([place.value(1, 0), place.value(2, 1), b"junk!"])
    place.registry = "mock://"
    assert counted(place.done().stdout) == {
        (place.topic, str(place.ids[1]), "-"): 1,
        (place.topic, str(place.ids[2]), "-"): 1,
        (f"{place.topic}: {Kind.NO_MAGIC.reason}", "-", "-"): 1,
    }
    result = place.replay("--print", "jsonl")
    assert result.exit_code == 2
    assert "--registry-url" in result.stderr


def test_the_table_says_what_is_where(place: Place):
    """A person sees topic, partition, offset, time, key, version and value of each message."""
    place.write([place.value(2, 0), None])
    head, first, second = place.done("--print", "table").stdout.splitlines()
    assert head.split() == ["topic", "part", "offset", "time", "(UTC)", "key", "schema", "value"]
    both = {first, second}
    assert any(f"v2 ({place.ids[2]})" in line and "eventId=e0" in line for line in both)
    assert any("(tombstone)" in line and "k1" in line for line in both)

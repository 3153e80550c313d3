"""Two versions of a schema in one run: which event is written by which, byte for byte, and what is refused before."""

import json
import os
import subprocess
import sys
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from fastavro import schemaless_reader

from lensload.batches.topic_batch import TopicBatch
from lensload.config.loading import load
from lensload.config.model import RunConfig
from lensload.encoding import wire
from lensload.encoding.audit import Audit, ConfluentSerializer
from lensload.encoding.encoders import Encoder, FragmentEncoder, RecordEncoder, fastavro_serializer
from lensload.encoding.mixed_versions import MixedEncoder, Rollout
from lensload.errors import SchemaError, UsageError
from lensload.metrics.by_second import StatsBySecond
from lensload.schema import definitions
from lensload.schema import registry as doors
from lensload.schema.migration import Changeover, newer_schemas
from lensload.schema.registration import register_newer
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.registries import as_json, standing_in
from tests.support.topic_reader import read_to_end
from tests.support.worlds import SCHEMA_IDS, START_NS, batches_of

TOPIC = "user-interactions"
NEWER_ID = 77
LOADED = definitions.load()


def document(topic: str = TOPIC) -> dict[str, Any]:
    return json.loads(LOADED[topic].text)


def with_campaign(topic: str = TOPIC) -> str:
    """A newer version of a topic's schema: one more optional field, in the middle."""
    newer = document(topic)
    newer["fields"].insert(3, {"name": "campaign", "type": ["null", "string"], "default": None})
    return json.dumps(newer)


def without_duration() -> str:
    newer = document()
    newer["fields"] = [field for field in newer["fields"] if field["name"] != "duration"]
    return json.dumps(newer)


def change(first: float, last: float, topic: str = TOPIC, text: str = "") -> Changeover:
    return Changeover(topic, "newer.avsc", text or with_campaign(topic), first, last)


def mixed(
    each: Changeover, *, seed: int = 1, begun: tuple[int, int] | None = None, fast: bool = True
) -> Encoder:
    """An encoder that changes one topic over."""
    rollout = Rollout(each, seed)
    if begun:
        rollout.begin(*begun)
    newer = newer_schemas((each,), LOADED)
    encoders: list[Encoder] = []
    for versions, ids in ((LOADED, SCHEMA_IDS), (newer, {each.topic: NEWER_ID})):
        parsed = {topic: schema.parsed for topic, schema in versions.items()}
        encoders.append(
            FragmentEncoder(parsed, ids) if fast else RecordEncoder(fastavro_serializer(parsed, ids))
        )
    return MixedEncoder(encoders[0], encoders[1], {each.topic: rollout})


def batches(count: int = 4000, topic: str = TOPIC, **how: Any) -> list[TopicBatch]:
    return [batch for batch in batches_of(count, **how) if batch.topic == topic]


def newer_of(encoder: Encoder, batch: TopicBatch) -> list[bool]:
    """Which events of the batch the newer version wrote."""
    return (wire.Heads.of(encoder.encode(batch).values).schema_id == NEWER_ID).tolist()


@pytest.mark.parametrize("topic", definitions.TOPIC_NAMES)
@pytest.mark.parametrize("fast", [True, False])
def test_every_event_is_what_its_version_writes(topic: str, fast: bool):
    """Old and new interleaved, each event decodes by the version that its id names, in its place, with its key."""
    encoder = mixed(change(0.4, 0.4, topic), fast=fast)
    newer = newer_schemas((change(0.4, 0.4, topic),), LOADED)[topic]
    for batch in batches(topic=topic):
        encoded = encoder.encode(batch)
        seen: Counter[int] = Counter()
        assert (encoded.due_ns == batch.due_ns).all()
        assert encoded.keys == [row[0].encode() for row in batch.drawn_key.values()]
        assert len(encoded.took_ns) == len(batch)
        for value, record in zip(encoded.values, batch.records(), strict=True):
            number = int.from_bytes(value[1:5], "big")
            seen[number] += 1
            version, expected = (
                (newer, {**record, "campaign": None}) if number == NEWER_ID else (LOADED[topic], record)
            )
            assert schemaless_reader(BytesIO(value[5:]), version.parsed, None) == expected
        assert set(seen) <= {NEWER_ID, SCHEMA_IDS[topic]}
        if len(batch) > 200:
            assert 0.3 < seen[NEWER_ID] / len(batch) < 0.5


def test_a_newer_version_may_have_more_inside_its_records():
    """An optional field in a nested record, which fragments do not know, is written by fastavro all the same."""
    topic = "recommendation-responses"
    newer = document(topic)
    items = next(field for field in newer["fields"] if field["name"] == "recommendations")["type"]["items"]
    items["fields"].insert(1, {"name": "shelf", "type": ["null", "int"], "default": None})
    each = change(1, 1, topic, json.dumps(newer))
    fast, plain = mixed(each), mixed(each, fast=False)
    for batch in batches(topic=topic):
        assert fast.encode(batch).values == plain.encode(batch).values


def test_which_events_are_newer_depends_on_nothing_but_seed_and_event():
    """One worker or several, one batch or many: the same events are the newer version's; another seed, others."""
    encoder = mixed(change(0.3, 0.3))
    (whole,) = batches()
    chosen = newer_of(encoder, whole)
    parts = [whole.part(start, min(start + 97, len(whole))) for start in range(0, len(whole), 97)]
    assert [one for part in parts for one in newer_of(mixed(change(0.3, 0.3)), part)] == chosen
    assert newer_of(mixed(change(0.3, 0.3), seed=2), whole) != chosen
    half = [newer_of(mixed(change(0.6, 0.6)), whole)][0]
    assert all(later for earlier, later in zip(chosen, half, strict=True) if earlier)


@pytest.mark.parametrize(("share", "expected"), [(0.0, {False}), (1.0, {True})])
def test_none_and_all(share: float, expected: set[bool]):
    """Shares of 0 and 1 are exact."""
    assert {one for batch in batches() for one in newer_of(mixed(change(share, share)), batch)} == expected


def test_a_changeover_is_a_straight_line_over_the_measured_time():
    """The first share before and at the beginning, the last one at the end and after, and the mean between."""
    (batch,) = batches(20_000)
    begun = (int(batch.due_ns[0]), int(batch.due_ns[-1]))
    chosen = np.array(newer_of(mixed(change(0.1, 0.9), begun=begun), batch))
    quarters = [float(part.mean()) for part in np.array_split(chosen, 4)]
    assert quarters == pytest.approx([0.2, 0.4, 0.6, 0.8], abs=0.05)
    before = newer_of(mixed(change(0.1, 0.9), begun=(begun[1] + 1, begun[1] + 10**9)), batch)
    assert np.mean(before) == pytest.approx(0.1, abs=0.02)
    after = newer_of(mixed(change(0.1, 0.9), begun=(START_NS - 10**9, begun[0] - 1)), batch)
    assert np.mean(after) == pytest.approx(0.9, abs=0.02)
    assert np.mean(newer_of(mixed(change(0.1, 0.9)), batch)) == pytest.approx(0.1, abs=0.02)


def test_the_audit_compares_with_the_version_used():
    """Events of either version pass the audit; a value under the other's id does not."""
    with doors.connect("mock://audit", {}) as books:
        each = change(0.5, 0.5)
        ids = doors.schema_ids(books.register(LOADED))
        newer = newer_schemas((each,), LOADED)
        newer_ids = register_newer(books, newer, ids, "")
        names = {topic: topic for topic in LOADED}
        serializers = {
            numbers[topic]: ConfluentSerializer(books.client, {topic: versions[topic].text}, names)
            for versions, numbers in ((LOADED, ids), (newer, newer_ids))
            for topic in versions
        }
        parsed = [
            {topic: schema.parsed for topic, schema in versions.items()} for versions in (LOADED, newer)
        ]
        encoder = MixedEncoder(
            FragmentEncoder(parsed[0], ids), FragmentEncoder(parsed[1], newer_ids), {TOPIC: Rollout(each, 1)}
        )
        by_second = StatsBySecond()
        audit = Audit(serializers, 1e9, by_second)
        for batch in batches_of(1000):
            audit.look(batch, encoder.encode(batch), 1.0)
        assert (by_second.timeless.totals["audited"], by_second.timeless.totals["mismatched"]) == (1000, 0)
        (batch,) = batches(300)
        wrong = FragmentEncoder(parsed[0], {**ids, TOPIC: newer_ids[TOPIC]}).encode(batch)
        audit.look(batch, wrong, 1.0)
        assert by_second.timeless.totals["mismatched"] == len(batch)


def test_the_option_carries_the_schema_itself(tmp_path: Path):
    """Workers elsewhere get the text; a run file shows the file's name and the shares, and no path."""
    file = tmp_path / "newer.avsc"
    file.write_text(with_campaign())
    metrics = tmp_path / "metrics.avsc"
    metrics.write_text(with_campaign("model-metrics"))
    config = load(
        {"evolve": f"{TOPIC}={file}@0.1-0.9,model-metrics={metrics}@.5"}, environ={}, folder=tmp_path
    )
    file.unlink()
    assert [(each.topic, each.first, each.last) for each in config.producer.evolve] == [
        (TOPIC, 0.1, 0.9),
        ("model-metrics", 0.5, 0.5),
    ]
    assert RunConfig.from_json(config.as_json()) == config
    assert config.public()["evolve"] == [f"{TOPIC}=newer.avsc@0.1-0.9", "model-metrics=metrics.avsc@0.5-0.5"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("user-interactions", "TOPIC=FILE@SHARE"),
        ("user-interactions={file}", "TOPIC=FILE@SHARE"),
        ("user-interactions={file}@half", "TOPIC=FILE@SHARE"),
        ("user-interactions={file}@1.5", "0 to 1"),
        ("user-interactions={file}@-0.5", "TOPIC=FILE@SHARE"),
        ("interactions={file}@0.5", "'interactions'"),
        ("user-interactions=gone.avsc@0.5", "gone.avsc"),
        ("user-interactions={file}@0.5,user-interactions={file}@0.1", "user-interactions"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, named: str, tmp_path: Path):
    """Each slip of the option is named, or the form that it should have."""
    file = tmp_path / "newer.avsc"
    file.write_text(with_campaign())
    with pytest.raises(UsageError, match="--evolve") as caught:
        load({"evolve": text.format(file=file)}, environ={}, folder=tmp_path)
    assert named in str(caught.value)


def test_an_unfit_version_is_refused():
    """What breaks LENS's rule, moves the stopwatch, is no schema of the topic or nothing new never gets into a run."""
    late = document()
    late["fields"].insert(0, {"name": "campaign", "type": ["null", "string"], "default": None})
    for text, named in (
        (without_duration(), "duration"),
        (json.dumps(late), "campaign"),
        ("{", "newer.avsc:1: "),
        (LOADED["model-metrics"].text, "com.lens.events.UserInteraction"),
        (LOADED[TOPIC].text, "user_interaction.avsc"),
    ):
        with pytest.raises(SchemaError) as caught:
            newer_schemas((change(0.5, 0.5, text=text),), LOADED)
        assert named in str(caught.value)
        assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="--topics"):
        newer_schemas((change(0.5, 0.5),), {})


def test_a_registry_against_the_newer_version_is_heard():
    """Its verdict, or its taking both for one schema, ends a run before anything is sent, with exit code 2."""

    def refuse(_method: str, path: str) -> Any:
        return as_json(200, is_compatible=False) if path.startswith("/compatibility") else None

    newer = newer_schemas((change(0.5, 0.5),), LOADED)
    with standing_in(refuse) as server, doors.connect(server.url, {}) as books:
        ids = doors.schema_ids(books.register(LOADED))
        with pytest.raises(SchemaError, match=r"user_interaction\.avsc .*user-interactions-value"):
            register_newer(books, newer, ids, "")
        assert len(server.subjects["user-interactions-value"]) == 1
    with standing_in() as server, doors.connect(server.url, {}) as books:
        ids = doors.schema_ids(books.register(LOADED))
        assert register_newer(books, newer, ids, "") == {TOPIC: 105}
        with pytest.raises(SchemaError, match="id 105"):
            register_newer(books, newer, {**ids, TOPIC: 105}, "")


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lensload bench` as a process of its own."""
    code = "import sys; from lensload.cli.main import main; sys.argv[0] = 'lensload'; main()"
    command = [sys.executable, "-c", code, "bench", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LENSLOAD_")}
    return subprocess.run(
        command, cwd=folder, env=clean, capture_output=True, text=True, check=False, timeout=120
    )


def test_both_versions_are_accounted_for_on_the_embedded_cluster(tmp_path: Path):
    """Nothing is lost between versions, and the audit finds no difference."""
    (tmp_path / "newer.avsc").write_text(with_campaign())
    asked = ("--rate", "1000", "--duration", "2s", "--warmup", "1s", "--verify-per-s", "200")
    done = bench(tmp_path, *asked, "--evolve", f"{TOPIC}=newer.avsc@0.2-0.8")
    assert done.returncode in (0, 3), done.stderr  # 3: a busy machine's late schedule
    found = json.loads((tmp_path / "run.json").read_text())
    counts = found["topics"][TOPIC]
    assert counts["produced"] == counts["acked"] == counts["observed"] > 500
    assert found["totals"]["mismatched"] == 0
    assert found["totals"]["audited"] > 100
    assert found["conditions"]["configuration"]["evolve"] == [f"{TOPIC}=newer.avsc@0.2-0.8"]
    (worker,) = found["conditions"]["workers"]
    assert set(worker["generator"]["newer_schema_ids"]) == {TOPIC}


@pytest.mark.native
def test_consumers_of_a_real_cluster_meet_both_versions(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """Old and new ids interleaved in each partition, the newer ones growing in share, each decodable by its id."""
    (tmp_path / "newer.avsc").write_text(with_campaign())
    addresses = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    shape = ("--topic-prefix", topic_prefix, "--topics", TOPIC, "--partitions", "2", "--warmup", "0s")
    evolve = ("--evolve", f"{TOPIC}=newer.avsc@0.1-0.9")
    done = bench(tmp_path, *addresses, *shape, *evolve, "--rate", "1000", "--duration", "3s")
    assert done.returncode in (0, 3), done.stderr
    found = json.loads((tmp_path / "run.json").read_text())
    produced = found["topics"][TOPIC]["produced"]
    assert produced == found["topics"][TOPIC]["acked"] == found["topics"][TOPIC]["observed"]
    numbers = found["conditions"]["workers"][0]["generator"]
    older, newer = numbers["schema_ids"][TOPIC], numbers["newer_schema_ids"][TOPIC]
    values = _values(kafka, topic_prefix + TOPIC)
    assert sum(map(len, values.values())) == produced
    heads = {partition: wire.Heads.of(of_it).schema_id for partition, of_it in values.items()}
    for of_partition in heads.values():
        changes = np.count_nonzero(np.diff(of_partition))
        assert changes > 50  # interleaved, not one after the other
        first, *_, last = np.array_split(of_partition == newer, 5)
        assert (first.mean() < 0.35, last.mean() > 0.65) == (True, True)
    with SchemaRegistryClient({"url": registry.url}) as client:
        versions = {
            number: json.loads(client.get_schema(number).schema_str or "") for number in (older, newer)
        }
        latest = client.get_latest_version(definitions.subject(TOPIC, topic_prefix))
    assert (latest.schema_id, latest.version) == (newer, 2)
    for value in [value for of_it in values.values() for value in of_it]:
        number = int.from_bytes(value[1:5], "big")
        record: Any = schemaless_reader(BytesIO(value[5:]), versions[number], None)
        assert ("campaign" in record) == (number == newer)


@pytest.mark.native
def test_a_removal_is_refused_though_the_real_registry_would_take_it(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """Exit code 2 with LENS's rule, and nothing is sent or registered."""
    (tmp_path / "bad.avsc").write_text(without_duration())
    where = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    shape = ("--topic-prefix", topic_prefix, "--evolve", f"{TOPIC}=bad.avsc@0.5")
    with doors.connect(registry.url, {}) as books:
        books.register(LOADED, topic_prefix)
    done = bench(tmp_path, *where, *shape)
    assert done.returncode == 2
    assert "duration: " in done.stderr
    assert not (tmp_path / "run.json").exists()
    with SchemaRegistryClient({"url": registry.url}) as client:
        assert client.get_versions(definitions.subject(TOPIC, topic_prefix)) == [1]


def _values(kafka: Kafka, topic: str) -> dict[int, list[bytes]]:
    """All values of the topic's two partitions, in order."""
    found: dict[int, list[bytes]] = {0: [], 1: []}
    for message in read_to_end(kafka.bootstrap_servers, [topic], 2):
        found[int(message.partition() or 0)].append(message.value() or b"")
    return found

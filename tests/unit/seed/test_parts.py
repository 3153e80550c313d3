"""History is laid out in its own time, and told the same in whatever parts it is made, sent or read."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError, Message, Producer
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Drawn, Ids
from lensload.batches.topic_batch import TopicBatch
from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.kafka.topic_settings import obstacles
from lensload.seed import actuals, manifest
from lensload.seed.digest import PartitionDigest
from lensload.seed.options import SeedOptions, plan_of
from lensload.seed.partitioner import Partitioner, murmur2
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream
from lensload.seed.records import Headers, Records
from lensload.world.calendar import HOURS, Calendar, busyness
from lensload.world.options import WorldOptions
from lensload.world.world import TOPICS
from tests.support.worlds import SCHEMA_IDS

DAY_MS = 86_400_000
UNTIL_MS = 1_790_000_000_000
PLAN = Plan(
    UNTIL_MS - 14 * DAY_MS,
    UNTIL_MS,
    12_000,
    world=WorldOptions(seed=7, audience_size=640, catalogue_size=240),
)
COUNTS = {topic: 3 + place for place, topic in enumerate(TOPICS)}


def batches(plan: Plan) -> dict[str, list[TopicBatch]]:
    found: dict[str, list[TopicBatch]] = {topic: [] for topic in plan.topics}
    for portion in plan.history().portions():
        for batch in portion:
            found[batch.topic].append(batch)
    return found


def due_ns(plan: Plan) -> dict[str, NDArray[np.int64]]:
    return {topic: np.concatenate([b.due_ns for b in some]) for topic, some in batches(plan).items()}


@pytest.mark.parametrize("span", [(14 * DAY_MS, 12_000), (DAY_MS // 24, 40_000), (200 * DAY_MS, 3_000)])
def test_there_are_exactly_as_many_events_as_asked_in_the_span_and_in_order(span: tuple[int, int]):
    """An exact number of events is exact, sparse or dense, and fills the span."""
    length_ms, events = span
    plan = Plan(
        UNTIL_MS - length_ms,
        UNTIL_MS,
        events,
        world=WorldOptions(seed=3, audience_size=640, catalogue_size=240),
    )
    times = due_ns(plan)
    assert sum(map(len, times.values())) == events
    for each in times.values():
        assert (np.diff(each) >= 0).all()
        assert each[0] >= plan.start_ms * 10**6
        assert each[-1] < plan.until_ms * 10**6
    every = np.concatenate(list(times.values()))
    assert (UNTIL_MS * 10**6 - every.max()) / 10**6 < 0.2 * length_ms


@pytest.mark.parametrize("topic", TOPICS)
def test_one_topic_alone_has_as_many_events_as_asked(topic: str):
    """Events are counted as they are told: a rare topic makes for more sessions, spread over the whole span."""
    plan = Plan(
        UNTIL_MS - 7 * DAY_MS,
        UNTIL_MS,
        2_000,
        (topic,),
        world=WorldOptions(seed=3, audience_size=640, catalogue_size=240),
    )
    times = due_ns(plan)[topic]
    assert len(times) == 2_000
    by_day = np.bincount((times // 10**6 - plan.start_ms) // DAY_MS, minlength=7)
    if topic != "model-metrics":  # which come in bursts
        assert by_day[:6].min() > 0.4 * by_day[:6].mean()


def test_portions_follow_each_other():
    """Whoever writes portions one after another writes in order of time: none goes back behind the one before it."""
    portions = [portion for portion in PLAN.history().portions() if portion]
    assert len(portions) > 10
    for before, after in pairwise(portions):
        assert max(batch.due_ns[-1] for batch in before) <= min(batch.due_ns[0] for batch in after)


def test_ids_and_timestamps_say_when_an_event_happened():
    """An event's id, its timestamp and its due time are one and the same moment."""
    for topic, some in batches(PLAN).items():
        for batch in some:
            columns = {name: column for column in batch.columns for name in column.fields}
            name = next(name for name in ("eventId", "metricId", "requestId") if name in columns)
            texts = columns[name]
            assert isinstance(texts, Ids)
            readings = ids.read(texts.texts)
            stamps = [stamp for (stamp,) in columns["timestamp"].values()]
            assert stamps == ids.whole_ms(batch.due_ns).tolist()
            assert (readings.run_tag == PLAN.run_tag).all()
            if topic != "recommendation-responses":  # which carries its request's id
                assert readings.due_ns.tolist() == batch.due_ns.tolist()


def test_a_day_and_a_week_have_their_rhythm():
    """The evening is several times as busy as the night, and the weekend busier than midweek."""
    plan = Plan(UNTIL_MS - 28 * DAY_MS, UNTIL_MS, 60_000, world=WorldOptions(seed=5))
    seconds = np.concatenate(list(due_ns(plan).values())) // 10**9
    by_hour = np.bincount((seconds // 3600 % 24).astype(np.int64), minlength=24) / len(seconds)
    assert np.corrcoef(by_hour, HOURS)[0, 1] > 0.98
    assert by_hour[20] > 5 * by_hour[4]
    by_day = np.bincount(((seconds // 86_400 + 3) % 7).astype(np.int64), minlength=7)
    assert by_day[5:].mean() > 1.15 * by_day[1:4].mean()


def session_days(plan: Plan) -> dict[bytes, set[int]]:
    """The days on which each session of a plan has interactions."""
    seen: dict[bytes, set[int]] = {}
    for batch in batches(plan)["user-interactions"]:
        sessions = next(c for c in batch.columns if isinstance(c, Ids) and c.field == "sessionId")
        for text, day in zip(sessions.texts, (batch.due_ns // (DAY_MS * 10**6)).tolist(), strict=True):
            seen.setdefault(text.tobytes(), set()).add(day)
    return seen


def test_sessions_go_on_over_midnight():
    """No day begins from nothing: some sessions have events on both sides of a midnight."""
    seen = session_days(Plan(UNTIL_MS - 3 * DAY_MS, UNTIL_MS, 60_000, world=WorldOptions(seed=5)))
    assert any(len(days) > 1 for days in seen.values())


def test_the_next_day_has_sessions_of_its_own():
    """A seed that is appended to another repeats none of its sessions, though the people are the same."""
    world = WorldOptions(seed=5)
    first, second = (
        set(session_days(Plan(until_ms - DAY_MS, until_ms, 5_000, world=world)))
        for until_ms in (UNTIL_MS - DAY_MS, UNTIL_MS)
    )
    assert len(first) > 200 < len(second)
    assert not first & second


def test_people_come_only_while_they_are_members():
    """Who joins on the tenth day is not seen on the ninth, and who has left begins no session any more."""
    scenario = PLAN.scenario()
    turnover = scenario.turnover
    assert turnover is not None
    seen = 0
    for portion in PLAN.history(scenario).portions():
        for batch in portion:
            if batch.topic != "recommendation-requests":
                continue
            at_s = batch.due_ns / 1e9 - PLAN.start_ms / 1000
            person = batch.drawn_key.index
            assert (turnover.joins_s[person] <= at_s).all()
            assert (turnover.leaves_s[person] > at_s - 2 * 3600).all()
            seen += len(np.unique(person[turnover.joins_s[person] > 0]))
    assert seen > 50
    assert np.isfinite(turnover.leaves_s).any()


def test_items_are_seen_from_their_launch_on_and_fade():
    """Nothing is opened before it is launched; what is new is sought more in its first days than later."""
    plan = Plan(
        UNTIL_MS - 28 * DAY_MS,
        UNTIL_MS,
        60_000,
        world=WorldOptions(seed=5, audience_size=640, catalogue_size=600),
    )
    scenario = plan.scenario()
    turnover = scenario.turnover
    assert turnover is not None
    ages: list[Any] = []
    items = len(scenario.catalogue.item_ids)
    for portion in plan.history(scenario).portions():
        for batch in portion:
            if batch.topic != "user-interactions":
                continue
            action = next(c for c in batch.columns if isinstance(c, Drawn) and "itemId" in c.fields)
            item = action.index % items
            launch_s = turnover.launch_season[item] * turnover.season_s
            at_s = batch.due_ns / 1e9 - plan.start_ms / 1000
            new = turnover.launch_season[item] >= 0
            ages.append((at_s - launch_s)[new] / 86_400)
    age = np.concatenate(ages)
    assert len(age) > 2_000
    assert age.min() >= 0
    # Of the items launched in the first two weeks, everyone has been there for at least 14 days.
    assert np.count_nonzero(age < 3) > 1.5 * np.count_nonzero((age >= 9) & (age < 12))


def test_more_sessions_may_be_aimed_at_without_changing_what_was():
    """Aiming anew moves what is to come, and leaves what has been played where it was."""
    calendar = Calendar(UNTIL_MS - 7 * DAY_MS, UNTIL_MS, 100.0)
    numbers = np.linspace(0, 40, 200)
    before = calendar.at(numbers)
    calendar.aim(40.0, 90.0, 0.0)
    assert np.allclose(calendar.at(numbers), before)
    assert calendar.sessions_a_lane == pytest.approx(130.0)
    assert (np.diff(calendar.at(np.linspace(0, 130, 1000))) > 0).all()
    hours = np.arange(0, 7 * 86_400, 3_600, dtype=np.float64)
    assert busyness(hours).mean() == pytest.approx(1.0, abs=0.1)


def everything(stream: RecordStream) -> dict[tuple[str, int], tuple[list[Any], list[Any], list[Any]]]:
    found: dict[tuple[str, int], tuple[list[Any], list[Any], list[Any]]] = {}
    for records in stream.records():
        for number, part in records.by_partition():
            keys, values, times = found.setdefault((records.topic, number), ([], [], []))
            keys += part.keys
            values += part.values
            times += part.timestamp_ms.tolist()
    return found


@pytest.mark.parametrize("topics", [TOPICS, ("recommendation-responses", "user-interactions")])
def test_workers_together_make_what_one_makes(topics: tuple[str, ...]):
    """A partition's records do not depend on how many workers there are, nor on which topics have how many partitions."""
    plan = Plan(
        UNTIL_MS - DAY_MS,
        UNTIL_MS,
        9_000,
        topics,
        world=WorldOptions(seed=7, audience_size=640, catalogue_size=240),
    )
    alone = everything(RecordStream(plan, SCHEMA_IDS, Partitioner(COUNTS)))
    together: dict[tuple[str, int], Any] = {}
    for worker in range(3):
        part = everything(RecordStream(plan, SCHEMA_IDS, Partitioner(COUNTS, worker, 3)))
        assert not together.keys() & part.keys()
        together |= part
    assert together == alone
    for _, _, times in alone.values():
        assert times == sorted(times)
    assert sum(len(values) for _, values, _ in alone.values()) == 9_000


def test_realised_counts_add_up():
    """What workers count each for themselves is what one counts for all."""
    counted = actuals.Actuals()
    for _ in RecordStream(PLAN, SCHEMA_IDS, Partitioner(COUNTS)).records(counted):
        pass
    parts: list[dict[str, Any]] = []
    for worker in range(2):
        own = actuals.Actuals()
        for _ in RecordStream(PLAN, SCHEMA_IDS, Partitioner(COUNTS, worker, 2)).records(own):
            pass
        parts.append(own.as_dict())
    assert actuals.merged(parts) == counted.as_dict()


@given(st.lists(st.binary(min_size=0, max_size=40), min_size=1, max_size=30))
def test_keys_go_where_librdkafka_puts_them(keys: list[bytes]):
    """Our own murmur2 is Kafka's: hashes of any keys are those of the reference implementation."""
    assert murmur2(keys).tolist() == [reference(key) for key in keys]


def reference(data: bytes) -> int:
    """org.apache.kafka.common.utils.Utils.murmur2, line by line."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    for at in range(0, len(data) // 4 * 4, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k ^= k >> 24
        h = h * m & mask ^ k * m & mask
    rest = data[len(data) // 4 * 4 :]
    for place in reversed(range(len(rest))):
        h ^= rest[place] << 8 * place
    if rest:
        h = h * m & mask
    h ^= h >> 13
    h = h * m & mask
    return h ^ h >> 15


def test_partitions_are_those_of_librdkafkas_own_partitioner():
    """What Java and librdkafka write with murmur2 is co-partitioned with what is seeded."""
    pool = next(iter(PLAN.history().outline())).drawn_key.pool
    wanted = Partitioner({"t": 4}).of("t", pool)[:200]
    found: dict[bytes, int] = {}

    def note(error: KafkaError | None, message: Message) -> None:
        assert error is None
        found[bytes(message.key() or b"")] = int(message.partition() or 0)

    with EmbeddedCluster() as embedded:
        producer = Producer(
            {"bootstrap.servers": embedded.bootstrap_servers, "partitioner": "murmur2_random"}
        )
        for (user,) in pool.rows[:200]:
            producer.produce("t", b"", user.encode(), on_delivery=note)
        assert producer.flush(20) == 0
    assert [found[user.encode()] for (user,) in pool.rows[:200]] == wanted.tolist()


Record = tuple[bytes, bytes | None, int, bool]
RECORDS = st.lists(
    st.tuples(st.binary(max_size=5), st.none() | st.binary(max_size=9), st.integers(0, 2**41), st.booleans()),
    max_size=40,
)


def digest_of(records: list[Record], cuts: list[int], schema_id: int = 9) -> str:
    digest = PartitionDigest(schema_id)
    for start, stop in zip([0, *cuts], [*cuts, len(records)], strict=True):
        part = records[start:stop]
        headers: dict[int, Headers] = {n: [("fault", b"late")] for n, each in enumerate(part) if each[3]}
        digest.add(
            [each[0] for each in part], [each[1] for each in part], [each[2] for each in part], headers
        )
    return digest.done()


@given(RECORDS, st.data())
def test_a_digest_does_not_depend_on_the_portions_it_was_fed(records: list[Record], data: st.DataObject):
    """Writer and reader take a partition in in different portions, and find the same digest."""
    records = records * data.draw(st.sampled_from((1, 1, 200)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    assert digest_of(records, cuts) == digest_of(records, [])


@given(RECORDS.filter(bool), st.data())
def test_a_digest_changes_with_any_record(records: list[Record], data: st.DataObject):
    """No record can be lost, doubled or altered without the digest telling."""
    place = data.draw(st.integers(0, len(records) - 1))
    key, value, at, marked = records[place]
    others: list[list[Record]] = [
        [],
        [records[place], records[place]],
        [(key + b"x", value, at, marked)],
        [(key, (value or b"") + b"x", at, marked)],
        [(key, None if value is not None else b"", at, marked)],
        [(key, value, at + 1, marked)],
        [(key, value, at, not marked)],
    ]
    for other in others:
        assert digest_of([*records[:place], *other, *records[place + 1 :]], []) != digest_of(records, [])


def test_a_digest_forgets_the_registrys_number_and_no_other():
    """Two registries may number schemas differently; an id that is not the topic's is a difference."""
    one: list[Record] = [(b"k", b"\0\0\0\0\x09rest", 1, False)]
    two: list[Record] = [(b"k", b"\0\0\0\0\x0crest", 1, False)]
    assert digest_of(one, [], 9) == digest_of(two, [], 12)
    assert digest_of(one, [], 9) != digest_of(two, [], 9)


def test_records_fall_into_partitions_with_their_headers():
    """What is labelled stays with its record when a topic's records are divided."""
    records = Records(
        "t",
        [b"a", b"b", b"c"],
        [b"1", b"2", None],
        np.array([1, 0, 1]),
        np.array([5, 6, 7]),
        {2: [("f", b"x")]},
    )
    parts = dict(records.by_partition())
    assert parts[0].keys == [b"b"]
    assert (parts[1].values, parts[1].headers) == ([b"1", None], {1: [("f", b"x")]})
    assert (parts[1].behind(1).values, parts[1].behind(1).headers) == ([None], {0: [("f", b"x")]})
    assert len(parts[1].behind(5)) == 0


NOW_MS = UNTIL_MS + 5_000
PLACE = {"bootstrap_servers": "localhost:1", "registry_url": "mock://"}
CONFIG = RunConfig.of(**PLACE)


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (SeedOptions(), "--events"),
        (SeedOptions(events=5, append=True, recreate=True), "--recreate"),
        (SeedOptions(days=0.001), "--days"),
        (SeedOptions(days=1e9), "--days"),
        (SeedOptions(days=float("nan")), "--days"),
        (SeedOptions(events=5, until="2100-01-01"), "--until"),
        (SeedOptions(events=5, until="yesterday"), "--until"),
        (SeedOptions(events=5, until="1971-01-01"), "--until"),
        (SeedOptions(events=5, output_dir=Path("d")), "--output-format"),
    ],
)
def test_options_that_make_no_plan_are_refused(options: SeedOptions, flag: str):
    """Whoever asks for a history that cannot be reads which flag is wrong, before anything is reached."""
    with pytest.raises(UsageError, match=flag):
        plan_of(options, CONFIG, NOW_MS)


def test_a_plan_is_fixed_by_its_options():
    """Now is rounded and recorded, so that the manifest says it all; a time is what it says in any zone."""
    plan = plan_of(SeedOptions(events=10), CONFIG, 1_790_000_000_987)
    assert (plan.until_ms, plan.span_s) == (1_790_000_000_000, 14 * 86_400.0)
    fixed = plan_of(SeedOptions(days=2, until="2026-01-31T12:00:00+02:00"), CONFIG, NOW_MS)
    assert fixed == plan_of(SeedOptions(days=2, until="2026-01-31T10:00:00"), CONFIG, NOW_MS)
    assert Plan.from_dict(fixed.as_dict()) == fixed
    assert fixed.expected_events > 50_000
    with pytest.raises(UsageError, match="moon"):
        Plan.from_dict({**fixed.as_dict(), "moon": 1})


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({}, []),
        ({"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}, []),
        ({"retention.ms": "604800000"}, ["retention.ms"]),
        ({"retention.ms": str(60 * DAY_MS)}, []),
        ({"retention.bytes": "1000"}, ["retention.bytes"]),
        ({"cleanup.policy": "compact,delete"}, ["cleanup.policy"]),
        ({"message.timestamp.type": "LogAppendTime"}, ["message.timestamp.type"]),
        ({"message.timestamp.before.max.ms": "3600000"}, ["message.timestamp.before.max.ms"]),
        ({"message.timestamp.before.max.ms": str(2**63 - 1)}, []),
    ],
)
def test_settings_that_would_lose_history_are_seen(settings: dict[str, str], keys: list[str]):
    """No scenario of a topic deletes, refuses or restamps history in silence."""
    found = obstacles(
        settings, now_ms=NOW_MS, start_ms=PLAN.start_ms, until_ms=UNTIL_MS, partition_bytes=1_000_000
    )
    assert [each.key for each in found] == keys


def test_what_is_no_manifest_is_refused(tmp_path: Path):
    """A manifest is read with care: another file, a cut one, another version."""
    path = tmp_path / "m.json"
    with pytest.raises(UsageError, match=path.name):
        manifest.read(path)
    for text, named in (
        ("{", path.name),
        ("[]", path.name),
        ('{"format": "lensload/manifest/9"}', "lensload/manifest/9"),
        ('{"format": "lensload/manifest/1"}', "state"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=named):
            manifest.read(path)

"""Faults are exactly the labelled ones: each label is true, no other record is faulty, and any division is alike."""

import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from fastavro import schemaless_reader
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensload import ids
from lensload.encoding.encoders import FragmentEncoder
from lensload.encoding.wire import Heads
from lensload.errors import UsageError
from lensload.seed.faults.injector import FaultInjector
from lensload.seed.faults.kinds import CLOCK_SKEW, FAULTS, HEADER, Rates, rates_of
from lensload.seed.partitioner import Partitioner
from lensload.seed.records import Records
from lensload.world.world import TOPICS, World
from tests.support.worlds import PARSED, SCHEMA_IDS, SMALL, TOPICS_BY_SCHEMA, evenly

PARTITIONS = 3
MINUTE_MS = 60_000
# An event each 600 ms: 6,000 of them are an hour, so that 15,000 leave time to be late.
GAP_NS = 600_000_000
EVENTS = 15_000
SIGMAS = 4.5

Record = dict[str, Any]
Place = tuple[str, int]


@dataclass(frozen=True)
class Read:
    """A record as a consumer has it."""

    key: bytes
    value: bytes | None
    timestamp_ms: int
    label: str


@cache
def _encoded(count: int = EVENTS) -> list[Records]:
    """Portions of records without faults."""
    world, encoder = World(SMALL, tuple(range(64)), run_tag=5), FragmentEncoder(PARSED, SCHEMA_IDS)
    partitions = Partitioner(dict.fromkeys(TOPICS, PARTITIONS))
    portions: list[Records] = []
    for start in range(0, count, 5_000):
        for batch in world.events_at(evenly(count, GAP_NS)[start : start + 5_000]):
            where = partitions.of(batch.topic, batch.drawn_key.pool)[batch.drawn_key.index]
            portions.append(Records.of(encoder.encode(batch), where))
    return portions


def _read(portions: list[Records]) -> dict[Place, list[Read]]:
    found: dict[Place, list[Read]] = defaultdict(list)
    for records in portions:
        for place in range(len(records)):
            headers = dict(records.headers.get(place, []))
            assert set(headers) <= {HEADER}
            read = Read(
                records.keys[place] or b"",
                records.values[place],
                int(records.timestamp_ms[place]),
                headers.get(HEADER, b"").decode(),
            )
            found[records.topic, int(records.partition[place])].append(read)
    return dict(found)


def _serials(records: Records) -> NDArray[np.int64]:
    """Which of whose events each is, by its id."""
    readings = Heads.of([value or b"" for value in records.values]).readings
    return ids.serials(readings.lane, readings.sequence)


def _befallen(
    rates: Rates, portions: list[Records], seed: int = 1
) -> tuple[dict[Place, list[Read]], dict[str, dict[str, int]]]:
    faults = FaultInjector(seed, rates, PARSED)
    done = [faults.apply(records, _serials(records)) for records in portions]
    done += list(faults.finish())
    return _read(done), faults.as_dict()


@cache
def _faulty() -> tuple[dict[Place, list[Read]], dict[str, dict[str, int]]]:
    """Partitions in which one record in five or so has a fault, of every kind."""
    return _befallen(rates_of(f"{name}=0.02" for name in FAULTS), _encoded())


def _decoded(value: bytes | None) -> Record:
    assert value is not None
    stream = io.BytesIO(value)
    stream.seek(5)
    record: Any = schemaless_reader(stream, PARSED[TOPICS_BY_SCHEMA[_schema_id(value)]], None)
    assert stream.read() == b""
    return record


def _schema_id(value: bytes) -> int:
    return int.from_bytes(value[1:5], "big")


def _labelled(*names: str) -> list[tuple[Place, Read]]:
    return [(place, read) for place, reads in _faulty()[0].items() for read in reads if read.label in names]


@cache
def _known() -> tuple[set[str], set[str]]:
    """The requests and the sessions that there are."""
    requests, sessions = set[str](), set[str]()
    for (topic, _), reads in _read(_encoded()).items():
        for read in reads:
            if topic == "recommendation-requests":
                requests.add(_decoded(read.value)["requestId"])
            elif topic == "user-interactions":
                sessions.add(_decoded(read.value)["sessionId"])
    return requests, sessions


def _refers(topic: str, record: Record) -> bool:
    """Whether what the record refers to is there, or may be: sessions can be seen in ab-test-events alone."""
    requests, sessions = _known()
    match topic:
        case "recommendation-responses":
            return record["requestId"] in requests
        case "user-interactions":
            return record["metadata"]["requestId"] in requests
        case "ab-test-events":
            return record["metadata"]["sessionId"] in sessions or record["metadata"]["sessionId"][14] == "8"
        case _:
            return True


def _possible(record: Record) -> bool:
    numbers = ("numRecommendations", "processingTime", "duration", "metricValue", "value")
    return (record.get("rating") or 1) <= 5 and all((record.get(name) or 0) >= 0 for name in numbers)


def _off_ms(record: Record) -> int:
    """How far the timestamp is from the time in the id."""
    text = next(iter(record.values()))
    read = ids.read(np.frombuffer(text.encode(), dtype=np.uint8).reshape(1, 36))
    return record["timestamp"] - int(read.due_ns[0]) // 1_000_000


def test_counts_are_what_a_reader_finds_by_header():
    """The counts of each topic and fault are those of the headers, and every kind of fault is there."""
    reads, counts = _faulty()
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (topic, _), of_partition in reads.items():
        found[topic].update(read.label for read in of_partition if read.label)
    assert {topic: dict(counter) for topic, counter in found.items()} == counts
    assert set().union(*counts.values()) == set(FAULTS)


def test_faults_are_as_frequent_as_asked():
    """Each fault befalls its share of the records that can have it; late ones need an hour to come, out of three."""
    reads, counts = _faulty()
    totals = Counter(topic for (topic, _), of_partition in reads.items() for _ in of_partition)
    for name in set(FAULTS) - {CLOCK_SKEW, "late", "out-of-order"}:
        topics = [topic for topic in counts if name in counts[topic]]
        trials = sum(totals[topic] for topic in topics) * 0.98
        deviation = (trials * 0.02 * 0.98) ** 0.5
        assert (
            abs(sum(counts[topic][name] for topic in topics) - trials * 0.02)
            < SIGMAS * deviation + 0.002 * trials
        )


def test_nothing_is_lost_and_only_duplicates_are_added():
    """There are as many records as events and duplicates, each key's in the partition that it had."""
    reads, counts = _faulty()
    doubled = Counter({topic: of_topic.get("duplicate", 0) for topic, of_topic in counts.items()})
    clean = _read(_encoded())
    for topic in TOPICS:
        count = sum(len(of_partition) for place, of_partition in clean.items() if place[0] == topic)
        assert sum(len(reads[topic, number]) for number in range(PARTITIONS) if (topic, number) in reads) == (
            count + doubled[topic]
        )
    for place, of_partition in reads.items():
        keys = Counter(read.key for read in of_partition if read.label != "duplicate")
        assert keys == Counter(read.key for read in clean[place])


def test_records_without_a_label_have_no_fault():
    """They decode to the last byte, are in order, once, possible, on time, and what they refer to exists."""
    for (topic, _), of_partition in _faulty()[0].items():
        newest, seen = 0, set[bytes]()
        for read in of_partition:
            if read.label:
                continue
            assert read.timestamp_ms >= newest
            newest = read.timestamp_ms
            record = _decoded(read.value)
            assert read.value is not None
            assert read.value not in seen
            seen.add(read.value)
            assert record["timestamp"] == read.timestamp_ms
            assert _possible(record)
            assert _refers(topic, record)
            if topic != "recommendation-responses":  # whose id says when its request was due
                assert _off_ms(record) == 0


def test_late_and_disordered_records_stand_behind_newer_ones():
    """A late record is 10 minutes to an hour or so behind the newest of its partition, a disordered one behind it."""
    for of_partition in _faulty()[0].values():
        newest = 0
        for read in of_partition:
            if read.label in {"late", "out-of-order"}:
                assert _decoded(read.value)["timestamp"] == read.timestamp_ms
                assert newest > read.timestamp_ms
                if read.label == "late":
                    assert newest - read.timestamp_ms >= 10 * MINUTE_MS
            elif read.label != CLOCK_SKEW:
                newest = read.timestamp_ms
    assert len(_labelled("late")) > 100


def test_duplicates_repeat_the_record_before_them():
    """A duplicate has the key, the value and the time of its neighbour, which is no fault itself."""
    for of_partition in _faulty()[0].values():
        for place, read in enumerate(of_partition):
            if read.label == "duplicate":
                assert of_partition[place - 1] == Read(read.key, read.value, read.timestamp_ms, "")


def test_what_cannot_be_read_cannot_be_read():
    """Malformed values end too early under a known id; unknown ids are nobody's; tombstones are null."""
    for (topic, _), read in _labelled("malformed"):
        assert read.value is not None
        assert _schema_id(read.value) == SCHEMA_IDS[topic]
        with pytest.raises((EOFError, IndexError, ValueError)):
            _decoded(read.value)
    for (topic, _), read in _labelled("unknown-schema-id"):
        assert read.value is not None
        assert _schema_id(read.value) not in TOPICS_BY_SCHEMA
        _decoded(b"\0" + SCHEMA_IDS[topic].to_bytes(4, "big") + read.value[5:])
    for _, read in _labelled("tombstone"):
        assert read.value is None


def test_what_can_be_read_says_what_cannot_be():
    """References lead nowhere, numbers are impossible, clocks are 5 to 30 minutes wrong: all of a key, and alike."""
    for (topic, _), read in _labelled("broken-reference"):
        assert not _refers(topic, _decoded(read.value))
    for _, read in _labelled("impossible-value"):
        assert not _possible(_decoded(read.value))
    off = defaultdict[bytes, set[int]](set)
    for (topic, _), read in _labelled(CLOCK_SKEW):
        record = _decoded(read.value)
        assert record["timestamp"] == read.timestamp_ms
        if topic != "recommendation-responses":
            off[read.key].add(_off_ms(record))
    assert all(len(each) == 1 and 5 * MINUTE_MS <= abs(min(each)) <= 30 * MINUTE_MS for each in off.values())
    others = {read.key for reads in _faulty()[0].values() for read in reads if read.label != CLOCK_SKEW}
    assert off
    assert not others & set(off)


@settings(max_examples=3)
@given(bites=st.lists(st.integers(1, 900), min_size=1, max_size=5), workers=st.integers(1, 3))
def test_any_division_has_the_same_faults(bites: list[int], workers: int):
    """However records are cut into portions and partitions given to workers, each partition is the same."""
    rates = rates_of(f"{name}=0.05" for name in FAULTS)
    whole = [records.only(np.arange(min(300, len(records)))) for records in _encoded(10_000)]
    expected, counts = _befallen(rates, whole)
    reads, parts = dict[Place, list[Read]](), list[dict[str, dict[str, int]]]()
    for worker in range(workers):
        mine: list[Records] = []
        for records in whole:
            owned = np.flatnonzero(records.partition % workers == worker)
            edges = np.cumsum(bites * (len(owned) // sum(bites) + 1))
            mine += [records.only(part) for part in np.split(owned, edges[edges < len(owned)])]
        found, of_worker = _befallen(rates, mine)
        reads |= found
        parts.append(of_worker)
    assert reads == expected
    added = {
        topic: dict(sum((Counter(part.get(topic, {})) for part in parts), Counter())) for topic in counts
    }
    assert added == counts


def test_no_faults_cost_nothing():
    """Without rates, or with rates of 0, records pass untouched; other seeds spoil other records."""
    records = _encoded(10_000)[0]
    assert rates_of(["late=0", "duplicate=0.0"]) == ()
    assert FaultInjector(1, (), PARSED).apply(records, _serials(records)) is records
    one, other = (_befallen((("tombstone", 0.1),), [records], seed) for seed in (1, 2))
    assert one != other


def test_a_rate_of_one_befalls_every_record():
    """tombstone=1 leaves no value; late=1 finds nobody to be behind, so that all stand in their order, unlabelled."""
    reads, counts = _befallen((("tombstone", 1.0),), _encoded(10_000))
    assert all(read.value is None for of_partition in reads.values() for read in of_partition)
    assert sum(sum(of_topic.values()) for of_topic in counts.values()) == 10_000
    assert _befallen((("late", 1.0),), _encoded(10_000)) == (_read(_encoded(10_000)), {})


def test_rates_are_read_and_put_in_order():
    """Flags may be repeated or joined by commas; the last word on a fault counts."""
    assert rates_of(["duplicate=0.01, late=0.5", "late=0.001"]) == (("late", 0.001), ("duplicate", 0.01))
    assert rates_of(["late=0.0012345678"]) == (("late", 0.0012345678),)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("lat=0.1", "late?"),
        ("out_of_order=0.1", "out-of-order?"),
        ("late=1.5", "late=1.5"),
        ("late=-0.1", "late=-0.1"),
        ("late=nan", "late=nan"),
        ("late=often", "'often'"),
        ("late", "''"),
        ("late=0.6,duplicate=0.6", "1.2"),
    ],
)
def test_rates_that_cannot_be_are_refused(text: str, named: str):
    """An unknown fault, a rate over 1 and rates that add up to more are usage errors that name the way out."""
    with pytest.raises(UsageError) as caught:
        rates_of([text])
    assert named in str(caught.value)
    assert "--fault " in str(caught.value)
    assert caught.value.exit_code == 2

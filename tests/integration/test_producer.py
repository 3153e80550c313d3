"""Producing on schedule: never early, never lost, and every event accounted for by what became of it."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensload.encoding import wire
from lensload.encoding.encoders import Encoded, FragmentEncoder
from lensload.encoding.packed import Packed
from lensload.generator.producer import PacedProducer
from lensload.kafka.embedded import EmbeddedCluster
from lensload.kafka.topics import ensure_topics
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.stats import Stats
from lensload.world.world import TOPICS, World
from tests.support.topic_reader import read_to_end
from tests.support.worlds import PARSED, SCHEMA_IDS, SMALL

MS = 1_000_000
NAMES = {topic: f"p-{topic}" for topic in TOPICS}
INTERACTIONS = "user-interactions"


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        ensure_topics(
            {"bootstrap.servers": running.bootstrap_servers}, list(NAMES.values()), 4, 1, embedded=True
        )
        yield running


def producer(cluster: EmbeddedCluster, by_second: StatsBySecond, **settings: Any) -> PacedProducer:
    own = {key.replace("_", "."): value for key, value in settings.items()}
    return PacedProducer(
        {"bootstrap.servers": cluster.bootstrap_servers, "linger.ms": 1, **own},
        NAMES,
        by_second,
    )


def encoded(due_ns: NDArray[np.int64]) -> list[Encoded]:
    """Events that are due then, by topic."""
    encoder = FragmentEncoder(PARSED, SCHEMA_IDS)
    return [encoder.encode(batch) for batch in World(SMALL, tuple(range(64)), run_tag=5).events_at(due_ns)]


def due_soon(count: int, gap_ns: int, lead_ns: int = 0) -> NDArray[np.int64]:
    """Due times from a whole millisecond on."""
    start_ns = (time.time_ns() + lead_ns) // MS * MS
    return start_ns + gap_ns * np.arange(count, dtype=np.int64)


def pump_all(paced: PacedProducer, timeout_s: float = 20) -> list[tuple[int, int]]:
    """Produce until nothing waits: (the clock given to each call, how many it produced)."""
    calls: list[tuple[int, int]] = []
    deadline_s = time.monotonic() + timeout_s
    while paced.next_due_ns() is not None:
        assert time.monotonic() < deadline_s
        now_ns = time.time_ns()
        calls.append((now_ns, paced.pump(now_ns)))
        paced.wait(0.0005)
    assert paced.flush(timeout_s) == 0
    paced.settle()
    return calls


def summed(stats: Stats, name: str) -> int:
    return sum(counts.get(name, 0) for counts in stats.counts.values())


def stored(cluster: EmbeddedCluster, topic: str) -> list[bytes]:
    """All values in a topic."""
    return [each.value() or b"" for each in read_to_end(cluster.bootstrap_servers, [NAMES[topic]], 4)]


def test_nothing_is_produced_before_it_is_due(cluster: EmbeddedCluster):
    """At any moment exactly what is due by then has been handed over, and no lag is negative."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second)
    due_ns = due_soon(400, MS, lead_ns=20 * MS)
    batches = encoded(due_ns)
    for batch in batches:
        paced.offer(batch)
    every = np.sort(np.concatenate([batch.due_ns for batch in batches]))
    assert paced.next_due_ns() == every[0]
    assert paced.pump(int(every[0]) - 1) == 0
    done = 0
    for now_ns, count in pump_all(paced):
        done += count
        assert done == np.searchsorted(every, now_ns, side="right")
    stats = by_second.total()
    lag = stats.histogram("schedule_lag")
    assert (lag.count, lag.negative, done) == (400, 0, 400)
    ack = stats.histogram("ack")
    assert (ack.count, ack.negative) == (400, 0)
    assert summed(stats, "produced") == summed(stats, "acked") == 400


def test_each_event_keeps_its_own_time_however_late_it_is_accounted_for(cluster: EmbeddedCluster):
    """Events that were handed over at several times and are counted together each have the lag of their own time."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second)
    due_ns = due_soon(300, MS // 10, lead_ns=20 * MS)
    batches = encoded(due_ns)
    for batch in batches:
        paced.offer(batch)
    every = np.sort(np.concatenate([batch.due_ns for batch in batches]))
    done = least_ns = most_ns = 0
    while paced.next_due_ns() is not None:
        began_ns = time.time_ns()
        now = every[done : done + paced.pump(began_ns)]
        ended_ns = time.time_ns()
        least_ns, most_ns = least_ns + int((began_ns - now).sum()), most_ns + int((ended_ns - now).sum())
        done += len(now)
    assert not by_second.total().counts, "nothing is accounted for at a wake-up"
    paced.settle()
    lag = by_second.total().histogram("schedule_lag")
    assert lag.count == done == 300
    assert least_ns <= lag.sum_ns <= most_ns
    assert paced.flush(10) == 0


def test_a_call_produces_so_much_and_no_more(cluster: EmbeddedCluster):
    """However late everything is, whoever pumps comes back to see to other things; and nothing is left behind."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second)
    due_ns = due_soon(9_000, 10_000, lead_ns=-200 * MS)
    for batch in encoded(due_ns):
        paced.offer(batch)
    assert paced.waiting() == 9_000
    now_ns = time.time_ns()
    counts: list[int] = []
    while count := paced.pump(now_ns):
        counts.append(count)
    assert sum(counts) == 9_000
    assert max(counts) <= 2_250
    assert paced.waiting() == 0
    assert paced.flush(10) == 0


def test_warm_up_is_split_from_what_is_measured_to_the_event(cluster: EmbeddedCluster):
    """What is due before the measured time is counted apart, at each stage, and times nothing."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second)
    due_ns = due_soon(1_000, 20_000, lead_ns=-20 * MS)
    by_second.origin_ns = int(due_ns[0]) + 5 * MS
    batches = encoded(due_ns)
    for batch in batches:
        paced.offer(batch)
    pump_all(paced)
    stats = by_second.total()
    for batch in batches:
        warm = int(np.count_nonzero(batch.due_ns < by_second.origin_ns))
        counts = stats.counts[batch.topic]
        assert counts.get("warmup_produced", 0) == counts.get("warmup_acked", 0) == warm
        assert counts.get("produced", 0) == counts.get("acked", 0) == len(batch.due_ns) - warm
    measured = summed(stats, "produced")
    assert stats.histogram("ack").count == stats.histogram("schedule_lag").count == measured < 1_000
    assert stats.totals["bytes"] == sum(
        len(value)
        for batch in batches
        for value, due in zip(batch.values, batch.due_ns, strict=True)
        if due >= by_second.origin_ns
    )


def test_a_full_queue_is_counted_and_loses_and_doubles_nothing(cluster: EmbeddedCluster):
    """An open loop confesses that its queue was full; every event still gets there, once."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second, queue_buffering_max_messages=7)
    before = len(stored(cluster, INTERACTIONS))
    batches = encoded(due_soon(600, 1_000, lead_ns=-20 * MS))
    for batch in batches:
        paced.offer(batch)
    pump_all(paced)
    stats = by_second.total()
    assert stats.totals["queue_full"] > 10
    assert summed(stats, "produced") == summed(stats, "acked") == 600
    (mine,) = [batch.values for batch in batches if batch.topic == INTERACTIONS]
    new = stored(cluster, INTERACTIONS)
    assert len(new) - before == len(mine)
    assert set(mine) <= set(new)


def test_what_is_too_large_fails_alone(cluster: EmbeddedCluster):
    """One event that the client refuses is counted under its error, and all others go on, in any place of a batch."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second, message_max_bytes=1_000)
    batch = next(
        each for each in encoded(due_soon(400, 1_000, lead_ns=-20 * MS)) if each.topic == INTERACTIONS
    )
    large = [0, 17, 18, len(batch.values) - 1]
    values = [value + bytes(2_000) if place in large else value for place, value in enumerate(batch.values)]
    keys, more = batch.packed_keys, Packed.of(values)
    paced.offer(Encoded(batch.topic, batch.due_ns, batch.serials, keys, more, batch.took_ns))
    pump_all(paced)
    stats = by_second.total()
    counts = stats.counts[INTERACTIONS]
    assert counts["produced"] == len(values)
    assert (counts["failed"], counts["acked"]) == (4, len(values) - 4)
    ((topic, text), count) = next(iter(stats.errors.items()))
    assert (topic, count) == (INTERACTIONS, 4)
    assert "Message size too large" in text


def test_what_a_dead_broker_never_took_is_failed_by_error():
    """After message.timeout.ms each event has its fate: failed, under the client's words; and the trouble was told."""
    by_second = StatsBySecond()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        settings = {"bootstrap.servers": address, "message.timeout.ms": 300, "linger.ms": 1}
        paced = PacedProducer(settings, NAMES, by_second)
        batches = encoded(due_soon(200, 1_000, lead_ns=-20 * MS))
        by_second.origin_ns = int(batches[0].due_ns[0]) + 100_000
        for batch in batches:
            paced.offer(batch)
        pump_all(paced)
        told = paced.take_notices()
    stats = by_second.total()
    assert summed(stats, "failed") + summed(stats, "warmup_failed") == 200
    assert summed(stats, "failed") == summed(stats, "produced")
    assert summed(stats, "warmup_failed") > 0
    assert summed(stats, "acked") == 0
    assert {text for _, text in stats.errors} == {"Local: Message timed out"}
    assert sum(stats.errors.values()) == 200
    assert any(
        text.startswith(f"{address}: Connect to {address} failed: Connection refused") for text in told
    )
    assert paced.take_notices() == [], "the same trouble is told again only after half a minute"


def test_acks_are_timed_from_when_the_event_was_due(cluster: EmbeddedCluster):
    """An event that was handed over 100 ms late has an ack latency of at least 100 ms, whatever the broker took."""
    by_second = StatsBySecond()
    paced = producer(cluster, by_second)
    for batch in encoded(due_soon(50, 1_000, lead_ns=-100 * MS)):
        paced.offer(batch)
    pump_all(paced)
    stats = by_second.total()
    assert stats.histogram("schedule_lag").min_ns >= 99 * MS
    assert stats.histogram("ack").min_ns >= stats.histogram("schedule_lag").min_ns
    values = stored(cluster, INTERACTIONS)
    assert (wire.Heads.of(values).valid).all()

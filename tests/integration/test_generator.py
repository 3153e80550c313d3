"""The engine as a process: exact from the first event due to the last word, over its link alone."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Consumer, TopicPartition

from lensload.config.model import RunConfig
from lensload.encoding import wire
from lensload.kafka.embedded import EmbeddedCluster
from lensload.metrics.stats import Tally
from lensload.processes.supervisor import CrewProcess
from lensload.world.world import TOPICS
from tests.support.locusts import wait_until

MS = 1_000_000
SECOND = 1_000_000_000
TAG = 77


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


class Hand:
    """An engine, and what it has said."""

    def __init__(self, cluster: EmbeddedCluster, prefix: str, registry_url: str = "mock://lensload") -> None:
        config = RunConfig.of(audience_size=500, catalogue_size=200, topic_prefix=prefix)
        self.bootstrap_servers = cluster.bootstrap_servers
        self.process = CrewProcess("engine", "lensload.generator.process")
        self.tally = Tally()
        self.process.configure(
            {
                "config": config.as_dict(),
                "bootstrap_servers": cluster.bootstrap_servers,
                "registry_url": registry_url,
                "embedded": True,
                "run_tag": TAG,
                "lanes": list(range(64)),
                "worker_index": 0,
            }
        )

    def until(self, what: str) -> None:
        """Wait for its ready, scheduled, drained or refusal."""
        given = {"ready": "conditions"}.get(what, what)

        def said() -> bool:
            self.process.poll()
            self.tally.add(self.process.take()[0])
            assert self.process.died is None, self.process.died
            return getattr(self.process, given) not in (None, False)

        wait_until(said, 20)

    def begin(self, start_ns: int, warmup_ns: int, end_ns: int, rate_per_s: float) -> None:
        """Give it an audience and a schedule."""
        slices = [{"behaviour": {}, "rate_per_s": rate_per_s}]
        self.process.send({"type": "audience", "slices": slices})
        times = {"start_ns": start_ns, "measure_from_ns": start_ns + warmup_ns, "end_ns": end_ns}
        self.process.send({"type": "begin", **times})

    def drain(self) -> dict[str, Any]:
        """Have its last word."""
        self.process.send({"type": "drain"})
        self.until("drained")
        drained = self.process.drained
        assert drained is not None
        return drained

    def count(self, name: str) -> int:
        """Of all topics."""
        return sum(counts.get(name, 0) for counts in self.tally.counts.values())


@pytest.fixture
def engines() -> Iterator[list[Hand]]:
    started: list[Hand] = []
    yield started
    for each in started:
        each.process.kill()


def due_times(cluster: EmbeddedCluster, prefix: str) -> np.ndarray[Any, Any]:
    """When each event that lies in the topics was due, in order."""
    settings = {"bootstrap.servers": cluster.bootstrap_servers, "group.id": "none", "fetch.wait.max.ms": 5}
    consumer = Consumer({**settings, "enable.partition.eof": True})
    consumer.assign([TopicPartition(prefix + topic, number, 0) for topic in TOPICS for number in range(4)])
    values: list[bytes] = []
    at_end = 0
    while at_end < 4 * len(TOPICS):
        message = consumer.poll(10)
        assert message is not None
        if message.error():
            at_end += 1
        else:
            values.append(message.value() or b"")
    consumer.close()
    heads = wire.Heads.of(values)
    assert heads.valid.all()
    assert (heads.readings.run_tag == TAG).all()
    return np.sort(heads.due_ns)


def test_a_schedule_is_kept_to_the_event(cluster: EmbeddedCluster, engines: list[Hand], topic_prefix: str):
    """Rate times duration events, none due before the start or from the end on, and the warm-up split exactly."""
    hand = Hand(cluster, topic_prefix)
    engines.append(hand)
    hand.until("ready")
    start_ns = (time.time_ns() // MS + 100) * MS
    hand.begin(start_ns, 500 * MS, start_ns + 2 * SECOND, 1_500)
    hand.until("scheduled")
    assert time.time_ns() >= start_ns + 2 * SECOND
    assert hand.drain()["unflushed"] == 0
    assert (hand.count("warmup_produced"), hand.count("produced")) == (750, 2_250)
    assert (hand.count("warmup_acked"), hand.count("acked")) == (750, 2_250)
    assert hand.tally.totals["due"] == 2_250
    assert hand.tally.totals["unsent"] == 0
    assert hand.tally.histogram("schedule_lag").count == hand.tally.histogram("ack").count == 2_250
    assert hand.tally.histogram("encode").count == 2_250
    due_ns = due_times(cluster, topic_prefix)
    assert len(due_ns) == 3_000
    assert start_ns <= due_ns[0] <= due_ns[-1] < start_ns + 2 * SECOND


def test_a_drain_in_the_middle_tells_what_was_never_sent(
    cluster: EmbeddedCluster, engines: list[Hand], topic_prefix: str
):
    """Stopped early, it says how much was due by then, and that is what it produced; later events never leave."""
    hand = Hand(cluster, topic_prefix)
    engines.append(hand)
    hand.until("ready")
    start_ns = time.time_ns() // MS * MS
    hand.begin(start_ns, 0, start_ns + 600 * SECOND, 1_000)
    wait_until(
        lambda: hand.process.poll() or hand.process.gauges.get("now_ns", 0) > start_ns + SECOND / 2, 10
    )
    drained = hand.drain()
    stopped_ns = time.time_ns()
    assert not hand.process.scheduled
    assert drained["unflushed"] == 0
    produced = hand.count("produced")
    assert produced == hand.count("acked") == len(due_times(cluster, topic_prefix))
    assert 300 < produced <= (stopped_ns - start_ns) / MS + 1
    assert hand.tally.totals["due"] == pytest.approx(produced, abs=30)
    assert hand.tally.totals["unsent"] < 100, "no more than it makes ahead"


def test_a_registry_that_is_none_is_refused_with_the_contracts_code(
    cluster: EmbeddedCluster, engines: list[Hand], topic_prefix: str
):
    """What an engine cannot have it says over its link, as a refusal with exit code 4, and not by dying."""
    hand = Hand(cluster, topic_prefix, "http://127.0.0.1:9")
    engines.append(hand)
    hand.until("refusal")
    refusal = hand.process.refusal
    assert refusal is not None
    assert refusal.exit_code == 4
    assert "http://127.0.0.1:9" in str(refusal)

"""The generator as a process: exact from the first event due to the last word, over its link alone."""

import time
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
import pytest

from lensload.config.model import RunConfig
from lensload.encoding import wire
from lensload.kafka.embedded import EmbeddedCluster
from lensload.metrics.stats import Stats
from lensload.processes.envelope import Envelope, Message, ProcessName
from lensload.processes.messages import (
    Audience,
    Begin,
    ConfigureGenerator,
    Drain,
    GeneratorDrained,
    GeneratorReport,
    Ready,
    Refused,
    Scheduled,
)
from lensload.processes.supervisor import RunProcess
from lensload.world.behaviour import Behaviour
from lensload.world.world import TOPICS
from tests.support.locusts import wait_until
from tests.support.topic_reader import read_to_end

MS = 1_000_000
SECOND = 1_000_000_000
TAG = 77

M = TypeVar("M", bound=Message)


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


class Hand:
    """A generator, and what it has sent."""

    def __init__(self, cluster: EmbeddedCluster, prefix: str, registry_url: str = "mock://lensload") -> None:
        config = RunConfig.of(audience_size=500, catalogue_size=200, topic_prefix=prefix)
        self.process = RunProcess("generator", "lensload.generator.process", self._receive)
        self.bootstrap_servers = cluster.bootstrap_servers
        self.stats = Stats()
        self.messages: list[Message] = []
        self.process.launch()
        self.process.send(
            ConfigureGenerator(
                config, cluster.bootstrap_servers, registry_url, True, TAG, list(range(64)), 0, None
            )
        )

    def until(self, kind: type[M]) -> M:
        """Wait for a message of a kind."""

        def received() -> M | None:
            self.process.poll()
            assert self.process.died is None, self.process.died
            return next((message for message in self.messages if isinstance(message, kind)), None)

        message: M = wait_until(received, 20)
        return message

    def begin(self, start_ns: int, warmup_ns: int, end_ns: int, rate_per_s: float) -> None:
        """Give it an audience and a schedule."""
        self.process.send(Audience({Behaviour(): rate_per_s}, {}))
        self.process.send(Begin(start_ns, start_ns + warmup_ns, end_ns))

    def drain(self) -> GeneratorDrained:
        """Have its last message."""
        self.process.send(Drain())
        return self.until(GeneratorDrained)

    def count(self, name: str) -> int:
        """Of all topics."""
        return sum(counts.get(name, 0) for counts in self.stats.counts.values())

    def _receive(self, process: ProcessName, envelope: Envelope) -> None:
        assert process == "generator"
        message = envelope.opened()
        self.messages.append(message)
        if isinstance(message, (GeneratorReport, GeneratorDrained)):
            self.stats.add(message.stats.total())


@pytest.fixture
def generators() -> Iterator[list[Hand]]:
    started: list[Hand] = []
    yield started
    for each in started:
        each.process.kill()


def due_times(cluster: EmbeddedCluster, prefix: str) -> np.ndarray[Any, Any]:
    """When each event that lies in the topics was due, in order."""
    messages = read_to_end(cluster.bootstrap_servers, [prefix + topic for topic in TOPICS], 4)
    heads = wire.Heads.of([message.value() or b"" for message in messages])
    assert heads.valid.all()
    assert (heads.readings.run_tag == TAG).all()
    return np.sort(heads.due_ns)


def test_a_schedule_is_kept_to_the_event(cluster: EmbeddedCluster, generators: list[Hand], topic_prefix: str):
    """Rate times duration events, none due before the start or from the end on, and the warm-up split exactly."""
    hand = Hand(cluster, topic_prefix)
    generators.append(hand)
    hand.until(Ready)
    start_ns = (time.time_ns() // MS + 100) * MS
    hand.begin(start_ns, 500 * MS, start_ns + 2 * SECOND, 1_500)
    hand.until(Scheduled)
    assert time.time_ns() >= start_ns + 2 * SECOND
    wait_until(
        lambda: (
            hand.until(GeneratorReport)
            and any(_is_after(each, start_ns + 2 * SECOND + 100 * MS) for each in hand.messages)
        ),
        10,
    )
    assert hand.drain().unflushed == 0
    reported = [each.due for each in hand.messages if isinstance(each, GeneratorReport)]
    assert max(reported) <= 2_250, "nothing more is due once the schedule is over"
    assert (hand.count("warmup_produced"), hand.count("produced")) == (750, 2_250)
    assert (hand.count("warmup_acked"), hand.count("acked")) == (750, 2_250)
    assert hand.stats.totals["due"] == 2_250
    assert hand.stats.totals["unsent"] == 0
    assert hand.stats.histogram("schedule_lag").count == hand.stats.histogram("ack").count == 2_250
    assert hand.stats.histogram("encode").count == 2_250
    due_ns = due_times(cluster, topic_prefix)
    assert len(due_ns) == 3_000
    assert start_ns <= due_ns[0] <= due_ns[-1] < start_ns + 2 * SECOND


def test_a_drain_in_the_middle_tells_what_was_never_sent(
    cluster: EmbeddedCluster, generators: list[Hand], topic_prefix: str
):
    """Stopped early, it says how much was due by then; all that it produced was due, and later events never leave."""
    hand = Hand(cluster, topic_prefix)
    generators.append(hand)
    hand.until(Ready)
    start_ns = time.time_ns() // MS * MS
    hand.begin(start_ns, 0, start_ns + 600 * SECOND, 1_000)
    wait_until(
        lambda: (
            hand.until(GeneratorReport)
            and any(_is_after(each, start_ns + SECOND // 2) for each in hand.messages)
        ),
        10,
    )
    drained = hand.drain()
    stopped_ns = time.time_ns()
    assert not any(isinstance(message, Scheduled) for message in hand.messages)
    assert drained.unflushed == 0
    produced = hand.count("produced")
    assert produced == hand.count("acked") == len(due_times(cluster, topic_prefix))
    assert 300 < produced <= hand.stats.totals["due"] <= (stopped_ns - start_ns) / MS + 1
    assert hand.stats.totals["unsent"] < 100, "no more than it makes ahead"


def test_a_registry_that_is_none_is_refused_with_the_contracts_code(
    cluster: EmbeddedCluster, generators: list[Hand], topic_prefix: str
):
    """What a generator cannot have it says over its link, as a refusal with exit code 4, and not by dying."""
    hand = Hand(cluster, topic_prefix, "http://127.0.0.1:9")
    generators.append(hand)
    refusal = hand.until(Refused)
    assert refusal.exit_code == 4
    assert "http://127.0.0.1:9" in refusal.text


def _is_after(message: Message, at_ns: int) -> bool:
    return isinstance(message, GeneratorReport) and message.now_ns > at_ns

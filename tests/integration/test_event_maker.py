"""Events with a schedule, without one, and the change between the two: what is due is told from what is made ahead."""

import time
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from lensload.config.model import RunConfig
from lensload.encoding.encoders import Encoded
from lensload.generator.event_maker import EventMaker
from lensload.generator.producer import PacedProducer
from lensload.generator.sources import Sources
from lensload.ids import NS_PER_MS, NS_PER_S
from lensload.kafka import preflight
from lensload.kafka.embedded import EmbeddedCluster
from lensload.metrics.by_second import StatsBySecond
from lensload.processes.messages import ConfigureGenerator
from lensload.world.behaviour import Behaviour
from lensload.world.world import TOPICS
from tests.support.workloads import record, workload

HAND_PER_S = 500.0
LATE_NS = 2 * NS_PER_S


class Keeping(PacedProducer):
    """A producer that remembers what it was offered."""

    def __init__(
        self, bootstrap_servers: str, stats: StatsBySecond, topics: tuple[str, ...] = TOPICS
    ) -> None:
        super().__init__({"bootstrap.servers": bootstrap_servers}, {topic: topic for topic in topics}, stats)
        self.stats = stats
        self.offered: dict[str, list[NDArray[np.int64]]] = {topic: [] for topic in topics}

    def offer(self, encoded: Encoded) -> None:
        """See `PacedProducer`."""
        self.offered[encoded.topic].append(encoded.due_ns)
        super().offer(encoded)

    def offered_between(self, from_ns: int, until_ns: int) -> int:
        """How many events it was offered that are due from one moment to another."""
        every = np.concatenate([due_ns for batches in self.offered.values() for due_ns in batches])
        return int(np.count_nonzero((every >= from_ns) & (every < until_ns)))


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


@pytest.fixture
def flat_out(cluster: EmbeddedCluster) -> Iterator[tuple[EventMaker, Keeping, int]]:
    """A maker of events without a schedule, its producer, and when its run began: some time ago."""
    config = RunConfig.of(audience_size=500, catalogue_size=200, rate="max")
    servers = cluster.bootstrap_servers
    order = ConfigureGenerator(config, servers, "mock://", True, 7, list(range(64)), 0, config.load.rate)
    found = preflight.prepare(config, servers, "mock://", embedded=True)
    start_ns = time.time_ns() // NS_PER_MS * NS_PER_MS - LATE_NS
    stats = StatsBySecond(start_ns)
    producer = Keeping(servers, stats)
    maker = EventMaker(order, found, Sources.of(order), producer, stats)
    maker.set_audience({Behaviour(): 1.0})
    yield maker, producer, start_ns
    producer.give_up()
    producer.close()
    found.registry.close()


def test_a_drain_in_the_middle_of_a_step_leaves_nothing_that_was_not_due(
    flat_out: tuple[EventMaker, Keeping, int],
):
    """Without a schedule every event that was produced was due, and none that was not, wherever a step is left."""
    maker, producer, start_ns = flat_out
    maker.begin(start_ns, start_ns, 0)
    states: set[bool] = set()
    for _ in range(40):
        now_ns = time.time_ns()
        maker.step(now_ns)
        producer.pump(now_ns)
        states.add(producer.waiting() > 0)
        assert maker.due_by(time.time_ns()) == producer.produced
    assert producer.produced > 0
    assert states == {True, False}, "no step was left with events that wait"


def test_what_is_due_is_the_schedules_wherever_a_step_is_left(flat_out: tuple[EventMaker, Keeping, int]):
    """Events are made ahead, a step at a time: none is due before its time, whether it was made by then or not."""
    maker, _, start_ns = flat_out
    maker.set_audience({Behaviour(): HAND_PER_S}, by_hand=True)
    maker.begin(start_ns, start_ns, 0)
    ahead = 0
    while ahead < 10:
        worked, at_ns = maker.step(time.time_ns()), time.time_ns()
        assert abs(maker.due_by(at_ns) - HAND_PER_S * (at_ns - start_ns) / NS_PER_S) <= 1
        ahead += worked and maker.made_until_ns > at_ns


def test_what_a_schedule_made_due_is_made_before_there_is_none_again(
    flat_out: tuple[EventMaker, Keeping, int],
):
    """A rate that is set by hand, and handed back while the generator is late: no event is left out, and time never goes back."""
    maker, producer, start_ns = flat_out
    maker.set_audience({Behaviour(): HAND_PER_S}, by_hand=True)
    maker.begin(start_ns, start_ns, 0)
    until_ns = maker.set_audience({Behaviour(): 1.0})
    while producer.produced < 3 * HAND_PER_S * LATE_NS / NS_PER_S:
        maker.step(time.time_ns())
        producer.pump(time.time_ns())
    due = HAND_PER_S * (until_ns - start_ns) / NS_PER_S
    # What has no schedule begins with a millisecond, within which responses move.
    assert abs(producer.offered_between(start_ns, -(-until_ns // NS_PER_MS) * NS_PER_MS) - due) <= 1
    maker.set_audience({Behaviour(): HAND_PER_S}, by_hand=True)
    again = producer.produced
    while producer.produced < again + 50:
        maker.step(time.time_ns())
        producer.pump(time.time_ns())
    for batches in filter(None, producer.offered.values()):
        assert np.all(np.diff(np.concatenate(batches)) >= 0)


def test_the_first_events_of_a_rate_that_is_set_by_hand_are_sampled_as_all_others(
    flat_out: tuple[EventMaker, Keeping, int],
):
    """Confluent's serializer takes a share of them only: all of them would keep what is due waiting for seconds."""
    maker, producer, start_ns = flat_out
    maker.begin(start_ns, start_ns, 0)
    while not producer.produced or maker.made_until_ns >= time.time_ns():
        maker.step(time.time_ns())
        producer.pump(time.time_ns())
    audited = producer.stats.timeless.totals.get("audited", 0)
    from_ns = maker.set_audience({Behaviour(): 100 * HAND_PER_S}, by_hand=True)
    while (offered := producer.offered_between(from_ns, from_ns + NS_PER_S)) < 4 * HAND_PER_S:
        maker.step(time.time_ns())
        producer.pump(time.time_ns())
    assert producer.stats.timeless.totals.get("audited", 0) - audited < offered / 4


@pytest.fixture
def many_topics(cluster: EmbeddedCluster) -> Iterator[tuple[EventMaker, Keeping]]:
    """A maker of 1,000 events a second of 64 topics, and its producer."""
    of = workload({f"t{number}": record(id="string", value="int") for number in range(64)})
    config = RunConfig.of(workload=of.packed(), rate=1_000)
    servers = cluster.bootstrap_servers
    order = ConfigureGenerator(config, servers, "mock://", True, 7, list(range(4)), 0, 1_000.0)
    found = preflight.prepare(config, servers, "mock://", embedded=True)
    stats = StatsBySecond()
    producer = Keeping(servers, stats, tuple(topic.name for topic in of.topics))
    maker = EventMaker(order, found, Sources.of(order), producer, stats)
    maker.set_audience({Behaviour(): 1_000.0})
    yield maker, producer
    producer.close()
    found.registry.close()


def test_events_of_many_topics_are_made_several_of_a_topic_at_a_time(
    many_topics: tuple[EventMaker, Keeping],
):
    """A batch costs about the same with one event as with ten: 64 topics at a low rate are not made one by one."""
    maker, producer = many_topics
    start_ns = (time.time_ns() // NS_PER_S + 60) * NS_PER_S
    maker.begin(start_ns, start_ns, 0)
    for at_ns in range(start_ns, start_ns + 4 * NS_PER_S, 5 * NS_PER_MS):
        while maker.step(at_ns):
            pass
    batches = [due_ns for offered in producer.offered.values() for due_ns in offered]
    assert all(producer.offered.values()), "a topic has no events"
    assert sum(map(len, batches)) >= 4_000
    assert sum(map(len, batches)) / len(batches) > 5


def test_a_span_that_is_overdue_is_made_in_few_batches(many_topics: tuple[EventMaker, Keeping]):
    """A generator that fell behind makes up for it at a lower price, with no event left out."""
    maker, producer = many_topics
    start_ns = (time.time_ns() // NS_PER_S - 5) * NS_PER_S
    maker.begin(start_ns, start_ns, 0)
    while maker.made_until_ns < start_ns + 4 * NS_PER_S:
        maker.step(time.time_ns())
    while maker.step(start_ns):  # what is left of the last span
        pass
    batches = producer.offered["t0"]
    assert len(batches) <= 5
    assert sum(map(len, batches)) >= 4_000 / 64 - len(batches)

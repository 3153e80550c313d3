"""Observing: every record that lies in the topics is told for what it is, exactly."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition

from lensload.encoding import wire
from lensload.encoding.encoders import FragmentEncoder
from lensload.errors import ClusterError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.stats import Stats
from lensload.observer.observer import Observer, Ours, shares
from lensload.world.world import World
from tests.support.locusts import wait_until
from tests.support.worlds import PARSED, SCHEMA_IDS, SMALL

MS = 1_000_000
OURS, OTHERS = 5, 6
INTERACTIONS = "user-interactions"


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


class Scene:
    """A topic of a test's own on the embedded cluster, an observer of it, and hand-made records."""

    def __init__(self, cluster: EmbeddedCluster, **settings: Any) -> None:
        address = {"bootstrap.servers": cluster.bootstrap_servers}
        self.name = f"{uuid4().hex}-{INTERACTIONS}"
        ensure_topics(address, [self.name], 4, 1, embedded=True)
        self.producer = Producer({**address, "linger.ms": 0})
        self.by_second = StatsBySecond()
        self.measure_from_ns = 0
        self.observer = Observer(
            consumer_settings({**address, **settings}, embedded=True),
            {self.name: [0, 1, 2, 3]},
            {self.name: INTERACTIONS},
            Ours(OURS),
            self.by_second,
            listen=self.listen,
        )

    def write(self, values: list[bytes | None], partition: int = 0) -> None:
        """Have these records in a partition, in this order."""
        for value in values:
            self.producer.produce(self.name, value, b"key", partition=partition)
        assert self.producer.flush(10) == 0

    def listen(self) -> None:
        """Hear when measuring begins, if it is said by now."""
        self.by_second.origin_ns = self.measure_from_ns

    def read(self) -> Stats:
        """Watch until all that was written has been taken in."""
        ends = self.observer.ends()
        wait_until(lambda: self.observer.watch(0.01) * 0 or self.observer.behind(ends) == 0, 10)
        return self.by_second.take().total()


@pytest.fixture
def scene(cluster: EmbeddedCluster) -> Iterator[Scene]:
    made = Scene(cluster)
    made.observer.prove()
    yield made
    made.observer.close()


def events(
    count: int, *, tag: int = OURS, lanes: tuple[int, ...] = (3,), lead_ns: int = -100 * MS
) -> list[bytes]:
    """As many interactions of one lane, 1 us apart, in the order in which they are due."""
    start_ns = (time.time_ns() + lead_ns) // MS * MS
    world = World(SMALL, lanes, run_tag=tag, topics=(INTERACTIONS,))
    (batch,) = world.events_at(start_ns + 1_000 * np.arange(count, dtype=np.int64))
    return FragmentEncoder(PARSED, SCHEMA_IDS).encode(batch).values


def test_every_event_is_observed_once_with_its_latency(scene: Scene):
    """Counts are exact over all partitions, and latency counts from when the event was due."""
    values = events(800)
    for partition in range(4):
        scene.write([*values[partition::4]], partition)
    found = scene.read()
    assert found.counts == {INTERACTIONS: {"observed": 800}}
    assert found.totals == {}
    latency = found.histogram("end_to_end", INTERACTIONS)
    assert (latency.count, latency.negative) == (800, 0)
    assert latency.min_ns > 99 * MS


def test_each_record_keeps_its_own_time_however_late_it_is_accounted_for(scene: Scene):
    """Records that were fetched at several times and are counted together each have the latency of their own time."""
    values = events(90)
    due_ns = wire.Heads.of(values).due_ns
    least_ns = most_ns = 0
    for start in range(0, 90, 30):
        began_ns = time.time_ns()
        scene.write([*values[start : start + 30]])
        read = 0
        while read < 30:
            read += scene.observer.watch(0.01)
        part_ns, ended_ns = due_ns[start : start + 30], time.time_ns()
        least_ns += int((began_ns - part_ns).sum())
        most_ns += int((ended_ns - part_ns).sum())
    found = scene.read()
    assert found.counts == {INTERACTIONS: {"observed": 90}}
    assert least_ns <= found.histogram("end_to_end").sum_ns <= most_ns


def test_records_do_not_gather_without_bound(scene: Scene):
    """What was fetched is accounted for when 4,096 records have gathered, though nobody asks."""
    scene.write([*events(6_000)])
    read = 0
    while read < 6_000:
        read += scene.observer.watch(0.01)
    assert scene.by_second.total().counts[INTERACTIONS]["observed"] > 6_000 - 4_096


def test_what_was_there_before_is_not_read(cluster: EmbeddedCluster):
    """A topic that is used again brings nothing of its past into the account."""
    late = Scene(cluster)
    values = events(30)
    late.write([*values[:20]])
    late.observer.prove()
    late.write([*values[20:]])
    assert late.read().counts == {INTERACTIONS: {"observed": 10}}
    late.observer.close()


def test_duplicates_are_counted_apart(scene: Scene):
    """Each further sight of an event is a duplicate, in the same batch, later, or in another partition; none is late."""
    values = events(100)
    scene.write([*values, values[7], values[7]])
    first = scene.read()
    scene.write([values[8], values[99]], partition=2)
    second = scene.read()
    assert first.counts == {INTERACTIONS: {"observed": 100, "duplicated": 2}}
    assert second.counts == {INTERACTIONS: {"duplicated": 2}}
    assert first.histogram("end_to_end").count == 100
    assert second.histogram("end_to_end").count == 0


def test_what_comes_behind_a_later_one_is_reordered(scene: Scene):
    """Order is judged by due time within a partition: an event behind a later one counts, the later one does not."""
    values = events(10)
    scene.write([*values[1:5], values[0], *values[6:], values[5]])
    assert scene.read().counts == {INTERACTIONS: {"observed": 10, "reordered": 2}}
    others = events(12)[10:]
    scene.write([others[1]], partition=1)
    scene.write([others[0]], partition=3)
    assert "reordered" not in scene.read().counts[INTERACTIONS], "partitions have no order among each other"


def test_other_peoples_records_are_told_apart(scene: Scene):
    """Whole events of another run are foreign; what is no event at all is corrupt; neither disturbs ours."""
    ours, theirs = events(20), events(5, tag=OTHERS)
    nothing: list[bytes | None] = [b"", None, b"{}", ours[0][:20], b"\1" + ours[1][1:], bytes(200)]
    scene.write([*ours[:10], *theirs, *nothing, *ours[10:]])
    found = scene.read()
    assert found.counts == {INTERACTIONS: {"observed": 20, "corrupt": len(nothing)}}
    assert found.totals == {"foreign": 5}
    assert found.histogram("end_to_end").count == 20


def test_warm_up_is_counted_apart(scene: Scene):
    """What is due before the measured time is observed as warm-up alone, though it was read before that was heard of."""
    start_ns = time.time_ns() // MS * MS
    values = events(100, lead_ns=0)
    scene.measure_from_ns = start_ns + 2 * MS
    values += events(50, lanes=(9,), lead_ns=30 * MS)
    scene.write([*values])
    found = scene.read()
    assert found.counts == {INTERACTIONS: {"warmup_observed": 100, "observed": 50}}
    assert found.histogram("end_to_end").count == 50


def test_records_that_were_gone_before_they_could_be_read_are_counted(scene: Scene):
    """Offsets that are jumped over are confessed: the cluster threw records away that nobody has read."""
    values = events(40)
    scene.write([*values[:10]])
    assert scene.read().counts == {INTERACTIONS: {"observed": 10}}
    consumer: Any = scene.observer._reader._consumer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # to lose records by
    scene.write([*values[10:]])
    consumer.seek(TopicPartition(scene.name, 0, 25))
    found = scene.read()
    assert found.counts == {INTERACTIONS: {"observed": 15}}
    assert found.totals == {"deleted_before_read": 15}


def test_partitions_that_cannot_be_read_are_refused_before_the_run(cluster: EmbeddedCluster):
    """An observer that would see nothing says so, naming what does not answer, instead of finding all lost."""
    made = Scene(cluster)
    made.observer.close()
    deaf = Observer(
        consumer_settings({"bootstrap.servers": cluster.bootstrap_servers}, embedded=True),
        {made.name: [0, 99]},
        {made.name: INTERACTIONS},
        Ours(OURS),
        StatsBySecond(),
    )
    with pytest.raises(ClusterError, match=f"99 of {made.name}") as caught:
        deaf.prove()
    assert caught.value.exit_code == 4
    deaf.close()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_every_partition_has_exactly_one_observer(count: int):
    """However many observers there are, together they read everything, and nothing twice."""
    found = {"a": 5, "b": 1, "c": 12}
    dealt = [
        (name, number)
        for index in range(count)
        for name, numbers in shares(found, index, count).items()
        for number in numbers
    ]
    assert sorted(dealt) == [(name, number) for name, size in found.items() for number in range(size)]

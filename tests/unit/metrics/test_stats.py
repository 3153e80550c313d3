"""Stats lose nothing on the way between processes, and their parts add up to the whole."""

import msgpack
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import STAGES, Stats

any_values = st.lists(st.one_of(st.integers(0, 5_000), st.integers(-(2**40), 2**50)), max_size=200)


def of(numbers: list[int]) -> Histogram:
    """A histogram of the numbers."""
    histogram = Histogram()
    histogram.record(np.array(numbers, np.int64))
    return histogram


def some_stats(numbers: list[int], *, topic: str) -> Stats:
    """A stats with something of everything."""
    stats = Stats()
    stats.count(topic, "produced", np.int64(len(numbers)))  # pyright: ignore[reportArgumentType]  # as callers do
    stats.error(topic, "Broker: it | broke")
    stats.add_total("bytes", 2.5 * len(numbers))
    stats.record("ack", topic, np.array(numbers, np.int64))
    stats.record_repeated("encode", topic, 300, len(numbers))
    return stats


any_stats = st.builds(lambda n, t: some_stats(n, topic=t), any_values, st.sampled_from(["a", "b"]))


@given(any_stats)
def test_stats_survive_the_wire(stats: Stats) -> None:
    """Counts, errors with bars in their texts, totals and histograms reach control as they were."""
    assert Stats.from_wire(msgpack.unpackb(msgpack.packb(stats.to_wire()))) == stats


@given(st.lists(st.tuples(any_values, st.sampled_from(["a", "b"])), max_size=5))
def test_deltas_add_up_to_the_whole(parts: list[tuple[list[int], str]]) -> None:
    """Taken each second or all at once, the sum is the same, and what was added is not changed by it."""
    gathering, sent, whole = Stats(), Stats(), Stats()
    for numbers, topic in parts:
        one = some_stats(numbers, topic=topic)
        gathering.add(one)
        sent.add(gathering.take())
        whole.add(one)
        assert one == some_stats(numbers, topic=topic)
    assert gathering == Stats()
    assert sent == whole


def test_all_topics_is_their_merge() -> None:
    """The row "all" of a table is the sum of its topics, and looking at it changes nothing."""
    stats = some_stats([1, 2], topic="a")
    stats.add(some_stats([3_000_000], topic="b"))
    assert stats.histogram("ack") == of([1, 2, 3_000_000])
    assert stats.histogram("ack", "b") == of([3_000_000])
    assert stats.histogram("ack", "c") == Histogram()
    assert stats.histogram("ack", "a") == of([1, 2])


def test_stages_are_the_contracts() -> None:
    """The names that stand in run files do not change."""
    assert STAGES == ("schedule_lag", "encode", "serialize", "queue", "ack", "end_to_end", "response")

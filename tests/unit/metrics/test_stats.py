"""Tallies lose nothing on the way between processes, and their parts add up to the whole."""

import msgpack
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import STAGES, Tally

# The machines that run this are shared: a slow example is no failure.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")

any_values = st.lists(st.one_of(st.integers(0, 5_000), st.integers(-(2**40), 2**50)), max_size=200)


def of(numbers: list[int]) -> Histogram:
    """A histogram of the numbers."""
    histogram = Histogram()
    histogram.record(np.array(numbers, np.int64))
    return histogram


def a_tally(numbers: list[int], *, topic: str) -> Tally:
    """A tally with something of everything."""
    tally = Tally()
    tally.count(topic, "produced", np.int64(len(numbers)))  # pyright: ignore[reportArgumentType]  # as callers do
    tally.error(topic, "Broker: it | broke")
    tally.add_total("bytes", 2.5 * len(numbers))
    tally.record("ack", topic, np.array(numbers, np.int64))
    tally.record_repeated("encode", topic, 300, len(numbers))
    return tally


tallies = st.builds(lambda n, t: a_tally(n, topic=t), any_values, st.sampled_from(["a", "b"]))


@given(tallies)
def test_tallies_survive_the_wire(tally: Tally) -> None:
    """Counts, errors with bars in their texts, totals and histograms reach control as they were."""
    assert Tally.from_wire(msgpack.unpackb(msgpack.packb(tally.to_wire()))) == tally


@given(st.lists(st.tuples(any_values, st.sampled_from(["a", "b"])), max_size=5))
def test_deltas_add_up_to_the_whole(parts: list[tuple[list[int], str]]) -> None:
    """Taken each second or all at once, the sum is the same, and what was added is not changed by it."""
    gathering, sent, whole = Tally(), Tally(), Tally()
    for numbers, topic in parts:
        one = a_tally(numbers, topic=topic)
        gathering.add(one)
        sent.add(gathering.take())
        whole.add(one)
        assert one == a_tally(numbers, topic=topic)
    assert gathering == Tally()
    assert sent == whole


def test_all_topics_is_their_merge() -> None:
    """The row "all" of a table is the sum of its topics, and looking at it changes nothing."""
    tally = a_tally([1, 2], topic="a")
    tally.add(a_tally([3_000_000], topic="b"))
    assert tally.histogram("ack") == of([1, 2, 3_000_000])
    assert tally.histogram("ack", "b") == of([3_000_000])
    assert tally.histogram("ack", "c") == Histogram()
    assert tally.histogram("ack", "a") == of([1, 2])


def test_stages_are_the_contracts() -> None:
    """The names that stand in run files do not change."""
    assert STAGES == ("schedule_lag", "encode", "serialize", "queue", "ack", "end_to_end", "response")

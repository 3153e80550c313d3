"""What was counted is of the second in which its events were due, and adds up to the whole."""

import msgpack
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.ids import NS_PER_S
from lensload.metrics.by_second import StatsBySecond

TOPIC = "user-interactions"
due_times = st.lists(st.integers(-3 * NS_PER_S, 9 * NS_PER_S), max_size=50)


def counted(due_ns: list[int], origin_ns: int = 0) -> StatsBySecond:
    """Events that were due then."""
    by_second, due = StatsBySecond(origin_ns), np.array(due_ns, np.int64)
    for _, stats, which in by_second.split(due):
        stats.count(TOPIC, "acked", len(due[which]))
        stats.record("ack", TOPIC, np.abs(due[which]))
    by_second.timeless.error(TOPIC, "no | way")
    return by_second


@given(due_times, st.integers(0, NS_PER_S))
def test_each_event_is_of_one_second_and_all_add_up(due_ns: list[int], origin_ns: int) -> None:
    """Whatever their order, events are counted where they were due, on both sides of the beginning of measuring."""
    by_second = counted(due_ns, origin_ns)
    for second, stats in by_second.seconds.items():
        due_then = [
            at for at in due_ns if origin_ns + second * NS_PER_S <= at < origin_ns + (second + 1) * NS_PER_S
        ]
        assert stats.counts[TOPIC]["acked"] == stats.histogram("ack").count == len(due_then)
    whole = by_second.total()
    assert whole.histogram("ack").count == len(due_ns)
    assert whole.errors == {(TOPIC, "no | way"): 1}


@given(due_times, due_times, st.integers(-3, 10))
def test_nothing_is_lost_in_taking_adding_and_sending(
    first: list[int], second: list[int], below: int
) -> None:
    """What is taken and what is left are the whole, and so is what arrives in another process."""
    gathering = counted(first)
    gathering.add(counted(second))
    whole = gathering.total()
    taken = gathering.take(below)
    assert all(number < below for number in taken.seconds)
    assert all(number >= below for number in gathering.seconds)
    arrived = StatsBySecond.from_wire(msgpack.unpackb(msgpack.packb(taken.to_wire()), strict_map_key=False))
    assert arrived == taken
    arrived.add(gathering)
    assert arrived.total() == whole

"""Latencies by the broker that led an event's partition when the event was due."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.leaders import NOBODY, Leaders
from lensload.metrics.stats import Stats

EPOCHS = st.lists(
    st.tuples(st.integers(1, 50), st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=2, max_size=2)),
    max_size=6,
)
EVENTS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 400)), max_size=30)


@given(EPOCHS, EVENTS)
def test_an_event_belongs_to_whoever_led_when_it_was_due(
    epochs: list[tuple[int, list[list[int]]]], events: list[tuple[int, int, int]]
):
    """For any history of leaders and any events: the same as looking through the history one event at a time."""
    leaders, history, since_ns = Leaders(["a", "b"]), list[tuple[int, list[list[int]]]](), 0
    for length_ns, tables in epochs:
        since_ns += length_ns
        leaders.update(since_ns, dict(zip(["a", "b"], tables, strict=True)))
        history.append((since_ns, tables))
    topics, partitions, due_ns = (
        np.array([event[column] for event in events], np.int64) for column in range(3)
    )
    found = leaders.of(topics.astype(np.uint64), partitions, due_ns)  # as the generator numbers them
    assert [leaders.brokers[place] for place in found] == [by_hand(history, *event) for event in events]


def by_hand(history: list[tuple[int, list[list[int]]]], topic: int, partition: int, due_ns: int) -> int:
    """The leader by the last entry that began by then; the first entry counts for what was due before it."""
    then = [tables for since_ns, tables in history if since_ns <= due_ns] or [
        tables for _, tables in history[:1]
    ]
    if not then or partition >= len(then[-1][topic]):
        return NOBODY
    return then[-1][topic][partition]


def test_latencies_are_told_apart_by_broker():
    """Each broker has the latencies of its events; what nobody leads is in none."""
    stats = Stats()
    leaders = Leaders(["a"])
    leaders.update(0, {"a": [2, 1, NOBODY]})
    topics, due_ns = np.zeros(4, np.int64), np.zeros(4, np.int64)
    places = leaders.of(topics, np.array([0, 1, 0, 2]), due_ns)
    leaders.record(stats, "ack", places, np.array([10, 20, 30, 40]))
    found = {key: (one.count, one.min_ns, one.max_ns) for key, one in stats.histograms.items()}
    assert found == {("ack_by_leader", "1"): (1, 20, 20), ("ack_by_leader", "2"): (2, 10, 30)}

"""Streams have numbers of their own, the same in every process, and places in the accounts."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload import ids
from lensload.delivery.streams import LENS, Streams
from lensload.delivery.tracker import MAX_STREAMS, MOST_TOPICS
from lensload.encoding import wire
from lensload.encoding.stopwatch import HeadReader
from lensload.errors import UsageError
from lensload.ids import MAX_LANES


@given(count=st.integers(1, MOST_TOPICS), data=st.data())
def test_every_lane_and_topic_is_a_stream_of_its_own(count: int, data: st.DataObject):
    """Whatever the number of topics, a stream is of one topic and one lane, and has a place."""
    streams = Streams.of(tuple(f"topic-{place}" for place in range(count)))
    pairs = st.tuples(st.integers(0, MAX_LANES - 1), st.integers(0, count - 1))
    lanes, topics = np.array(data.draw(st.lists(pairs, min_size=1, unique=True))).T
    numbers = streams.numbers(lanes, topics)
    assert len(set(numbers.tolist())) == len(lanes)
    assert numbers.max() < MAX_STREAMS
    assert [streams.topic(each) for each in numbers.tolist()] == [f"topic-{each}" for each in topics.tolist()]


def test_more_topics_than_there_are_places_for_are_refused():
    """Nobody learns from a wrong count that there were too many topics."""
    with pytest.raises(UsageError, match=f"{MOST_TOPICS + 1} topics"):
        Streams.of(tuple(map(str, range(MOST_TOPICS + 1))))
    assert len(LENS.topics) <= MOST_TOPICS


def test_each_topic_is_read_in_its_own_way():
    """Records of several topics that come together are read each by its topic's reader, in the order in which they came."""

    def reading(topic: int) -> HeadReader:
        def read(values: Sequence[bytes]) -> wire.Heads:
            numbers = np.array([topic * 100 + value[0] for value in values], np.int64)
            return wire.Heads(numbers >= 0, numbers, numbers, ids.Readings(numbers >= 0, *[numbers] * 4))

        return read

    streams = Streams.of(("a", "b", "c"), {"a": reading(1), "b": reading(2), "c": reading(3)})
    places = np.array([2, 0, 0, 2, 0])
    heads = streams.heads_of_all(["a", "b", "c"], places, [bytes([each]) for each in range(5)])
    assert heads.due_ns.tolist() == [300, 101, 102, 303, 104]
    assert heads.readings.sequence.tolist() == [300, 101, 102, 303, 104]
    assert heads.valid.all()

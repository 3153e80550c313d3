"""Streams have numbers of their own, the same in every process, and places in the accounts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.delivery.streams import LENS, Streams
from lensload.delivery.tracker import MAX_STREAMS, MOST_TOPICS
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

"""What a delivery report gives back of an event is its topic's number and its due time."""

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.delivery.tracker import MOST_TOPICS
from lensload.encoding.encoders import Encoded
from lensload.encoding.packed import Packed
from lensload.generator.due_queue import DueQueue, opened

_YEAR_NS = 365 * 86_400 * 1_000_000_000


@given(
    topic=st.integers(0, MOST_TOPICS - 1),
    offsets_ns=st.lists(st.integers(-4 * _YEAR_NS, 4 * _YEAR_NS), min_size=1, max_size=20),
)
def test_a_report_tells_topic_and_due_time_of_its_event(topic: int, offsets_ns: list[int]):
    """For every topic that a run may have and every time that it may take, exactly to the nanosecond."""
    due_ns = np.sort(time.time_ns() + np.array(offsets_ns, np.int64))
    queue, values = DueQueue("name", topic), [b"x"] * len(due_ns)
    some = Packed.of(values)
    queue.append(Encoded("topic", due_ns, np.zeros(len(due_ns), np.int64), some, some, due_ns))
    _, messages, _, _ = queue.due_by(int(due_ns[-1]))
    numbers, found_ns = opened(messages.table["opaque"])
    assert set(numbers.tolist()) == {topic}
    assert (found_ns == due_ns).all()

"""What was due by a moment is what the schedule and people made due by then, however far ahead it was planned."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.generator.due_count import DueCount
from lensload.ids import NS_PER_MS, NS_PER_S

START_NS = 1_772_600_000 * NS_PER_S
spans_ms = st.lists(st.lists(st.integers(0, 69), max_size=9), max_size=60)


@given(spans_ms, st.integers(0, 3_000), st.integers(0, 100))
def test_nothing_is_due_before_its_time_and_all_of_it_then(
    spans: list[list[int]], warmup_ms: int, back_ms: int
) -> None:
    """Of the events of all spans, the last ones planned ahead, those count that are due in the measured time by then."""
    count = DueCount()
    count.measure_from_ns = START_NS + warmup_ms * NS_PER_MS
    every = list[int]()
    for number, within_ms in enumerate(spans):
        due_ms = [70 * number + ms for ms in sorted(within_ms)]
        every += due_ms
        count.plan(START_NS + np.array(due_ms, np.int64) * NS_PER_MS)
    for at_ms in (70 * len(spans), max(warmup_ms, 70 * len(spans) - back_ms)):
        due = count.by(START_NS + at_ms * NS_PER_MS)
        assert due == sum(warmup_ms <= ms <= at_ms for ms in every) if at_ms >= warmup_ms else due == 0
    assert count.planned == sum(ms >= warmup_ms for ms in every)

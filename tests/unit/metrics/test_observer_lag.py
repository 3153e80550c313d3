"""The observer's lag is a lower bound: it never exceeds the true one, and finds one that many events had."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.metrics.histogram import Histogram
from lensload.metrics.observer_lag import ObserverLag, observer_lag

MS = 1_000_000
PRECISION = 2**-9  # of a histogram's figures, which both ends of the difference have
latencies = st.integers(1 * MS, 60_000 * MS)


@st.composite
def events(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    """Ack latencies of events that are read, how much later they are, and latencies of others with one of the two."""
    count = draw(st.integers(0, 150))
    acks = draw(st.lists(latencies, min_size=count, max_size=count))
    delays = draw(st.lists(st.integers(-1_000 * MS, 5_000 * MS), min_size=count, max_size=count))
    return acks, delays, draw(st.lists(latencies, max_size=40))


def histogram(values_ns: list[int]) -> Histogram:
    """A histogram of these."""
    found = Histogram()
    found.record(np.array(values_ns, np.int64))
    return found


def lag_of(acked: list[int], seen: list[int], lost: int) -> ObserverLag | None:
    """The lag by the histograms of ack and end-to-end latency."""
    return observer_lag(histogram(acked), histogram(seen), lost)


@given(events(), st.booleans())
@settings(max_examples=40)
def test_nobody_is_accused_of_more_than_the_longest_delay(
    drawn: tuple[list[int], list[int], list[int]], lost: bool
):
    """Whatever the latencies, and whatever was lost or seen without an acknowledgement, the lag is no greater than d."""
    acks, delays, others = drawn
    ends = [max(0, ack + delay) for ack, delay in zip(acks, delays, strict=True)]
    found = lag_of([*acks, *others], ends, len(others)) if lost else lag_of(acks, [*ends, *others], 0)
    if found:
        assert found.lag_us * 1e3 <= max(delays, default=0) + found.end_to_end_us * 1e3 * PRECISION


@given(st.integers(200, 2_000), st.integers(1_000, 20_000))
def test_a_tenth_of_the_events_read_late_is_found(count: int, late_ms: int):
    """An observer that read a tenth or more of the events late is found to have done so, by all of the delay."""
    acks = [3 * MS] * count
    late = count // 10 + 2  # a percentile is rounded to a whole rank
    found = lag_of(acks, [4 * MS] * (count - late) + [late_ms * MS] * late, 0)
    assert found
    assert found.lag_us >= (late_ms - 3) * 1e3 * (1 - PRECISION)


def test_it_is_the_difference_of_two_reported_percentiles():
    """Where every acknowledged event was seen, the figures are those of the run file, which a reader can subtract."""
    acks, ends = histogram([*range(1, 10_001)]), histogram([*range(1, 20_001, 2)])
    found = observer_lag(acks, ends)
    assert found
    assert found.percentile == "p999"
    assert (found.end_to_end_us, found.ack_us) == (ends.percentile_us(99.9), acks.percentile_us(99.9))


def test_too_few_events_say_nothing():
    """A sample that carries no percentile accuses nobody."""
    assert lag_of([MS] * 19, [9_000 * MS] * 19, 0) is None
    assert lag_of([], [], 0) is None

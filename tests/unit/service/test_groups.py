"""The lag of consumer groups: in records, in seconds, over time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.service.group_watch import Sample
from lensload.service.groups import GroupLedger
from lensload.service.offset_log import OffsetLog

S = 1_000_000_000
START_NS = 1_772_600_000 * S
TOPIC = "recommendation-requests"
PLACE = (TOPIC, 0)


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), min_size=1, max_size=40),
    st.integers(0, 130),
    st.integers(0, 210),
    st.integers(1, 10),
    st.booleans(),
)
def test_lag_in_seconds_is_the_age_of_the_event_at_the_committed_offset(
    steps: list[tuple[int, int]], committed: int, at_s: int, part: int, forget: bool
):
    """Whatever gaps offsets have and in however many parts they come, the first event from the offset on counts."""
    offsets = np.cumsum([step for step, _ in steps])
    due_ns = START_NS + np.cumsum([step for _, step in steps]) * S
    log = OffsetLog()
    for begin in range(0, len(offsets), part):
        log.enter(PLACE, offsets[begin : begin + part], due_ns[begin : begin + part])
    if forget:
        log.forget(PLACE, committed)
    at_ns = START_NS + at_s * S
    records, seconds = log.lag(PLACE, committed, at_ns)
    left = [
        int(due) for offset, due in zip(offsets, due_ns, strict=True) if offset >= committed and due <= at_ns
    ]
    assert seconds == ((at_ns - left[0]) / S if left else 0.0)
    assert (records > 0) == bool(left)


def sample(at_s: float, lag: int, lag_s: float, *, state: str = "STABLE", moved: bool = False) -> Sample:
    return "svc", START_NS + round(at_s * S), {TOPIC: (lag, lag_s)}, state, 2, moved


def group(*samples: Sample, to_s: int = 100):
    ledger = GroupLedger()
    ledger.add(samples)
    return ledger.result(START_NS, START_NS, START_NS + to_s * S)["svc"]


def test_what_several_observers_see_adds_up():
    """Each observer sees its own partitions: records add up, and the oldest event counts."""
    found = group(sample(1.1, 10, 0.5), sample(1.2, 5, 3.0, state=""), sample(2.1, 1, 0.1))
    assert found["lag"]["max"] == 15
    assert found["lag_s"] == {"max": 3.0, "mean": pytest.approx(1.55), "last": 0.1}
    assert found["topics"][TOPIC]["lag"]["last"] == 1
    assert (found["state"], found["members"]) == ("STABLE", 2)


def test_the_slope_of_a_growing_lag_is_found_with_an_interval():
    """What grows by 5 records a second has this slope, and noise around it is in the interval."""
    noise = np.random.default_rng(1).normal(0, 2, 30)
    found = group(*(sample(1 + n, round(100 + 5 * n + noise[n]), 0.0) for n in range(30)))
    assert found["slope_low"] is not None
    assert found["slope_high"] is not None
    assert found["slope_low"] < 5 < found["slope_high"]
    assert found["slope_high"] - found["slope_low"] < 1


def test_recovery_is_the_longest_time_behind():
    """From the second in which a group is more than a second behind to the one in which it is not; none: not recovered."""
    lags = [0.1, 1.5, 3.0, 0.9, 0.1, 2.0, 0.2]
    assert group(*(sample(n, 1, lag_s) for n, lag_s in enumerate(lags)))["recovered_after_s"] == 2
    assert group(*(sample(n, 1, 0.5) for n in range(4)))["recovered_after_s"] == 0
    assert group(*(sample(n, 1, 0.5 + n) for n in range(4)))["recovered_after_s"] is None


def test_a_rebalance_that_takes_seconds_is_one():
    """Seconds on end in which members change are one rebalance, later ones another."""
    moves = [False, True, True, False, True, False]
    assert group(*(sample(n, 0, 0.0, moved=moved) for n, moved in enumerate(moves)))["rebalances"] == 2

"""What is asked for in each second is the schedule's, made or not, and whatever the generator's steps are."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.generator.scheduled_load import ScheduledLoad
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.pacing.pacer import Pacer
from lensload.pacing.profile import Profile

START_NS = 1_772_600_000 * NS_PER_S + 123_000_000
MS = 1_000_000


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=30),
    st.sampled_from(["constant", "ramp", "spike:3", "poisson"]),
    st.integers(0, 2_500),
)
def test_each_second_has_what_the_schedule_asks_for_in_it(
    steps_ms: list[int], profile: str, warmup_ms: int
) -> None:
    """However long the spans are in which events are made, and wherever seconds begin, each has its part of the integral."""
    pacer, whole = (Pacer(Profile.parse(profile), 20.0, START_NS, 1) for _ in range(2))
    for each in (pacer, whole):
        each.set_rate(START_NS, 1_000.0)
    by_second = StatsBySecond(START_NS + warmup_ms * MS)
    asked, at_ns = ScheduledLoad(pacer, by_second, START_NS), START_NS
    for step_ms in steps_ms:
        at_ns += step_ms * MS
        asked.plan(at_ns)
        pacer.due_until(at_ns)
        asked.account(at_ns - MS // 2)
    asked.account(at_ns)
    for second, stats in by_second.seconds.items():
        begins_ns = max(START_NS, by_second.origin_ns + second * NS_PER_S)
        ends_ns = min(at_ns, by_second.origin_ns + (second + 1) * NS_PER_S)
        wanted = whole.expected(ends_ns) - whole.expected(begins_ns)
        assert stats.totals[ASKED] == pytest.approx(wanted, abs=1e-6)
    assert sum(stats.totals[ASKED] for stats in by_second.seconds.values()) == pytest.approx(
        whole.expected(at_ns)
    )


def test_a_schedule_that_is_stopped_asks_for_nothing_more() -> None:
    """What was planned beyond the end is not asked for."""
    pacer, by_second = Pacer(Profile.parse("constant"), 20.0, START_NS, 1), StatsBySecond(START_NS)
    pacer.set_rate(START_NS, 1_000.0)
    asked = ScheduledLoad(pacer, by_second, START_NS)
    for from_ns, until_ns in pairwise(range(START_NS, START_NS + 1_600 * MS, 70 * MS)):
        del from_ns
        asked.plan(until_ns)
        pacer.due_until(until_ns)
    asked.account(START_NS + 1_500 * MS)
    assert [round(by_second.of(second).totals[ASKED], 6) for second in (0, 1)] == [1_000, 500]

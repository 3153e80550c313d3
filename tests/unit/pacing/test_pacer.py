"""Due times never go back, count the integral of the rate, and do not depend on how often one looks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.ids import NS_PER_S
from lensload.pacing.pacer import Nanoseconds, Pacer
from lensload.pacing.profile import Profile

START_NS = 1_790_000_000_123_456_789
EVEN = [
    Profile.parse(text)
    for text in (
        *("constant", "ramp", "ramp:1-0", "ramp:0.5-2", "steps", "steps:1,0,2", "steps:0,0,1"),
        *("spike", "spike:0@0.2-0.3", "spike:10@0-1", "day"),
    )
]
ALL = [*EVEN, *(Profile.parse(f"{profile.text}+poisson") for profile in EVEN)]


@dataclass(frozen=True)
class Call:
    """One thing done with a pacer: the rate set for a moment, or (rate None) times taken up to it."""

    at_ns: int
    rate_per_s: float | None


rates = st.one_of(
    st.just(0.0), st.floats(-2, 6).map(lambda power: 10**power), st.integers(1, 10**6).map(float)
)
# In events: mostly some or some hundreds, sometimes backwards.
spans = st.one_of(st.just(-0.5), st.floats(0, 3), st.floats(50, 300))
periods_s = st.sampled_from([0.7, 1.0, 30.0, 3600.0])


@st.composite
def plans(draw: st.DrawFn) -> list[Call]:
    """Rates set before, at and after the cursor, and spans taken of some hundred events each, or of seconds."""
    cursor_ns, rate = START_NS, draw(rates)
    calls, ahead = [Call(START_NS, rate)], [(START_NS, rate)]
    for turn, events in draw(st.lists(st.tuples(st.none() | rates, spans), min_size=3, max_size=12)):
        # The highest of all that hold from the cursor on: what was set for later may be within this span.
        highest = max(rate for _, rate in ahead)
        at_ns = cursor_ns + min(int(events * NS_PER_S / (highest or 100)), 10**12)
        calls.append(Call(at_ns, turn))
        if turn is None:
            cursor_ns = max(cursor_ns, at_ns)
            passed = [change for change in ahead if change[0] <= cursor_ns]
            ahead = [*passed[-1:], *ahead[len(passed) :]]
        else:
            at_ns = max(cursor_ns, at_ns)
            ahead = [*(change for change in ahead if change[0] < at_ns), (at_ns, turn)]
    return [*calls, Call(cursor_ns, None)]


def follow(pacer: Pacer, plan: Sequence[Call]) -> Nanoseconds:
    """All times that a plan yields."""
    given_ns: list[Nanoseconds] = []
    for call in plan:
        if call.rate_per_s is None:
            given_ns.append(pacer.due_until(call.at_ns))
        else:
            pacer.set_rate(call.at_ns, call.rate_per_s)
    return np.concatenate(given_ns)


def changes_of(plan: Sequence[Call]) -> list[tuple[int, float]]:
    """The rates of a plan with the moments from which they held."""
    changes, cursor_ns = [(START_NS, 0.0)], START_NS
    for call in plan:
        at_ns = max(call.at_ns, cursor_ns)
        if call.rate_per_s is None:
            cursor_ns = at_ns
        else:
            changes = [*(change for change in changes if change[0] < at_ns), (at_ns, call.rate_per_s)]
    return changes


def integral(profile: Profile, period_s: float, changes: Sequence[tuple[int, float]], until_ns: int) -> float:
    """The integral of the rate from the start, in exact fractions."""
    ends = [*(at_ns for at_ns, _ in changes[1:]), until_ns]
    total = Fraction(0)
    for (from_ns, rate), to_ns in zip(changes, ends, strict=True):
        before, after = (
            area(profile, period_s, min(at_ns, until_ns) - START_NS) for at_ns in (from_ns, to_ns)
        )
        total += Fraction(rate) / NS_PER_S * (after - before)
    return float(total)


def area(profile: Profile, period_s: float, elapsed_ns: int) -> Fraction:
    """The integral of a profile's factor over time from the start, in exact fractions; points fall on whole ns."""
    points = [(round(x * round(period_s * NS_PER_S)), Fraction(y)) for x, y in profile.points]
    period_ns, last = points[-1]
    periods, within_ns = divmod(elapsed_ns, period_ns) if profile.repeats else (0, elapsed_ns)
    total = max(within_ns - period_ns, 0) * last
    for (x0, y0), (x1, y1) in pairwise(points):
        total += periods * (x1 - x0) * (y0 + y1) / 2
        if x0 < min(x1, within_ns):
            end = min(x1, within_ns)
            total += (end - x0) * (2 * y0 + (y1 - y0) * Fraction(end - x0, x1 - x0)) / 2
    return total


@given(st.sampled_from(ALL), periods_s, plans(), st.integers(0, 9))
def test_times_never_go_back(profile: Profile, period_s: float, plan: list[Call], seed: int) -> None:
    """Whatever is set and taken, times come in order, and none lies outside the span that was asked for."""
    pacer = Pacer(profile, period_s, START_NS, seed)
    cursor_ns = latest_ns = START_NS
    for call in plan:
        due_ns = follow(pacer, [call, Call(cursor_ns, None)])
        cursor_ns = cursor_ns if call.rate_per_s is not None else max(cursor_ns, call.at_ns)
        assert due_ns.dtype == np.int64
        assert (np.diff(due_ns, prepend=latest_ns) >= 0).all()
        assert (due_ns < cursor_ns).all()
        latest_ns = max([latest_ns, *due_ns[-1:]])


@given(st.sampled_from(EVEN), periods_s, plans())
def test_count_is_the_integral_of_the_rate(profile: Profile, period_s: float, plan: list[Call]) -> None:
    """No event is lost or made up: as many are given as the rate adds up to, the one under way included."""
    pacer = Pacer(profile, period_s, START_NS, 0)
    count = follow(pacer, plan).size
    exact = integral(profile, period_s, changes_of(plan), plan[-1].at_ns)
    assert pacer.expected(plan[-1].at_ns) == pytest.approx(exact, rel=1e-12, abs=1e-9)
    # Times are whole ns, half a ns off at most, in which 10 times the highest rate makes 0.005 events.
    assert exact - 0.005 <= count <= exact + 1.005


@given(st.sampled_from(EVEN), periods_s, rates.filter(bool), st.integers(1, 100))
def test_an_event_is_due_where_the_integral_reaches_its_number(
    profile: Profile, period_s: float, rate: float, events: int
) -> None:
    """The n-th event is due within 1 ns of where the rate adds up to n, counting from 0."""
    pacer = Pacer(profile, period_s, START_NS, 0)
    pacer.set_rate(START_NS, rate)
    for number, due_ns in enumerate(pacer.due_until(START_NS + int(events * NS_PER_S / rate)).tolist()):
        before, after = (integral(profile, period_s, [(START_NS, rate)], due_ns + step) for step in (-1, 1))
        assert before - 1e-9 <= number <= after + 1e-9


@given(st.sampled_from(ALL), periods_s, plans(), st.lists(st.floats(0, 1), max_size=6), st.integers(0, 9))
def test_any_division_into_takes_gives_the_same_times(
    profile: Profile, period_s: float, plan: list[Call], cuts: list[float], seed: int
) -> None:
    """Looking often or seldom moves no time by a nanosecond: a late tick finds what a punctual one would have."""
    divided: list[Call] = []
    cursor_ns = START_NS
    for call in plan:
        if call.rate_per_s is None:
            span_ns = max(call.at_ns - cursor_ns, 0)
            divided += [Call(cursor_ns + int(cut * span_ns), None) for cut in sorted(cuts)]
            cursor_ns += span_ns
        divided.append(call)
    whole = follow(Pacer(profile, period_s, START_NS, seed), plan)
    assert np.array_equal(follow(Pacer(profile, period_s, START_NS, seed), divided), whole)


def test_hours_do_not_drift() -> None:
    """After ten hours and a change of rate every ten seconds, the count is that of exact fractions."""
    pacer = Pacer(Profile.parse("constant"), 30.0, START_NS, 0)
    odd = (1 / 3, 1 / 7, 1e-2 / 3)
    count, total = 0, Fraction(0)
    for second in range(0, 36_000, 10):
        rate = odd[second % 3]
        pacer.set_rate(START_NS + second * NS_PER_S, rate)
        count += pacer.due_until(START_NS + (second + 10) * NS_PER_S).size
        total += 10 * Fraction(rate)
    assert pacer.expected(START_NS + 36_000 * NS_PER_S) == pytest.approx(float(total), rel=1e-14)
    assert count == math.ceil(total)


def test_a_million_events_a_second_are_a_microsecond_apart_after_a_day() -> None:
    """Precision does not fade: what one float would count in steps, is still exact."""
    pacer = Pacer(Profile.parse("steps:0,1"), 2 * 86_400.0, START_NS, 0)
    pacer.set_rate(START_NS, 1e6)
    midday_ns = START_NS + 86_400 * NS_PER_S
    assert pacer.due_until(midday_ns).size == 0
    assert np.array_equal(pacer.due_until(midday_ns + 50_000_000), midday_ns + 1_000 * np.arange(50_000))


def test_nothing_is_due_without_a_rate() -> None:
    """Before the first rate and while it is 0 no event is due, and the one under way waits, not lost."""
    pacer = Pacer(Profile.parse("constant"), 30.0, START_NS, 0)
    assert pacer.due_until(START_NS + NS_PER_S).size == 0
    pacer.set_rate(START_NS, 2.0)
    assert pacer.due_until(START_NS + 2 * NS_PER_S).tolist() == [
        START_NS + NS_PER_S,
        START_NS + 3 * NS_PER_S // 2,
    ]
    pacer.set_rate(0, 0.0)
    assert pacer.due_until(START_NS + 100 * NS_PER_S).size == 0
    pacer.set_rate(0, 1.0)
    assert pacer.due_until(START_NS + 101 * NS_PER_S).tolist() == [START_NS + 100 * NS_PER_S]


def test_poisson_gaps_are_exponential_and_seeded() -> None:
    """Poisson arrivals have the rate, the independent exponential gaps, and the seed that were asked for."""
    n = 100_000
    pacers = [Pacer(Profile.parse("poisson"), 30.0, START_NS, seed) for seed in (1, 1, 2)]
    for pacer in pacers:
        pacer.set_rate(START_NS, 1_000.0)
    one, again, other = (pacer.due_until(START_NS + n // 1_000 * NS_PER_S) for pacer in pacers)
    assert np.array_equal(one, again)
    assert not np.array_equal(one[:100], other[:100])
    # Five standard deviations of a Poisson count; the Kolmogorov-Smirnov distance exceeds 1.95 / sqrt(n) once in
    # a thousand, and the correlation of neighbours 4 / sqrt(n) less often: the seed is fixed, so never by chance.
    assert abs(one.size - n) < 5 * n**0.5
    gaps = np.sort(np.diff(one)) / 1e6
    assert np.abs(1 - np.exp(-gaps) - np.linspace(0, 1, gaps.size)).max() < 1.95 / n**0.5
    between = np.diff(one)
    assert abs(np.corrcoef(between[1:], between[:-1])[0, 1]) < 4 / n**0.5


def factor_of(profile: Profile, fraction: float) -> float:
    """The multiple of the target at a fraction of the period (0 or more), by the profile's points alone."""
    places, factors = zip(*profile.points, strict=True)
    return float(np.interp(fraction % 1.0 if profile.repeats else fraction, places, factors))


@given(st.sampled_from(EVEN), periods_s, rates, st.floats(0, 3))
def test_rate_at_follows_the_profile(profile: Profile, period_s: float, rate: float, fraction: float) -> None:
    """The target shown at a moment is the profile's factor times the rate that was set."""
    pacer = Pacer(profile, period_s, START_NS, 0)
    pacer.set_rate(START_NS, rate)
    elapsed_ns = int(fraction * period_s * NS_PER_S)
    # At a jump either side is right, to a ns.
    around = [factor_of(profile, max(elapsed_ns + step, 0) / (period_s * NS_PER_S)) for step in (-1, 0, 1)]
    slack = 1e-5 * max(around) + 1e-9
    assert (
        rate * (min(around) - slack) <= pacer.rate_at(START_NS + elapsed_ns) <= rate * (max(around) + slack)
    )
    assert pacer.rate_at(START_NS - 1) == 0

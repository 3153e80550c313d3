"""What is said of other hosts' clocks is true, whatever way the answers came."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from lensload.coordinator.clock_sync import Clocks

delays_ns = st.integers(0, 50_000_000)
answers = st.lists(st.tuples(delays_ns, delays_ns), min_size=1, max_size=40)
offsets_ns = st.integers(-(10**10), 10**10)
HOUR_NS = 3_600 * 10**9


def hear_answers(clocks: Clocks, worker: str, offset_ns: int, ways: list[tuple[int, int]]) -> None:
    """A worker whose clock is ahead by so much answers, after these times there and back."""
    for number, (there_ns, back_ns) in enumerate(ways):
        asked_ns = HOUR_NS + number * 10**9
        clocks.hear(worker, asked_ns, asked_ns + there_ns + offset_ns, asked_ns + there_ns + back_ns)


@given(offsets_ns, answers, offsets_ns, answers)
def test_two_clocks_are_never_further_apart_than_told(
    one_ns: int, one: list[tuple[int, int]], other_ns: int, other: list[tuple[int, int]]
) -> None:
    """The true distance between any two clocks lies within the doubt, however lopsided the ways were."""
    clocks = Clocks("here")
    clocks.meet("a", "there")
    clocks.meet("b", "elsewhere")
    hear_answers(clocks, "a", one_ns, one)
    hear_answers(clocks, "b", other_ns, other)
    assert (clocks.doubt_ns or 0) >= max(abs(one_ns), abs(other_ns), abs(one_ns - other_ns))
    for reading, true_ns in zip(clocks.public({"a": 0, "b": 1})["workers"], (one_ns, other_ns), strict=True):
        assert abs(reading["offset_us"] * 1e3 - true_ns) <= reading["uncertainty_us"] * 1e3 + 1


@given(st.lists(st.tuples(offsets_ns, delays_ns), min_size=1, max_size=6))
def test_the_doubt_is_that_of_the_two_clocks_that_are_furthest_apart(hosts: list[tuple[int, int]]) -> None:
    """However many clocks there are, the doubt is the greatest distance of any two, uncertainties included."""
    clocks = Clocks("here")
    known = [(0, 0)]
    for number, (offset_ns, half_ns) in enumerate(hosts):
        clocks.meet(f"worker {number}", f"host {number}")
        clocks.hear(f"worker {number}", HOUR_NS - half_ns, HOUR_NS + offset_ns, HOUR_NS + half_ns)
        known.append((offset_ns, half_ns))
    apart_ns = [abs(a - b) + u + v for (a, u), (b, v) in combinations(known, 2)]
    assert abs((clocks.doubt_ns or 0) - max(apart_ns)) <= max(half for _, half in known) * 1e-3 * 2 + 2


def test_quick_answers_bind_closest() -> None:
    """One quick answer among slow ones decides how well a clock is known."""
    clocks = Clocks("here")
    clocks.meet("a", "there")
    hear_answers(clocks, "a", 5_000, [(40_000_000, 1_000), (20_000, 30_000), (1_000, 9_000_000)])
    (reading,) = clocks.public({"a": 0})["workers"]
    assert 25.0 <= reading["uncertainty_us"] < 25.0 + 1_000 * 1.1, (
        "and what the clock may have drifted in a second"
    )
    assert abs(reading["offset_us"] - 5.0) <= 25.0


@given(st.integers(-500, 500), st.integers(2, 60), st.lists(delays_ns, min_size=60, max_size=60))
def test_a_clock_that_drifts_is_never_further_apart_than_told(
    drift_ppm: int, seconds: int, trips_ns: list[int]
) -> None:
    """However quick the first answers and slow the last: what the clock has drifted since is in the doubt."""
    clocks = Clocks("here")
    clocks.meet("a", "there")
    apart_ns = 0
    for second in range(seconds):
        asked_ns, trip_ns = HOUR_NS + second * 10**9, trips_ns[second] if second else 1_000
        apart_ns = drift_ppm * 1_000 * second
        clocks.hear("a", asked_ns, asked_ns + trip_ns // 2 + apart_ns, asked_ns + trip_ns)
    assert (clocks.doubt_ns or 0) >= abs(apart_ns)


def test_a_clock_that_was_never_read_may_say_anything() -> None:
    """A worker elsewhere that has not answered leaves a doubt without a bound, not none."""
    clocks = Clocks("here")
    clocks.meet("a", "there")
    assert clocks.doubt_ns is None
    clocks.hear("a", HOUR_NS, HOUR_NS + 500, HOUR_NS + 1_000)
    assert clocks.doubt_ns == 500
    clocks.meet("b", "elsewhere")
    assert clocks.doubt_ns is None


def test_on_one_host_there_is_one_clock() -> None:
    """Workers on the master's host are not asked, and leave no doubt."""
    clocks = Clocks("here")
    clocks.meet("a", "here")
    assert (clocks.elsewhere, clocks.doubt_ns, clocks.public({"a": 0})["hosts"]) == ([], 0, 1)

"""What is said of other hosts' clocks is true, whatever way the answers came."""

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
    assert clocks.doubt_ns >= max(abs(one_ns), abs(other_ns), abs(one_ns - other_ns))
    for reading, true_ns in zip(clocks.public({"a": 0, "b": 1})["workers"], (one_ns, other_ns), strict=True):
        assert abs(reading["offset_us"] * 1e3 - true_ns) <= reading["uncertainty_us"] * 1e3 + 1


def test_quick_answers_bind_closest() -> None:
    """One quick answer among slow ones decides how well a clock is known."""
    clocks = Clocks("here")
    clocks.meet("a", "there")
    hear_answers(clocks, "a", 5_000, [(40_000_000, 1_000), (20_000, 30_000), (1_000, 9_000_000)])
    (reading,) = clocks.public({"a": 0})["workers"]
    assert reading["uncertainty_us"] == 25.0
    assert abs(reading["offset_us"] - 5.0) <= 25.0


def test_on_one_host_there_is_one_clock() -> None:
    """Workers on the master's host are not asked, and leave no doubt."""
    clocks = Clocks("here")
    clocks.meet("a", "here")
    assert (clocks.elsewhere, clocks.doubt_ns, clocks.public({"a": 0})["hosts"]) == ([], 0, 1)

"""A wall clock that somebody sets is noticed; one that runs on is not."""

from types import SimpleNamespace

import pytest

from lensload import clock


def test_a_clock_that_runs_on_has_not_been_set() -> None:
    """An undisturbed clock shows no step worth a verdict, busy machine or not."""
    watch = clock.WallClock()
    assert all(abs(watch.step_ns()) < 1_000_000 for _ in range(100))


@pytest.mark.parametrize("set_by_ns", [250_000_000, -3_000_000_000])
def test_a_clock_that_is_set_is_noticed(set_by_ns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is told with its size and direction; the readings are made up, for the machine's clock is not ours to set."""
    shift_ns = 0
    now_ns = iter(range(0, 10**9, 100))
    made_up = SimpleNamespace(
        monotonic_ns=lambda: next(now_ns), time_ns=lambda: 10**18 + next(now_ns) + shift_ns
    )
    monkeypatch.setattr(clock, "time", made_up)
    watch = clock.WallClock()
    shift_ns = set_by_ns
    assert watch.step_ns() == pytest.approx(set_by_ns, abs=1_000)

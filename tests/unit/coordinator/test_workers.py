"""Who takes part in a run, and with which part of it."""

import pytest

from lensload.coordinator.workers import LANES, Roster
from lensload.errors import RefusedError


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_lanes_and_partitions_are_dealt_out_exactly_once(count: int) -> None:
    """Any number of workers makes the whole audience, and observes every partition, once."""
    roster = Roster([f"w{n}" for n in range(count)])
    members = [roster.join(f"w{n}") for n in range(count)]
    assert sorted(lane for member in members for lane in member.lanes) == list(range(LANES))
    assert [member.share for member in members] == [(index, count) for index in range(count)]


def test_late_workers_get_lanes_of_their_own_and_observe_nothing() -> None:
    """A worker that joins a running test repeats nobody's events and reads nobody's partitions."""
    roster = Roster(["w0", "w1"])
    late = [roster.join(f"late{n}") for n in range(63)]
    lanes = [lane for member in late for lane in member.lanes]
    assert sorted(lanes) == list(range(64, 64 * 64))
    assert {member.share for member in late} == {None}
    assert late[0] is roster.join("late0"), "joining again is the same part"
    assert late[0].index == 2
    assert late[0].has_ended("observer")
    assert not late[0].has_ended("engine")
    with pytest.raises(RefusedError, match="63 workers"):
        roster.join("one too many")


def test_what_is_awaited_are_those_that_are_present_and_have_not_said_it() -> None:
    """A lost worker keeps nobody waiting; one that is merely quiet does."""
    roster = Roster(["a", "b"])
    a, b = roster.join("a"), roster.join("b")
    assert roster.unready() == [a, b]
    a.conditions = {}
    assert roster.unready() == [b]
    a.scheduled = True
    assert not roster.all_scheduled()
    b.lost = True
    assert roster.unready() == []
    assert roster.all_scheduled()
    assert roster.present == {"a": a}
    assert roster.waiting_for("engine") == [a]
    a.end("engine")
    assert roster.waiting_for("engine") == []
    assert roster.waiting_for("observer") == [a]


def test_reports_that_never_arrive_are_counted() -> None:
    """Reports are numbered, so that a gap in the account is known."""
    member = Roster(["a"]).join("a")
    assert [member.reported(n) for n in (1, 2, 5, 6)] == [0, 0, 2, 0]

"""Who takes part in a run, and with which part of it."""

import pytest

from lensload.coordinator.workers import LANES, Workers
from lensload.errors import RefusedError
from lensload.ids import MAX_LANES


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_lanes_and_partitions_are_dealt_out_exactly_once(count: int) -> None:
    """Any number of workers makes the whole audience, and observes every partition, once."""
    workers = Workers([f"w{n}" for n in range(count)])
    states = [workers.join(f"w{n}") for n in range(count)]
    assert sorted(lane for state in states for lane in state.lanes) == list(range(LANES))
    assert [state.share for state in states] == [(index, count) for index in range(count)]


@pytest.mark.parametrize("count", [65, 200, 4096])
def test_more_workers_than_lanes_of_an_audience_have_a_lane_each(count: int) -> None:
    """However many workers: each has somebody to play, no two share a lane, and a late one still gets its own."""
    workers = Workers([f"w{n}" for n in range(count)])
    lanes = [list(workers.join(f"w{n}").lanes) for n in range(count)]
    assert lanes == [[number] for number in range(count)]
    if count < MAX_LANES:
        assert not {lane for (lane,) in lanes} & set(workers.join("late").lanes)


def test_more_workers_than_ids_have_lanes_for_are_refused() -> None:
    """Ids tell 4,096 lanes apart, so that is the most workers."""
    with pytest.raises(RefusedError, match="4097 workers"):
        Workers([f"w{n}" for n in range(MAX_LANES + 1)])


def test_late_workers_get_lanes_of_their_own_and_observe_nothing() -> None:
    """A worker that joins a running test repeats nobody's events and reads nobody's partitions."""
    workers = Workers(["w0", "w1"])
    late = [workers.join(f"late{n}") for n in range(63)]
    lanes = [lane for state in late for lane in state.lanes]
    assert sorted(lanes) == list(range(64, 64 * 64))
    assert {state.share for state in late} == {None}
    assert late[0] is workers.join("late0"), "joining again is the same part"
    assert late[0].index == 2
    assert late[0].has_ended("observer")
    assert not late[0].has_ended("generator")
    with pytest.raises(RefusedError, match="63 workers"):
        workers.join("one too many")


def test_what_is_awaited_are_those_that_are_present_and_have_not_said_it() -> None:
    """A lost worker keeps nobody waiting; one that is merely quiet does."""
    workers = Workers(["a", "b"])
    a, b = workers.join("a"), workers.join("b")
    assert workers.unready() == [a, b]
    a.conditions["generator"] = {}
    assert a.unready == ["observer"]
    a.conditions["observer"] = {}
    assert workers.unready() == [b]
    a.scheduled = True
    assert not workers.all_scheduled()
    b.lost = True
    assert workers.unready() == []
    assert workers.all_scheduled()
    assert workers.present == {"a": a}
    assert workers.waiting_for("generator") == [a]
    a.ended.add("generator")
    assert workers.waiting_for("generator") == []
    assert workers.waiting_for("observer") == [a]


def test_parcels_that_never_arrive_are_counted() -> None:
    """Parcels are numbered, so that a gap in what was counted is known."""
    state = Workers(["a"]).join("a")
    assert [state.received(n) for n in (1, 2, 5, 6)] == [0, 0, 2, 0]

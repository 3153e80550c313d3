"""The room of a run without a schedule: what is under way bounds what is made, and waiting for room is accounted for."""

from dataclasses import dataclass
from typing import Any, cast

import pytest

from lensload.generator.in_flight_window import InFlightWindow
from lensload.generator.producer import PacedProducer
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import StatsBySecond


@dataclass
class _Queue:
    """A producer's account of its queue: `unsettled` events have a report that nobody has settled."""

    produced: int = 0
    held: int = 0
    unsettled: int = 0

    def __len__(self) -> int:
        return self.held - self.unsettled

    def settle(self) -> None:
        self.held, self.unsettled = self.held - self.unsettled, 0


def _room(queue: _Queue, stats: StatsBySecond, places: int = 10_000) -> InFlightWindow:
    room = InFlightWindow(cast("PacedProducer", cast("Any", queue)), stats, places)
    room.begin(NS_PER_S, 10 * NS_PER_S)
    return room


def test_offered_events_take_room_until_they_are_acknowledged():
    """An event takes room from the moment it is offered until its report is settled."""
    queue, stats = _Queue(), StatsBySecond()
    room = _room(queue, stats)
    made = 0
    while room.has_some(2 * NS_PER_S):
        count = len(room.due_from(2 * NS_PER_S))
        made, room.offered = made + count, room.offered + count
    assert made == 9_000  # the client's own events have the rest of its places
    queue.produced, queue.held = made, made
    assert not room.has_some(3 * NS_PER_S)
    queue.unsettled = made
    assert room.has_some(4 * NS_PER_S)


def test_measured_time_without_room_is_a_total():
    """Only the measured time counts, from when there is no room until there is, and no longer than to the end."""
    queue, stats = _Queue(), StatsBySecond()
    room = _room(queue, stats)
    room.offered = 9_000
    assert not room.has_some(0)
    room.offered = 0
    assert room.has_some(3 * NS_PER_S)
    room.offered = 9_000
    assert not room.has_some(9 * NS_PER_S)
    room.end(12 * NS_PER_S)
    room.end(13 * NS_PER_S)
    assert stats.timeless.totals["window_full_s"] == pytest.approx(2 + 1)

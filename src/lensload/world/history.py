"""A span of history as events, in simulated time, for seeding.

Where `World` says what happens at times that its caller chooses, here the calendar decides: an event's due time is
when it happened.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from lensload import ids
from lensload.batches.topic_batch import TopicBatch
from lensload.world import event_rows as kinds
from lensload.world.audience import LANES
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix, events_by_topic
from lensload.world.calendar import Calendar
from lensload.world.event_rows import TOPIC_OF, Rows
from lensload.world.scenario import Scenario
from lensload.world.timeline import Timeline
from lensload.world.topic_batches import Owned, TopicBatches

# Into how many windows a span is divided, at least; and how many sessions of a lane one has, at most: big ones are
# faster.
_WINDOWS: Final = 16
_MOST_A_LANE: Final = 64
# What is known of events per session before any has been played counts like so many sessions.
_PRIOR_SESSIONS: Final = 2_000
# An exact number of events is aimed at from above: by so many standard deviations of what is left to play; one
# session's is about so large, against its mean.
_SURE: Final = 5.0
_SESSION_DEVIATION: Final = 0.9
# Sessions that begin in the last seconds do not come to their ends, so those that begin so early have to make up
# the number.
_TAIL_S: Final = 300.0


class History:
    """Tells what happened in a span, portion by portion, in order of time.

    Args:
        scenario: the world, with its turnover over the span.
        start_ms: where the span begins, Unix ms.
        until_ms: where it ends.
        sessions_a_lane: how many sessions each of the 64 lanes has, about.
        events: how many events, exactly; None for all.
        run_tag: goes into every id.
        topics: the topics wanted, in causal order.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        start_ms: int,
        until_ms: int,
        sessions_a_lane: float,
        events: int | None,
        run_tag: int,
        topics: tuple[str, ...],
    ) -> None:
        self._start_ns, self._until_ns = start_ms * ids.NS_PER_MS, until_ms * ids.NS_PER_MS
        self._calendar = Calendar(start_ms, until_ms, sessions_a_lane)
        self._events = events
        self._told = 0
        self._prior = told_per_session(topics, scenario.behaviour)
        told = np.isin(TOPIC_OF, [place for place, topic in enumerate(kinds.TOPICS) if topic in topics])
        mix = Mix.of({scenario.behaviour: 1.0})
        a_lane = max(1, int(min(sessions_a_lane / _WINDOWS, _MOST_A_LANE)))
        self._timeline = Timeline(scenario, mix, np.arange(LANES), told, self._calendar, a_lane)
        self._topic_batches = TopicBatches(scenario, self._timeline.ring, run_tag, topics)
        self._topic_batches.begin(self._start_ns)

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        return self._topic_batches.outline()

    def portions(self, owned: Owned | None = None) -> Iterator[tuple[TopicBatch, ...]]:
        """The span's portions: the events that are `owned`, or all, at most one batch a topic; to be asked for once.

        A batch is in order of time; `due_ns` is when its events happened.
        """
        calendar, timeline = self._calendar, self._timeline
        while timeline.next_number < calendar.sessions_a_lane and self._told != self._events:
            if self._events is not None:
                self._aim(self._events)
            start_s = timeline.ends_s
            rows = self._next_window()
            # The last window's end is the span's, at which whatever is later is cut off.
            begin_ns, end_ns = self._at(start_s), self._at(timeline.ends_s)
            happened_ns = self._start_ns + (rows["time"] * ids.NS_PER_S).astype(np.int64)
            due_ns = ids.on_the_grid(np.clip(happened_ns, begin_ns, end_ns - 1))
            self._told += len(rows)
            yield tuple(self._topic_batches.batches(rows, due_ns, owned))

    def _at(self, seconds: float) -> int:
        return self._start_ns + round(seconds * 1000) * ids.NS_PER_MS

    def _next_window(self) -> Rows:
        making = self._timeline.window()
        while True:
            try:
                next(making)
            except StopIteration as done:
                rows: Rows = done.value
                break
        left = len(rows) if self._events is None else self._events - self._told
        return rows[:left]

    def _aim(self, events: int) -> None:
        """Have as many sessions from now on as it takes, by what sessions have made so far."""
        timeline, calendar = self._timeline, self._calendar
        left_s = calendar.span_s - timeline.ends_s
        if timeline.next_number and left_s < 4 * _TAIL_S:
            return
        played, made = timeline.next_number * LANES, self._told + timeline.held_back
        mean = (made + _PRIOR_SESSIONS * self._prior) / (played + _PRIOR_SESSIONS)
        wanted = max(1.0, (events - made) / mean)
        wanted += _SURE * _SESSION_DEVIATION * wanted**0.5
        calendar.aim(timeline.next_number, wanted / LANES, min(_TAIL_S, left_s / 2))


def told_per_session(topics: tuple[str, ...], behaviour: Behaviour) -> float:
    """About how many events of these topics a session of people who behave so makes."""
    every = zip(kinds.TOPICS, events_by_topic(behaviour), strict=True)
    return sum(events for topic, events in every if topic in topics)

"""The timeline: a worker's lanes played side by side, every event in the order of the world's own time.

Sessions are played in windows: so many sessions of each lane at a time. What a window's sessions do after its
end waits for the window it falls into. The world keeps its own time, in which a person looks at an item for
half a minute; whoever takes events from it decides when they are due.
"""

from collections.abc import Generator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.errors import InvalidRunError
from lensload.world import event_rows as kinds
from lensload.world import sessions
from lensload.world.behaviour_mix import Mix, events_by_topic
from lensload.world.event_rows import ROW, TOPIC_OF, Rows, joined, taken
from lensload.world.model_metrics import WINDOW_SESSIONS, ModelMonitor
from lensload.world.scenario import Scenario
from lensload.world.session_clock import STEADY, Clock
from lensload.world.session_slots import SessionSlots

# About how many events of a window are wanted: enough for NumPy to be worth its calls. Where few of them are, more sessions
# are played at once, so that an event costs less and a change of the mix comes after as many events; but not so many that
# a step takes long.
_WINDOW_EVENTS: Final = 11_000
_MOST_SESSIONS: Final = 4096
_FEWEST_A_LANE: Final = 8
_TOPICS: Final = int(TOPIC_OF.max()) + 1
_TIME_BITS: Final = 48  # as many ticks in a window are finer than its times, and exact as doubles


class Timeline:
    """The events of some lanes, in order, window after window; with what their rows refer to.

    Rows name sessions and pages by slots of a ring, which are used again when nothing can refer to them any
    longer.

    Args:
        scenario: the people, goods and experiments.
        mix: how the audience behaves.
        lanes: the lanes to play.
        told: for each kind of row whether anyone wants it; all by default. What nobody wants happens too, but
            costs less.
        clock: when sessions begin; steady by default.
        a_lane: how many sessions of each lane a window plays, at most; as many as are fast by default.
        run: goes into session ids, as of `session_slots.session_words`.

    Attributes:
        ring: the sessions and pages that rows refer to.
        ends_s: up to when the world has been played: no event of a later window is earlier.
    """

    def __init__(
        self,
        scenario: Scenario,
        mix: Mix,
        lanes: NDArray[np.int64],
        told: NDArray[np.bool_] | None = None,
        clock: Clock = STEADY,
        a_lane: int | None = None,
        *,
        run: int = 0,
    ) -> None:
        self._clock = clock
        self._scenario = scenario
        self._mix = mix
        self._lanes = np.sort(lanes)
        told = np.ones(len(TOPIC_OF), dtype=np.bool_) if told is None else told
        fitting = a_lane or max(_FEWEST_A_LANE, _fitting_sessions(mix, told) // len(lanes))
        # A power of two that divides the monitor's window, so that at most one of those closes in each of ours.
        self._a_lane = min(1 << (fitting.bit_length() - 1), WINDOW_SESSIONS)
        ahead = int(np.ceil(self._clock.most_within(self._clock.longest_session_s) / self._a_lane)) + 2
        self._kept_sessions = ahead * self._a_lane
        slots = self._kept_sessions * len(lanes)
        self.ring = SessionSlots(slots, run)
        self._assigned = np.zeros(scenario.variants.shape, dtype=np.bool_) if told[kinds.ASSIGNMENT] else None
        self._monitor = ModelMonitor(self._lanes, self._clock) if told[kinds.MODEL_METRIC] else None
        # Requests give pages their numbers; answers, clicks and searches are what the monitor watches.
        needed = [kinds.REQUEST, *([kinds.RESPONSE, kinds.CLICK, kinds.SEARCH] if self._monitor else [])]
        kept = told.copy()
        kept[needed] = True
        self._told = None if told.all() else told
        self._kept = None if kept.all() else kept
        self._place = np.zeros(ids.MAX_LANES, dtype=np.uint16)
        self._place[self._lanes] = np.arange(len(self._lanes))
        self._counted = np.zeros(len(self._lanes) * _TOPICS, dtype=np.int64)
        self._waiting: Rows = np.zeros(0, dtype=ROW)
        self._window = 0
        self._begin_s = self.ends_s = self._clock.edge(0)

    @property
    def held_back(self) -> int:
        """How many events wait for a later window."""
        return len(self._waiting)

    @property
    def next_number(self) -> int:
        """The number of each lane's first session of the next window."""
        return self._window * self._a_lane

    def change(self, mix: Mix) -> None:
        """Play sessions of another mix from the next window on."""
        self._mix = mix

    def window(self) -> Generator[None, None, Rows]:
        """The events of the next window, in order of time; equal times in causal order.

        A generator that pauses between steps, and returns the rows.
        """
        number = np.arange(self._window * self._a_lane, (self._window + 1) * self._a_lane)
        self._require_room(int(number[-1]) + 1 - self._kept_sessions)
        lane = np.repeat(self._lanes, self._a_lane)
        numbers = np.tile(number, len(self._lanes))
        block = yield from sessions.play(
            self._scenario, self._mix, lane, numbers, self._assigned, self._clock
        )
        rows = self.ring.assign(block)
        yield
        self._window += 1
        self._begin_s, self.ends_s = self.ends_s, self._clock.edge(self._window * self._a_lane)
        known = joined([self._waiting, rows])
        places = self._not_held_back(known)
        yield
        if self._monitor:
            metrics = self._monitor.watch(taken(known, places), self.ring.pages, self.ends_s)
            places = np.append(places, np.arange(len(known), len(known) + len(metrics)))
            known = joined([known, metrics])
            yield
        now = taken(known, places[self._order(known["time"][places])])
        self._number(now)
        return now if self._told is None else taken(now, np.flatnonzero(self._told[now["what"]]))

    def _require_room(self, first_kept: int) -> None:
        """Whose slots are taken now has nothing left to tell; else what refers to them would name others."""
        over_s = self._clock.edge(first_kept) + self._clock.longest_session_s
        if first_kept > 0 and over_s > self.ends_s:
            raise InvalidRunError("Sessions come closer together than the world was made for.")

    def _order(self, time: NDArray[np.float64]) -> NDArray[np.int64]:
        """The order of the window's times, equal ones as they stand.

        By sorting numbers that have the row's place below the ticks of its time: they all differ, so that they need no stable sort, and
        NumPy's other one is three times as fast.
        """
        bits = len(time).bit_length()
        ticks = 2.0 ** min(_TIME_BITS, 64 - bits)
        since, span_s = time - self._begin_s, max(self.ends_s - self._begin_s, 1e-9)
        numbers = np.minimum(since * (ticks / span_s), ticks - 1).astype(np.uint64)
        numbers = (numbers << np.uint64(bits)) | np.arange(len(time), dtype=np.uint64)
        numbers.sort()
        return (numbers & np.uint64((1 << bits) - 1)).view(np.int64)

    def _number(self, rows: Rows) -> None:
        """Count each lane's events of each topic, on from where the last window ended."""
        stream = self._place[rows["lane"]] * _TOPICS + TOPIC_OF[rows["what"]]
        order = np.argsort(stream, kind="stable")
        counts = np.bincount(stream, minlength=len(self._counted))
        starts = np.cumsum(counts) - counts
        rows["sequence"][order] = np.arange(len(rows)) + np.repeat(self._counted - starts, counts)
        self._counted += counts
        requests = np.flatnonzero(rows["what"] == kinds.REQUEST)
        page = rows["page"][requests]
        self.ring.page_sequence[page] = rows["sequence"][requests]
        self.ring.page_lane[page] = rows["lane"][requests]

    def _not_held_back(self, known: Rows) -> NDArray[np.int64]:
        """Where the events of this window stand; what is later waits."""
        later = known["time"] >= self.ends_s
        now = ~later
        if self._kept is not None:
            kept = self._kept[known["what"]]
            later, now = later & kept, now & kept
        self._waiting = taken(known, np.flatnonzero(later))
        return np.flatnonzero(now)


def _fitting_sessions(mix: Mix, told: NDArray[np.bool_]) -> int:
    """How many sessions a window plays of people who behave like the first of the mix."""
    by_topic = events_by_topic(mix.behaviours[0])
    wanted = sum(by_topic[topic] for topic in set(TOPIC_OF[told].tolist()))
    return min(_MOST_SESSIONS, int(_WINDOW_EVENTS / max(wanted, 1.0)))

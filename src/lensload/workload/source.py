"""A workload as a source of events: give it the times at which events are due, and it makes them."""

from collections.abc import Callable, Iterator
from copy import copy

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.topic_batch import TopicBatch
from lensload.workload.complaint import Complaint
from lensload.workload.lanes import Events, Lanes
from lensload.workload.model import Workload
from lensload.workload.rows import EventRows
from lensload.workload.topic_plan import plans

Owns = Callable[[TopicBatch], NDArray[np.bool_]]
"""Which events of a batch are wanted."""


class WorkloadSource:
    """Makes the events of some lanes.

    What an event holds is a pure function of the workload, its lane and its number there; ids depend on the run too, and
    ids and moments on when events are due.

    Args:
        workload: the workload.
        lanes: the lanes to make, each below 4096.
        run_tag: goes into every id, below 16384.
        topics: the topics to tell; the others happen, but are not told. None: all.

    Raises:
        UsageError: the workload does not fit its schemas, and was never checked by loading it.
    """

    def __init__(
        self,
        workload: Workload,
        lanes: tuple[int, ...],
        *,
        run_tag: int = 0,
        topics: tuple[str, ...] | None = None,
    ) -> None:
        self._workload = workload
        try:
            self._plans = list(plans(workload).values())
        except Complaint as complaint:
            raise complaint.error from complaint
        self._places = [
            place for place, topic in enumerate(workload.topics) if topics is None or topic.name in topics
        ]
        self._told = np.isin(np.arange(len(self._plans)), self._places)
        names = [topic.name for topic in workload.topics]
        self._parents = [
            -1 if topic.table.parent is None else names.index(topic.table.parent) for topic in workload.topics
        ]
        self._lanes = Lanes(workload, lanes)
        self._run_tag = run_tag
        none = np.zeros(0, dtype=np.int64)
        self._events, self._due_ns, self._next = Events(none, none, none, none, none), none, 0

    def beside(self, lanes: tuple[int, ...]) -> "WorkloadSource":
        """A source of the same events in other lanes, which shares with this one what is made once."""
        other = copy(self)
        other._lanes = Lanes(self._workload, lanes)  # noqa: SLF001  # of its own kind
        return other

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        none = np.zeros(0, dtype=np.int64)
        return tuple(self._plans[place].batch(self._rows(place, none)) for place in self._places)

    def events_at(self, due_ns: NDArray[np.int64], owns: Owns | None = None) -> Iterator[TopicBatch]:
        """The next `len(due_ns)` events, due at those times, as a batch a topic in causal order; each is made when asked for.

        Args:
            due_ns: never goes back, from call to call too.
            owns: which of the events are wanted, by batches that have no columns but keys; None: all. The others happen,
                but are not told.
        """
        if not len(due_ns):
            return iter(())
        due_ns = ids.on_the_grid(due_ns)
        told = self._told[self._events.topic[self._next :]]
        while np.count_nonzero(told) < len(due_ns):
            self._extend()
            told = self._told[self._events.topic[self._next :]]
        told = told[: int(np.flatnonzero(told)[len(due_ns) - 1]) + 1]
        first, end = self._next, self._next + len(told)
        # What is not told happens when the next event does that is.
        self._due_ns[first:end] = due_ns[np.cumsum(told) - told]
        self._next = end
        topic = self._events.topic[first:end]
        whiches = ((place, first + np.flatnonzero(topic == place)) for place in self._places)
        if owns is not None:
            whiches = (
                (place, which[owns(self._plans[place].keyed(self._rows(place, which)))])
                for place, which in whiches
            )
        rows = [(place, self._rows(place, which)) for place, which in whiches if len(which)]
        return (self._plans[place].batch(of_topic) for place, of_topic in rows)

    def advance(self, count: int | None = None) -> bool:  # noqa: ARG002 - of every source
        """Make events ahead: none can be, since an event is made for the time at which it is due."""
        return False

    def _extend(self) -> None:
        """Put the next events behind those that wait; of what is over, keep what the waiting ones follow."""
        events, more = self._events, self._lanes.window()
        roots = np.flatnonzero(events.parent[: self._next + 1] < 0)
        over = int(roots[-1]) if len(roots) else 0
        kept = len(events) - over
        self._events = Events(
            np.concatenate((events.topic[over:], more.topic)),
            np.concatenate((events.lane[over:], more.lane)),
            np.concatenate((events.number[over:], more.number)),
            np.concatenate(
                (
                    np.where(events.parent[over:] < 0, -1, events.parent[over:] - over),
                    np.where(more.parent < 0, -1, more.parent + kept),
                )
            ),
            np.concatenate((events.sibling[over:], more.sibling)),
        )
        self._due_ns = np.concatenate((self._due_ns[over:], np.zeros(len(more), dtype=np.int64)))
        self._next -= over

    def _rows(self, place: int, which: NDArray[np.int64]) -> EventRows:
        """The events at the given places, which are of the topic, with what they follow."""
        events, parent = self._events, self._parents[place]
        parents = None if parent < 0 else self._rows(parent, events.parent[which])
        return self._plans[place].events(
            events.number[which],
            self._due_ns[which],
            events.lane[which],
            self._run_tag,
            parents,
            siblings=events.sibling[which],
        )

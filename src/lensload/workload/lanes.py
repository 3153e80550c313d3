"""Lanes side by side: which event of which topic is next, and whose child it is.

A lane is an endless list of events that depends on the workload and the lane alone. It goes in turns: one event of a topic
without a parent, then what follows from that one. The topics of a lane's turns lie as their shares say, evenly: turn n takes the
topic in whose part of [0, 1) the n-th multiple of the golden ratio falls. All lanes have their n-th turn together.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.workload import counts
from lensload.workload.model import Workload
from lensload.world import rng

_GOLDEN: Final = (5**0.5 - 1) / 2
_WINDOW: Final = 4_096  # events, about: enough for NumPy to be worth its calls


@dataclass(frozen=True, slots=True)
class Events:
    """Some events in order; all arrays have one entry an event.

    Attributes:
        topic: the place of its topic in the workload.
        lane: its lane.
        number: which of its lane's events of its topic it is.
        parent: the place here of the event that it follows; -1 for none.
        sibling: which of the events of its topic that follow the same one it is, from 0.
    """

    topic: NDArray[np.int64]
    lane: NDArray[np.int64]
    number: NDArray[np.int64]
    parent: NDArray[np.int64]
    sibling: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.topic)


class Lanes:
    """The events of some lanes, in windows of as many turns of each.

    Args:
        workload: says which topics there are, how often, and what follows what.
        lanes: the lanes.
    """

    def __init__(self, workload: Workload, lanes: tuple[int, ...]) -> None:
        names = [topic.name for topic in workload.topics]
        tables = [topic.table for topic in workload.topics]
        self._lanes = np.sort(np.array(lanes, dtype=np.int64))
        self._roots = np.array([place for place, table in enumerate(tables) if table.parent is None])
        self._families = {
            child: (names.index(table.parent), counts.draw(table.children or (1, 1)))
            for child, table in enumerate(tables)
            if table.parent is not None
        }
        shares = np.array([workload.topics[place].share for place in self._roots])
        self._events_a_turn = 1 / shares.sum()
        self._ends = np.cumsum(shares / shares.sum())[:-1]
        seed = workload.file.seed
        self._begins = rng.uniform(rng.keys(rng.root(seed, "lanes"), self._lanes), 0)
        self._child_keys = {
            child: rng.keys(rng.root(seed, f"children.{names[child]}"), self._lanes)
            for child in self._families
        }
        self._counted = np.zeros((len(names), len(self._lanes)), dtype=np.int64)
        self._turn = 0

    def window(self) -> Events:
        """The next events: some turns of every lane, all of a turn before any of the next."""
        turns = max(1, int(_WINDOW / (len(self._lanes) * self._events_a_turn)))
        turn = np.repeat(np.arange(self._turn, self._turn + turns), len(self._lanes))
        place = np.tile(np.arange(len(self._lanes)), turns)
        self._turn += turns
        chance = (self._begins[place] + turn * _GOLDEN) % 1.0
        topic = self._roots[np.searchsorted(self._ends, chance, side="right")]
        return self._with_children(topic, place)

    def _with_children(self, topic: NDArray[np.int64], place: NDArray[np.int64]) -> Events:
        """The events with what follows each of them right behind it."""
        parent, number = np.full(len(topic), -1), self._numbered(topic, place)
        sibling = np.zeros(len(topic), dtype=np.int64)
        bounds = [0, len(topic)]  # of the generations: all events of a topic are in one
        while bounds[-1] > bounds[-2]:
            parents, topics, siblings = self._followers(bounds[-2], topic, place, number)
            topic, parent = np.concatenate((topic, topics)), np.concatenate((parent, parents))
            sibling = np.concatenate((sibling, siblings))
            place = np.concatenate((place, place[parents]))
            number = np.concatenate((number, self._numbered(topics, place[parents])))
            bounds.append(len(topic))
        position = _positions(parent, bounds)
        order = np.argsort(position)
        ordered = parent[order]
        parent = np.where(ordered < 0, -1, position[ordered])
        return Events(topic[order], self._lanes[place[order]], number[order], parent, sibling[order])

    def _followers(
        self, first: int, topic: NDArray[np.int64], place: NDArray[np.int64], number: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], ...]:
        """Of everything that follows the events from `first` on, in their order: parent, topic, and which of its siblings."""
        parents, topics, siblings = ([np.zeros(0, dtype=np.int64)] for _ in range(3))
        for child, (parent_topic, draw) in self._families.items():
            of = first + np.flatnonzero(topic[first:] == parent_topic)
            keys = rng.keys(self._child_keys[child][place[of]], number[of])
            followers = draw(rng.uniform(keys, 0))
            parents.append(np.repeat(of, followers))
            topics.append(np.full(int(followers.sum()), child))
            siblings.append(
                np.arange(len(topics[-1])) - np.repeat(np.cumsum(followers) - followers, followers)
            )
        every = np.concatenate(parents)
        order = np.argsort(every, kind="stable")
        return every[order], np.concatenate(topics)[order], np.concatenate(siblings)[order]

    def _numbered(self, topic: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count each lane's events of each topic, on from where they ended."""
        stream = topic * len(self._lanes) + place
        order = np.argsort(stream, kind="stable")
        counts = np.bincount(stream, minlength=self._counted.size)
        starts = np.cumsum(counts) - counts
        numbers = np.empty(len(stream), dtype=np.int64)
        numbers[order] = np.arange(len(stream)) + np.repeat(self._counted.ravel() - starts, counts)
        self._counted += counts.reshape(self._counted.shape)
        return numbers


def _positions(parent: NDArray[np.int64], bounds: list[int]) -> NDArray[np.int64]:
    """Where each event is, if what follows from one is right behind it, and what follows from that right behind that.

    Args:
        parent: of each event, generation after generation, each in the order of the one before.
        bounds: where the generations begin and end.
    """
    generations = [slice(first, end) for first, end in pairwise(bounds)]
    sizes = np.ones(len(parent), dtype=np.int64)
    for each in reversed(generations[1:]):
        np.add.at(sizes, parent[each], sizes[each])
    position = np.cumsum(sizes) - sizes
    for each in generations[1:]:
        before = np.cumsum(sizes[each]) - sizes[each]
        siblings = parent[each]
        # The first of the siblings is right behind the parent.
        first = np.searchsorted(siblings, siblings, side="left")
        position[each] = position[siblings] + 1 + before - before[first]
    return position

"""Rows: what values are made for, be they events, rows of a pool or items of a list. They say who draws, and when."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng

Value = TypeVar("Value")


class Rows:
    """Some events of a topic, rows of a pool, or items of lists; each of them has a key that all its draws come from.

    Args:
        keys: the key of each.
        numbers: which each is: an event by its sequence in its lane, a pool's row, an item by its place in its list.

    Attributes:
        outer: of items, the rows whose lists they are in; else None.
        owner: of items, the place in `outer` of each one's row.
    """

    def __init__(
        self,
        keys: rng.Keys,
        numbers: NDArray[np.int64],
        outer: "Rows | None" = None,
        owner: NDArray[np.int64] | None = None,
    ) -> None:
        self.keys, self.numbers = keys, numbers
        self.outer, self.owner = outer, owner
        self._made: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def event(self) -> "EventRows":
        """The event that each belongs to; of events, themselves."""
        if self.outer is None or self.owner is None:
            raise TypeError("rows of a pool belong to no event")
        owner = self.owner
        outer = self.outer
        return self.once("event", lambda: outer.event.picked(owner))

    def uniform(self, path_key: rng.Keys, draw: int = 0) -> NDArray[np.float64]:
        """Uniform in [0, 1): draw number `draw` of each row for what has that key."""
        return rng.uniform(self.keys ^ path_key, draw)

    def bits(self, path_key: rng.Keys, draw: int = 0) -> NDArray[np.uint64]:
        """64 random bits: draw number `draw` of each row for what has that key."""
        return rng.bits(self.keys ^ path_key, draw)

    def once(self, key: Any, make: Callable[[], Value]) -> Value:  # noqa: ANN401 - anything that can be looked up
        """What `make` gives, made at most once for these rows."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def picked(self, which: NDArray[np.integer[Any]]) -> "Rows":
        """The rows at the given places."""
        owner = None if self.owner is None else self.owner[which]
        return Rows(self.keys[which], self.numbers[which], self.outer, owner)

    def items(self, path_key: rng.Keys, counts: NDArray[np.int64]) -> "Rows":
        """The items of a list of each row, which has `counts` of them."""
        owner = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Rows(rng.keys((self.keys ^ path_key)[owner], place), place, self, owner)


class EventRows(Rows):
    """Events of a topic.

    Attributes:
        due_ns: when each is due.
        lanes: the lane of each.
        run_tag: goes into ids.
        parents: the event that each one follows; None where the topic has no parent.
        siblings: which of those that follow the same event each is, from 0.
    """

    def __init__(
        self,
        keys: rng.Keys,
        numbers: NDArray[np.int64],
        due_ns: NDArray[np.int64],
        lanes: NDArray[np.int64],
        run_tag: int,
        parents: "EventRows | None",
        *,
        siblings: NDArray[np.int64],
    ) -> None:
        super().__init__(keys, numbers)
        self.due_ns, self.lanes, self.run_tag = due_ns, lanes, run_tag
        self.parents, self.siblings = parents, siblings

    @property
    def event(self) -> "EventRows":
        """Themselves."""
        return self

    def picked(self, which: NDArray[np.integer[Any]]) -> "EventRows":
        """The events at the given places."""
        parents = None if self.parents is None else self.parents.picked(which)
        arrays = (self.keys[which], self.numbers[which], self.due_ns[which], self.lanes[which])
        return EventRows(*arrays, self.run_tag, parents, siblings=self.siblings[which])

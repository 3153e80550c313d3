"""Messages of several partitions in the order of their timestamps, in bounded memory.

A partition's own order is never changed: a message older than the one before it comes right behind it.
"""

import heapq
from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Place = TypeVar("Place", bound=Hashable)


class Merge(Generic[Place, Item]):
    """Takes what each partition has, and gives the oldest first.

    Nothing is given while a partition that still has something to come has nothing here: it may be older.

    Args:
        places: the partitions that have something to come.
        most: how many items of one partition to hold; `crowded` names those that have more.
    """

    def __init__(self, places: Iterable[Place], most: int) -> None:
        self._most = most
        self._queues: dict[Place, deque[tuple[int, Item]]] = {place: deque() for place in places}
        self._open = set(self._queues)
        self._empty = set(self._queues)
        self._heads: list[tuple[int, int, Place]] = []
        self._ranks = {place: rank for rank, place in enumerate(self._queues)}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def offer(self, place: Place, timestamp_ms: int, item: Item) -> None:
        """Take in the next message of a partition."""
        if place not in self._queues:
            self._ranks[place] = len(self._ranks)
            self._queues[place] = deque()
        queue = self._queues[place]
        if not queue:
            self._empty.discard(place)
            heapq.heappush(self._heads, (timestamp_ms, self._ranks[place], place))
        queue.append((timestamp_ms, item))

    def keep_open(self, places: Iterable[Place]) -> None:
        """Of all other partitions than these, nothing need be waited for any more."""
        ended = self._open.difference(places)
        self._open -= ended
        self._empty -= ended

    def next_ms(self) -> int | None:
        """The timestamp of the next message; None while it is not known which that is, or if there is none."""
        return None if self._empty or not self._heads else self._heads[0][0]

    def take_until(self, until_ms: int, at_most: int) -> list[Item]:
        """The messages that come next and whose timestamps are not after `until_ms`."""
        taken: list[Item] = []
        while len(taken) < at_most and (head_ms := self.next_ms()) is not None and head_ms <= until_ms:
            taken.append(self._pop())
        return taken

    def crowded(self) -> set[Place]:
        """The partitions of which enough is here, so that reading them can wait."""
        return {place for place, queue in self._queues.items() if len(queue) >= self._most}

    def roomy(self) -> set[Place]:
        """The partitions of which so little is left that reading them should go on."""
        return {place for place, queue in self._queues.items() if len(queue) <= self._most // 2}

    def _pop(self) -> Item:
        _, rank, place = heapq.heappop(self._heads)
        queue = self._queues[place]
        _, item = queue.popleft()
        if queue:
            heapq.heappush(self._heads, (queue[0][0], rank, place))
        elif place in self._open:
            self._empty.add(place)
        return item

"""Keeping an observer on all partitions of its share while partitions are added and leaders move."""

import time
from collections.abc import Iterator, Mapping

from lensload.errors import ClusterError
from lensload.kafka import partition_watch
from lensload.kafka.partition_watch import Partitions, PartitionWatch
from lensload.observer.observer import Observer


class Follower:
    """Tells an observer of new partitions and leaders.

    Args:
        observer: whom it tells.
        watch: says what there is.
        known: how many partitions each topic had when the observer took up its share.
        share: which share of how many it reads.
        min_in_sync: how many replicas must be in sync for acks=all, by topic.
        by_leader: whether latencies are told apart by broker.

    Attributes:
        answers: how often it has been told what there is, and has followed.
    """

    def __init__(
        self,
        observer: Observer,
        watch: PartitionWatch,
        known: Mapping[str, int],
        share: tuple[int, int],
        min_in_sync: Mapping[str, int],
        *,
        by_leader: bool,
    ) -> None:
        self._observer = observer
        self._watch = watch
        self._known = dict(known)
        self._index, self._count = share
        self._min_in_sync = min_in_sync
        self._by_leader = by_leader
        self._before: Partitions = {}
        self.answers = 0

    def look(self) -> list[str]:
        """Follow what has been answered, and ask again; gives what people should know, in sentences. Never waits."""
        return self._follow(self._watch.look())

    def look_now(self, timeout_s: float) -> list[str]:
        """The same of what is so now, waiting for the answer at most so long."""
        return self._follow(self._watch.look_now(timeout_s))

    def _follow(self, partitions: Partitions | None) -> list[str]:
        if partitions is None:
            return []
        if self._by_leader:
            self._observer.leaders.update(time.time_ns(), partition_watch.leaders(partitions))
        told = list(partition_watch.changes(self._before, partitions, self._min_in_sync))
        self._before = partitions
        added = list(self._added(partitions))
        if added:
            try:
                self._observer.take_up(added)
            except ClusterError as error:  # the next look tries again
                return [*told, error.message]
            self._known = {name: len(of_topic) for name, of_topic in partitions.items()}
        self.answers += 1
        return told if self._index == 0 else []

    def _added(self, partitions: Partitions) -> Iterator[tuple[str, int]]:
        """The new ones of its share, which is by their numbers."""
        for name, of_topic in partitions.items():
            for number in range(self._known.get(name, 0), len(of_topic)):
                if number % self._count == self._index:
                    yield name, number

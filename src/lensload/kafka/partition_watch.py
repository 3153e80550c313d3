"""Watching the partitions of a run's topics while it is on: who leads them, how many there are, what is in sync."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from lensload.metrics.leaders import NOBODY

_ASK_S: Final = 5.0
_EVERY_S: Final = 1.0
_PARTITIONS_A_SECOND: Final = 500  # that are asked for, at most: each costs the process some microseconds


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as the cluster describes it: its leader (NOBODY where it has none), and how many replicas are in sync."""

    leader: int
    in_sync: int


Partitions = Mapping[str, Sequence[Partition]]
"""The partitions of topics, by the topic's name in the cluster and their number."""


class PartitionWatch:
    """Asks for the partitions of topics without waiting: what has been answered is collected later.

    Any broker that is up answers. AdminClient.describe_topics would ask the controller alone: while that is down there is
    no answer, and librdkafka 2.16 may try to connect to it thousands of times a second, whatever its backoff.

    Args:
        settings: librdkafka's properties.
        names: the topics' names in the cluster.
    """

    def __init__(self, settings: Mapping[str, Any], names: Sequence[str]) -> None:
        # A topic that is deleted meanwhile must not come back because we ask for it.
        self._admin = AdminClient({**settings, "allow.auto.create.topics": False})
        self._names = list(names)
        self._answer: Future[Partitions] | None = None
        self._next_s = 0.0
        self._every_s = _EVERY_S

    def look(self) -> Partitions | None:
        """What has been answered since the last call, and ask again when it is time; None: nothing new.

        Never waits.
        """
        found = self._taken(self._answer) if self._answer and self._answer.done() else None
        if not self._answer and time.monotonic() >= self._next_s:
            self._ask(_ASK_S)
        return found

    def look_now(self, timeout_s: float) -> Partitions | None:
        """Ask, and wait for the answer at most so long; None: there was none."""
        answer = self._ask(timeout_s)
        wait([answer], timeout_s)
        return self._taken(answer)

    def _ask(self, timeout_s: float) -> Future[Partitions]:
        self._next_s = time.monotonic() + self._every_s
        self._answer = answer = Future[Partitions]()
        # A process that ends does not wait for this thread.
        Thread(target=self._fetch, args=(answer, timeout_s), name="partitions", daemon=True).start()
        return answer

    def _fetch(self, answer: Future[Partitions], timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        try:
            answer.set_result({name: self._partitions(name, deadline_s) for name in self._names})
        except KafkaException as error:
            answer.set_exception(error)

    def _partitions(self, name: str, deadline_s: float) -> list[Partition]:
        """In the order of their numbers."""
        topic = self._admin.list_topics(name, timeout=max(0.1, deadline_s - time.monotonic())).topics[name]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return [Partition(each.leader, len(each.isrs)) for _, each in sorted(topic.partitions.items())]

    def _taken(self, answer: Future[Partitions]) -> Partitions | None:
        self._answer = None
        if not answer.done() or answer.exception() is not None:
            return None
        found = answer.result()
        self._every_s = max(_EVERY_S, sum(map(len, found.values())) / _PARTITIONS_A_SECOND)
        return found


def leaders(partitions: Partitions) -> dict[str, list[int]]:
    """The leader of each partition, by topic."""
    return {name: [each.leader for each in of_topic] for name, of_topic in partitions.items()}


def changes(before: Partitions, now: Partitions, min_in_sync: Mapping[str, int]) -> Iterator[str]:
    """What a person should know of, in sentences.

    Args:
        before: the partitions as they were.
        now: as they are.
        min_in_sync: how many replicas must be in sync for acks=all, by topic; a topic that is missing needs none.
    """
    moves: Counter[tuple[int, int]] = Counter()
    for name, of_topic in now.items():
        earlier = before.get(name, ())
        moves.update(
            (was.leader, each.leader)
            for was, each in zip(earlier, of_topic, strict=False)
            if was.leader != each.leader
        )
        if earlier and len(of_topic) > len(earlier):
            yield f"{name} has {len(of_topic)} partitions now, {len(of_topic) - len(earlier)} more than before"
        yield from _shortage(name, earlier, of_topic, min_in_sync.get(name, 0))
    for (from_broker, to_broker), count in sorted(moves.items()):
        what = f"{count:,} partition{'s' if count > 1 else ''}"
        yield f"the leader of {what} is {_named(to_broker)} now, before it was {_named(from_broker)}"


def _shortage(name: str, before: Sequence[Partition], now: Sequence[Partition], least: int) -> Iterator[str]:
    """That too few replicas are in sync to take events with acks=all, and that there are enough again."""
    few, few_before = (sum(each.in_sync < least for each in them) for them in (now, before))
    if few and few != few_before:
        yield (
            f"{name}: {few} of {len(now)} partitions have fewer than {least} replicas in sync (min.insync.replicas), so"
            " the cluster refuses events with acks=all there; bring the brokers of their replicas back"
        )
    elif few_before and not few:
        yield f"{name}: enough replicas are in sync again"


def _named(broker: int) -> str:
    return "nobody" if broker == NOBODY else f"broker {broker}"

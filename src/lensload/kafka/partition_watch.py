"""Watching the partitions of a run's topics while it is on: who leads them, how many there are, what is in sync."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import TopicCollection
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

    Args:
        settings: librdkafka's properties.
        names: the topics' names in the cluster.
    """

    def __init__(self, settings: Mapping[str, Any], names: Sequence[str]) -> None:
        self._admin = AdminClient(dict(settings))
        self._names = list(names)
        self._answers: dict[str, Future[Any]] = {}
        self._next_s = 0.0
        self._every_s = _EVERY_S

    def look(self) -> Partitions | None:
        """What has been answered since the last call, and ask again when it is time; None: nothing new.

        Never waits.
        """
        found = None
        if self._answers and all(answer.done() for answer in self._answers.values()):
            found = self._taken()
        if not self._answers and time.monotonic() >= self._next_s:
            self._ask(_ASK_S)
        return found

    def look_now(self, timeout_s: float) -> Partitions | None:
        """Ask, and wait for the answer at most so long; None: there was none."""
        self._ask(timeout_s)
        wait(self._answers.values(), timeout_s)
        return self._taken()

    def _ask(self, timeout_s: float) -> None:
        self._next_s = time.monotonic() + self._every_s
        self._answers = self._admin.describe_topics(
            TopicCollection(self._names), request_timeout=max(0.1, timeout_s)
        )

    def _taken(self) -> Partitions | None:
        answers, self._answers = self._answers, {}
        if not all(answer.done() and answer.exception() is None for answer in answers.values()):
            return None
        found = {name: _partitions(answer.result()) for name, answer in answers.items()}
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


def _partitions(described: Any) -> list[Partition]:  # noqa: ANN401 - TopicDescription has no types
    """In the order of their numbers."""
    ordered = sorted(described.partitions, key=lambda each: each.id)
    return [
        Partition(NOBODY if each.leader is None else int(each.leader.id), len(each.isr)) for each in ordered
    ]

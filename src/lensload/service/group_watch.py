"""Watching consumer groups from the observer: what they have committed, who is in them, and how far they are behind."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka.admin import AdminClient

from lensload.service.offset_log import OffsetLog, Place

_ASK_S: Final = 5.0
_MOST_GROUPS: Final = 50
_REBALANCING: Final = ("PREPARING_REBALANCING", "COMPLETING_REBALANCING")

Sample = tuple[str, int, dict[str, tuple[int, float]], str, int, bool]
"""A group, when (Unix ns), its lag in records and seconds by topic, its state, its members, whether it rebalanced; state
"" where somebody else asks for it."""


class GroupWatch:
    """Asks for groups without waiting: what has been answered is collected a second later, with the time of the answer.

    Args:
        settings: librdkafka's properties.
        groups: the groups to watch.
        topics: the LENS topic of each topic's name in the cluster.
        places: the partitions to look at.
        describe: ask for states and members too; one observer of a run does.

    Attributes:
        log: is to be told of the events that are read from these partitions.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        groups: Sequence[str],
        topics: Mapping[str, str],
        places: Iterable[Place],
        *,
        describe: bool,
    ) -> None:
        self.log = OffsetLog()
        self._admin = AdminClient(dict(settings))
        self._groups = groups
        self._topics = topics
        self._places = frozenset(places)
        self._describe = describe
        self._answers: list[tuple[str, int, Future[Any]]] = []
        self._committed: dict[Place, dict[str, int]] = {}
        self._described: dict[str, tuple[str, int, bool]] = {}
        self._crews: dict[str, object] = {}

    def ask(self) -> None:
        """Send the questions of this second."""
        for group in self._groups:
            wanted = [ConsumerGroupTopicPartitions(group)]
            for answer in self._admin.list_consumer_group_offsets(wanted, request_timeout=_ASK_S).values():
                answer.add_done_callback(lambda done, name=group: self._note(name, done))
        if self._describe:
            answers = self._admin.describe_consumer_groups(list(self._groups), request_timeout=_ASK_S)
            for group, answer in answers.items():
                answer.add_done_callback(lambda done, name=group: self._note_description(name, done))

    def samples(self) -> list[Sample]:
        """What has been answered since the last call."""
        answers, self._answers = self._answers, []
        found = [self._sample(*answer) for answer in answers if answer[2].exception() is None]
        for place, committed in self._committed.items():
            self.log.forget(place, min(committed.values()))
        return found

    def _note(self, group: str, answer: "Future[Any]") -> None:
        self._answers.append((group, time.time_ns(), answer))  # in the client's thread: nothing else here

    def _note_description(self, group: str, answer: "Future[Any]") -> None:
        if answer.exception() is not None:
            return
        found = answer.result()
        crew = sorted(
            (member.member_id, sorted((p.topic, p.partition) for p in member.assignment.topic_partitions))
            for member in found.members
        )
        before = self._crews.get(group)
        moved = found.state.name in _REBALANCING or (before is not None and before != crew)
        self._crews[group] = crew
        self._described[group] = (found.state.name, len(crew), moved)

    def _sample(self, group: str, at_ns: int, answer: "Future[Any]") -> Sample:
        lags: dict[str, tuple[int, float]] = {}
        for each in answer.result().topic_partitions:
            place = (each.topic, each.partition)
            if place not in self._places or each.offset < 0:
                continue
            self._committed.setdefault(place, {})[group] = each.offset
            records, seconds = self.log.lag(place, each.offset, at_ns)
            topic = self._topics[each.topic]
            before = lags.get(topic, (0, 0.0))
            lags[topic] = before[0] + records, max(before[1], seconds)
        return group, at_ns, lags, *self._described.get(group, ("", 0, False))


def readers_of(settings: Mapping[str, Any], topic: str) -> str:
    """Which groups have committed offsets on a topic, in a sentence; never raises."""
    admin = AdminClient(dict(settings))
    try:
        groups = [each.group_id for each in admin.list_consumer_groups(request_timeout=_ASK_S).result().valid]
        reading = [group for group in groups[:_MOST_GROUPS] if _reads(admin, group, topic)]
    except KafkaException as error:
        return f"Which consumer groups read {topic} cannot be told: {error.args[0].str()}."
    if not reading:
        return f"No consumer group has committed an offset on {topic}: the service does not read it, or not in a group."
    states = admin.describe_consumer_groups(reading, request_timeout=_ASK_S)
    told = (
        f"{name} ({each.result().state.name.lower()}, {len(each.result().members)} members)"
        for name, each in states.items()
    )
    return f"Consumer groups that read {topic}: {', '.join(told)}."


def _reads(admin: AdminClient, group: str, topic: str) -> bool:
    (answer,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return any(each.topic == topic and each.offset >= 0 for each in answer.result().topic_partitions)

"""The topics that a cluster has: their partitions, offsets and settings."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,  # pyright: ignore[reportPrivateImportUsage]
    ConfigEntry,  # pyright: ignore[reportPrivateImportUsage]
    ConfigResource,  # pyright: ignore[reportPrivateImportUsage]
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]
    ResourceType,  # pyright: ignore[reportPrivateImportUsage]
)

from lensload.errors import ClusterError
from lensload.kafka.reading import Place

Answer = TypeVar("Answer")

_ASK_S: Final = 15.0
_GONE_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.1


class TopicAdmin:
    """A cluster's topics, through the admin client.

    Every method raises ClusterError where the cluster does not answer or refuses.

    Args:
        settings: librdkafka's properties.

    Attributes:
        unseen: the topics whose settings these credentials may not see.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.unseen: set[str] = set()
        self._admin = AdminClient(dict(settings))

    def all(self) -> dict[str, Any]:
        """The metadata of every topic, by name."""
        # Of all: to ask for one that is missing creates it on clusters that are set up so.
        return dict(self._asked("topics", lambda: self._admin.list_topics(timeout=_ASK_S)).topics)

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many partitions those of the topics have that exist."""
        every = self.all()
        return {name: len(every[name].partitions) for name in names if name in every}

    def ranges(self, counts: Mapping[str, int]) -> dict[Place, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last."""
        low, high = self._offsets(counts, OffsetSpec.earliest()), self._offsets(counts, OffsetSpec.latest())
        return {place: (low[place], high[place]) for place in low}

    def still_ranges(self, counts: Mapping[str, int], still_s: float = 1.0) -> dict[Place, tuple[int, int]]:
        """The same, once nothing has been added for a while: what a dead process has sent may still arrive."""
        earlier, ranges = None, self.ranges(counts)
        while ranges != earlier:
            time.sleep(still_s)
            earlier, ranges = ranges, self.ranges(counts)
        return ranges

    def settings(self, name: str) -> dict[str, str]:
        """The topic's settings; none where these credentials may not see them (`unseen` tells which)."""
        resource = ConfigResource(ResourceType.TOPIC, name)
        try:
            answer = self._admin.describe_configs([resource], request_timeout=_ASK_S)[resource]
            return {key: str(entry.value) for key, entry in answer.result(_ASK_S).items()}
        except KafkaException as error:
            if "AUTHORIZATION" in error.args[0].name():
                self.unseen.add(name)
                return {}
            raise _refusal(f"the settings of {name}", error) from error

    def change(self, name: str, wanted: Mapping[str, str]) -> None:
        """Give the topic these settings, and leave the others."""
        change = AlterConfigOpType.SET
        entries = [ConfigEntry(*each, incremental_operation=change) for each in wanted.items()]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        self._asked(
            f"new settings of {name}",
            lambda: self._admin.incremental_alter_configs([resource])[resource].result(_ASK_S),
        )

    def delete(self, names: Sequence[str]) -> None:
        """Delete the topics, and return when they are gone."""
        if not names:
            return
        for name, future in self._admin.delete_topics(list(names), operation_timeout=_ASK_S).items():
            self._asked(f"deleting {name}", lambda future=future: future.result(_ASK_S))
        deadline_s = time.monotonic() + _GONE_S
        while left := self.counts(names):
            if time.monotonic() > deadline_s:
                raise ClusterError(
                    f"These topics do not go away: {', '.join(left)}.", "Look into the brokers' logs."
                )
            time.sleep(_LOOK_AGAIN_S)

    def _offsets(self, counts: Mapping[str, int], spec: OffsetSpec | None) -> dict[Place, int]:
        questions: Any = {
            TopicPartition(name, number): spec for name, count in counts.items() for number in range(count)
        }
        answers = self._admin.list_offsets(questions, request_timeout=_ASK_S)
        return {
            (place.topic, place.partition): int(
                self._asked("offsets", lambda future=future: future.result(_ASK_S)).offset
            )
            for place, future in answers.items()
        }

    def _asked(self, what: str, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except (KafkaException, TimeoutError) as error:
            raise _refusal(what, error) from error


def _refusal(what: str, error: BaseException) -> ClusterError:
    reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
    return ClusterError(
        f"The cluster did not answer about {what}: {reason}.",
        "Check that all brokers are up, and what these credentials may do.",
    )

"""The topics to be seeded: what they hold, and whether their settings would let it stay."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

Place = tuple[str, int]
Answer = TypeVar("Answer")

KEPT_FOR_GOOD: Final = {"retention.ms": "-1", "cleanup.policy": "delete"}
"""What topics that a seed creates are created with."""

_ASK_S: Final = 15.0
_GONE_S: Final = 30.0
_LOOK_AGAIN_S: Final = 0.1
_LONGEST: Final = str(2**63 - 1)
_SLACK_MS: Final = 3_600_000  # what is just old enough to be deleted would be so while somebody looks at it


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A setting of a topic under which what is seeded would not stay as it was sent.

    Attributes:
        key: the setting.
        value: what it is.
        wanted: what it would have to be.
        effect: what it would do, a sentence's end.
    """

    key: str
    value: str
    wanted: str
    effect: str


class Topics:
    """The cluster's topics, for a seed.

    Every method raises ClusterError where the cluster does not answer or refuses.

    Args:
        settings: librdkafka's properties.

    Attributes:
        unseen: the topics whose settings these credentials may not see.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.unseen: set[str] = set()
        self._admin = AdminClient(dict(settings))

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """How many partitions those of the topics have that exist."""
        found = self._asked("topics", lambda: self._admin.list_topics(timeout=_ASK_S)).topics
        return {name: len(found[name].partitions) for name in names if name in found}

    def ranges(self, counts: Mapping[str, int]) -> dict[Place, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last."""
        low, high = self._offsets(counts, OffsetSpec.earliest()), self._offsets(counts, OffsetSpec.latest())
        return {place: (low[place], high[place]) for place in low}

    def still_ranges(self, counts: Mapping[str, int], still_s: float = 1.0) -> dict[Place, tuple[int, int]]:
        """The same, once nothing has been added for a while: what a dead process has sent may still arrive."""
        found = self.ranges(counts)
        while True:
            time.sleep(still_s)
            again = self.ranges(counts)
            if again == found:
                return again
            found = again

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
        entries = [
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in wanted.items()
        ]
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
                    f"These topics do not go away: {', '.join(left)}.", "See the brokers' logs."
                )
            time.sleep(_LOOK_AGAIN_S)

    def _offsets(self, counts: Mapping[str, int], spec: OffsetSpec | None) -> dict[Place, int]:
        asked: Any = {
            TopicPartition(name, number): spec for name, count in counts.items() for number in range(count)
        }
        answers = self._admin.list_offsets(asked, request_timeout=_ASK_S)
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


def obstacles(
    settings: Mapping[str, str], *, now_ms: int, start_ms: int, until_ms: int, partition_bytes: int
) -> list[Obstacle]:
    """What of a topic's settings would delete, refuse or change what is seeded.

    Args:
        settings: all of the topic's.
        now_ms: Unix ms.
        start_ms: when the history begins.
        until_ms: when it ends.
        partition_bytes: about how many bytes go into its fullest partition.
    """
    found: list[Obstacle] = []

    def look(key: str, wanted: str, effect: str, *, bad: bool) -> None:
        if bad:
            found.append(Obstacle(key, settings[key], wanted, effect))

    def number(key: str) -> int:
        return int(settings.get(key, -1))

    age_ms = now_ms - start_ms
    effect = "would delete the older part"
    retention_ms, retention_bytes = number("retention.ms"), number("retention.bytes")
    look("retention.ms", "-1", effect, bad=0 <= retention_ms < age_ms + _SLACK_MS)
    look("retention.bytes", "-1", effect, bad=0 <= retention_bytes < 1.2 * partition_bytes)
    compact = "compact" in settings.get("cleanup.policy", "")
    look("cleanup.policy", "delete", "would keep no more than the last event of each key", bad=compact)
    stamped = settings.get("message.timestamp.type") == "LogAppendTime"
    look(
        "message.timestamp.type", "CreateTime", "would stamp everything with the time of seeding", bad=stamped
    )
    before = "message.timestamp.before.max.ms"
    look(before, _LONGEST, "would refuse what is older", bad=0 <= number(before) < age_ms + _SLACK_MS)
    after = "message.timestamp.after.max.ms"
    look(after, _LONGEST, "would refuse what is newer", bad=0 <= number(after) < until_ms - now_ms)
    return found


def _refusal(what: str, error: BaseException) -> ClusterError:
    reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer"
    return ClusterError(
        f"The cluster gives no {what}: {reason}.",
        "See whether all brokers are up, and what these credentials may do.",
    )

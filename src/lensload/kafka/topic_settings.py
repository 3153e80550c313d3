"""What of a topic's settings would not let history, seeded or replayed, stay as it was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KEPT_FOR_GOOD: Final = {"retention.ms": "-1", "cleanup.policy": "delete"}
"""What topics for history are created with."""

_LONGEST: Final = str(2**63 - 1)
_SLACK_MS: Final = 3_600_000  # what is just old enough to be deleted would be so while somebody looks at it


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A setting of a topic under which history would not stay as it was sent.

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


def obstacles(
    settings: Mapping[str, str], *, now_ms: int, start_ms: int, until_ms: int, partition_bytes: int
) -> list[Obstacle]:
    """What of a topic's settings would delete, refuse or change history.

    Args:
        settings: all of the topic's.
        now_ms: Unix ms.
        start_ms: when the history begins.
        until_ms: when it ends.
        partition_bytes: about how many bytes go into its fullest partition.
    """
    in_the_way: list[Obstacle] = []

    def look(key: str, wanted: str, effect: str, *, bad: bool) -> None:
        if bad:
            in_the_way.append(Obstacle(key, settings[key], wanted, effect))

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
        "message.timestamp.type", "CreateTime", "would stamp everything with the time of writing", bad=stamped
    )
    before = "message.timestamp.before.max.ms"
    look(before, _LONGEST, "would refuse what is older", bad=0 <= number(before) < age_ms + _SLACK_MS)
    after = "message.timestamp.after.max.ms"
    look(after, _LONGEST, "would refuse what is newer", bad=0 <= number(after) < until_ms - now_ms)
    return in_the_way

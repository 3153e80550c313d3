"""What was realised: exact counts of what was seeded."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from lensload.world.batch import TopicBatch


class Realised:
    """Counts the events of batches."""

    def __init__(self) -> None:
        self._events: Counter[str] = Counter()

    def take(self, batch: TopicBatch) -> None:
        """Count these too."""
        self._events[batch.topic] += len(batch)

    def as_dict(self) -> dict[str, Any]:
        """The counts, fit for JSON and msgpack."""
        return {"events": dict(self._events)}


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of several, together."""
    events: Counter[str] = Counter()
    for part in parts:
        events.update(part["events"])
    return {"events": dict(events)}

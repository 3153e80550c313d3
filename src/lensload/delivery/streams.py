"""How the events of a run are numbered in its accounts: those of one topic in one lane are a stream."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lensload.delivery.tracker import MOST_TOPICS
from lensload.errors import UsageError
from lensload.schema.definitions import TOPIC_NAMES


@dataclass(frozen=True, slots=True)
class Streams:
    """The numbers of the streams of a run, the same in all its processes.

    Attributes:
        topics: every topic that the source of the events has, in its order, whether the run writes it or not.
    """

    topics: tuple[str, ...] = TOPIC_NAMES

    @classmethod
    def of(cls, topics: tuple[str, ...]) -> Self:
        """The streams of these topics.

        Raises:
            UsageError: they are more than the accounts have places for.
        """
        if len(topics) > MOST_TOPICS:
            raise UsageError(
                f"There are {len(topics)} topics; a run has {MOST_TOPICS} at most.",
                "Take some away, or spread them over several runs beside each other.",
            )
        return cls(topics)

    def number(self, topic: str) -> int:
        """The number of a topic."""
        return self.topics.index(topic)

    def numbers(self, lanes: NDArray[np.int64], topics: NDArray[np.integer[Any]] | int) -> NDArray[np.int64]:
        """The stream of each event, by its lane and its topic's number."""
        return lanes * len(self.topics) + topics

    def topic(self, stream: int) -> str:
        """The topic of a stream."""
        return self.topics[stream % len(self.topics)]


LENS = Streams()
"""Those of LENS's own topics."""

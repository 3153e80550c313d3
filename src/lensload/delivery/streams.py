"""How the events of a run are told from their bytes, and numbered in its accounts: those of one topic in one lane are a stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lensload.delivery.tracker import MOST_TOPICS
from lensload.encoding import wire
from lensload.encoding.stopwatch import HeadReader
from lensload.errors import UsageError
from lensload.schema.definitions import TOPIC_NAMES


@dataclass(frozen=True, slots=True)
class Streams:
    """The numbers of the streams of a run, the same in all its processes.

    Attributes:
        topics: every topic that the source of the events has, in its order, whether the run writes it or not.
        readers: what reads the ids of each topic; a topic without one has LENS's way.
        id_headers: the record header that holds the ids, by topic; those of the others are in their values.
    """

    topics: tuple[str, ...] = TOPIC_NAMES
    readers: Mapping[str, HeadReader] = field(default_factory=dict[str, HeadReader])
    id_headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(
        cls,
        topics: tuple[str, ...],
        readers: Mapping[str, HeadReader] | None = None,
        id_headers: Mapping[str, str] | None = None,
    ) -> Self:
        """The streams of these topics, what reads their ids, and the headers that these are in.

        Raises:
            UsageError: they are more than the accounts have places for.
        """
        if len(topics) > MOST_TOPICS:
            raise UsageError(
                f"There are {len(topics)} topics; a run has {MOST_TOPICS} at most.",
                "Take some away, or spread them over several runs beside each other.",
            )
        return cls(topics, readers or {}, id_headers or {})

    def number(self, topic: str) -> int:
        """The number of a topic."""
        return self.topics.index(topic)

    def numbers(self, lanes: NDArray[np.int64], topics: NDArray[np.integer[Any]] | int) -> NDArray[np.int64]:
        """The stream of each event, by its lane and its topic's number."""
        return lanes * len(self.topics) + topics

    def topic(self, stream: int) -> str:
        """The topic of a stream."""
        return self.topics[stream % len(self.topics)]

    def holder(self, topic: str, value: bytes, headers: Mapping[str, bytes]) -> bytes:
        """What holds the id of a record: the header that its topic's ids are in, empty where it has none, or its value."""
        return headers.get(self.id_headers[topic], b"") if topic in self.id_headers else value

    def heads(self, topic: str, holders: Sequence[bytes]) -> wire.Heads:
        """What the ids of a topic's records say, by what holds them."""
        return self.readers.get(topic, wire.Heads.of)(holders)

    def heads_of_all(
        self, topics: Sequence[str], places: NDArray[np.int64], holders: Sequence[bytes]
    ) -> wire.Heads:
        """The same of records of several topics, each by its topic's place in `topics`."""
        if not self.readers:
            return wire.Heads.of(holders)
        present = np.unique(places).tolist() or [0]
        parts = [np.flatnonzero(places == place) for place in present]
        read = [
            self.heads(topics[place], [holders[each] for each in which.tolist()])
            for place, which in zip(present, parts, strict=True)
        ]
        return wire.joined(read, np.argsort(np.concatenate(parts)))


LENS = Streams()
"""Those of LENS's own topics."""

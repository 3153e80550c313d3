"""Reading partitions live: from their present ends on, by a consumer of one's own that commits nothing."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, Message, TopicPartition

from lensload.errors import ClusterError
from lensload.kafka.client_errors import Troubles
from lensload.kafka.reading import Place, offsets

_MOST_AT_ONCE: Final = 5_000
_PROOF_S: Final = 10.0
_PROOF_STEP_S: Final = 0.02
_ASK_S: Final = 5.0


class LiveReader:
    """Reads partitions from their present end on.

    Attributes:
        troubles: what the client has complained of, and the errors that came in place of records.

    Args:
        settings: librdkafka's properties, as `consumer_settings` gives them.
        partitions: which partitions to read, by topic's name in the cluster.
        group: the name of the consumer group, which nobody else is in.
    """

    def __init__(
        self, settings: Mapping[str, Any], partitions: Mapping[str, Iterable[int]], group: str
    ) -> None:
        self.troubles = Troubles()
        self._places: list[Place] = [(name, number) for name, them in partitions.items() for number in them]
        self._consumer = Consumer(
            {**settings, "group.id": group, "enable.auto.commit": False, "error_cb": self.troubles}
        )

    def assign(self) -> dict[Place, int]:
        """Take up the partitions at their present ends, which are returned.

        Raises:
            ClusterError: a partition does not tell its end, or not in time.
        """
        starts = self.ends()
        self._consumer.assign([TopicPartition(*place, starts[place]) for place in self._places])
        return starts

    def take_up(self, places: Iterable[Place]) -> dict[Place, int]:
        """Read more partitions, which did not exist before, from their beginnings on; their present ends are returned.

        Raises:
            ClusterError: a partition does not tell its end, or not in time; none is taken up.
        """
        added = list(places)
        ends = offsets(self._consumer, added, OFFSET_END, _ASK_S)
        self._consumer.incremental_assign([TopicPartition(*place, OFFSET_BEGINNING) for place in added])
        self._places += added
        return ends

    def await_answers(self, read: Callable[[float], object]) -> None:
        """Have `read`, which calls `fetch` with the timeout that it is given, called until each partition has answered one.

        Raises:
            ClusterError: a partition does not answer within 10 s.
        """
        silent = self._places
        deadline_s = time.monotonic() + _PROOF_S
        while silent:
            read(_PROOF_STEP_S)
            silent = [place for place in silent if not self._has_answered(place)]
            if silent and time.monotonic() > deadline_s:
                topic, partition = min(silent)
                raise ClusterError(
                    f"Partition {partition} of {topic} cannot be read: no answer to a fetch within {_PROOF_S:.0f} s.",
                    "Check that the broker that leads it is up and lets these credentials read.",
                )

    def fetch(self, timeout_s: float, at_most: int = _MOST_AT_ONCE) -> tuple[list[Message], int]:
        """The records that have come, waiting so long for the first of them; and when that was, Unix nanoseconds."""
        # poll() for the first, consume() for the rest: consume(n, t) alone waits for n to come.
        first = self._consumer.poll(timeout_s)
        messages = [] if first is None else [first, *self._consumer.consume(at_most - 1, 0)]
        now_ns = time.time_ns()
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            for error in filter(None, map(Message.error, messages)):
                self.troubles(error)
        return records, now_ns

    def ends(self, timeout_s: float = _ASK_S) -> dict[Place, int]:
        """The present end of every partition.

        Raises:
            ClusterError: a partition does not tell its end, or not in time.
        """
        return offsets(self._consumer, self._places, OFFSET_END, timeout_s)

    def close(self) -> None:
        """Leave the cluster."""
        self._consumer.close()

    def _has_answered(self, place: Place) -> bool:
        # The end that a fetch told is known without asking; the end-of-partition event would wake us for each batch.
        return self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)[1] >= 0

"""Producing what is replayed into another topic: bytes, key, headers and timestamp as they were."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from lensload.errors import ClusterError
from lensload.ids import NS_PER_MS
from lensload.kafka.producing import produce, producer_settings, refusing_contradictions
from lensload.kafka.topic_settings import obstacles
from lensload.metrics.histogram import Histogram
from lensload.replay.batch import UNLIMITED, Batch, Kind

_FLUSH_S: Final = 30.0


class Forward:
    """Produces good messages and tombstones into a topic, in the order in which they come.

    A message keeps its partition's number where both topics have as many partitions; otherwise its key decides,
    by murmur2, as Java producers do.

    Args:
        settings: librdkafka's properties.
        into: the topic's name in the cluster.
        partitions: how many partitions it has.
        partition_counts: how many each replayed topic has, in the order in which batches number them.
        topic_settings: of the topic; empty where they are not known.
        tell: takes a sentence for each of them under which what is written would not stay, before it is sent.

    Attributes:
        sent: messages handed to the client.
        lateness: how long after they were due, where they were due at a time.
    """

    wants = UNLIMITED

    def __init__(
        self,
        settings: Mapping[str, Any],
        into: str,
        partitions: int,
        partition_counts: Mapping[str, int],
        topic_settings: Mapping[str, str],
        tell: Callable[[str], object],
    ) -> None:
        self.sent = 0
        self.lateness = Histogram()
        self._acked = 0
        self._failed: Counter[str] = Counter()
        self._into = into
        self._topic_settings, self._tell = topic_settings, tell
        self._oldest_ms = self._newest_ms = time.time_ns() // NS_PER_MS
        self._told: set[str] = set()
        self._looked = False
        self._keeps = np.array([count == partitions for count in partition_counts.values()])
        own = producer_settings(settings, {"linger.ms": 5})
        with refusing_contradictions():
            self._producer = Producer({**own, "on_delivery": self._delivered})

    def write(self, batch: Batch, records: dict[int, Any]) -> None:  # noqa: ARG002 - bytes go as they are
        """Produce the messages of a batch that has been judged."""
        places = np.flatnonzero(batch.kind <= Kind.TOMBSTONE).tolist()
        if places:
            self._look_at_times([batch.messages[place].timestamp()[1] for place in places])
        for place in places:
            kept = int(batch.partition[place]) if self._keeps[batch.topic[place]] else -1
            self._produce(batch.messages[place], batch.values[place], kept)
        self._producer.poll(0)

    def late(self, due_ns: list[int]) -> None:
        """Enter how late messages were that have just been taken."""
        self.lateness.record(time.time_ns() - np.array(due_ns, dtype=np.int64))

    def flush(self) -> None:
        """Wait until the cluster has all that was sent.

        Raises:
            ClusterError: it did not take everything; says how much, and why.
        """
        left = self._producer.flush(_FLUSH_S)
        if left:
            self._failed[f"no answer within {_FLUSH_S:.0f} s"] += left
        if self._failed:
            reasons = ", ".join(f"{count:,} x {reason}" for reason, count in self._failed.most_common(3))
            raise ClusterError(
                f"{self._failed.total():,} of {self.sent:,} messages did not get into {self._into}: {reasons}.",
                "Check that these credentials may write it and that its max.message.bytes is large enough.",
            )

    def close(self) -> None:
        """The same as `flush`."""
        self.flush()

    def _look_at_times(self, times_ms: list[int]) -> None:
        """Tell what would not let messages of these times stay, once for each setting."""
        oldest, newest = min(times_ms), max(times_ms)
        if self._looked and oldest >= self._oldest_ms and newest <= self._newest_ms:
            return
        self._looked = True
        self._oldest_ms, self._newest_ms = min(oldest, self._oldest_ms), max(newest, self._newest_ms)
        for each in obstacles(
            self._topic_settings,
            now_ms=time.time_ns() // NS_PER_MS,
            start_ms=self._oldest_ms,
            until_ms=self._newest_ms,
            partition_bytes=0,
        ):
            if each.key not in self._told:
                self._told.add(each.key)
                self._tell(
                    f"{self._into}: {each.key} is {each.value}, which {each.effect}; it would have to be {each.wanted}."
                )

    def _produce(self, message: Message, value: bytes | None, partition: int) -> None:
        kind, timestamp_ms = message.timestamp()
        details: dict[str, Any] = {"timestamp": timestamp_ms if kind else 0, "headers": message.headers()}
        if partition >= 0:
            details["partition"] = partition
        self.sent += 1
        try:
            produce(self._producer, self._into, value, message.key(), details)
        except KafkaException as error:
            self._failed[error.args[0].str()] += 1

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._failed[error.str()] += 1

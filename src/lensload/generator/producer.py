"""Producing on schedule: what is due is handed to librdkafka, what comes back is counted and timed.

The schedule alone decides when an event is due. A slow broker, a full queue or a late tick never moves a due
time; they show as schedule lag and ack latency, both from the due time.
"""

import time
from collections import deque
from collections.abc import Callable
from itertools import repeat
from operator import length_hint
from typing import Any, Final

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from numpy.typing import NDArray

from lensload.delivery.sent import Dispatches
from lensload.encoding import wire
from lensload.encoding.encoders import Encoded
from lensload.kafka.cluster import Troubles
from lensload.metrics.librdkafka import INTERVAL_MS, ProducerStatistics
from lensload.metrics.stats import Tally

_CHUNK: Final = 250  # events between two looks at the clock: a quarter of a millisecond at full speed
_MOST_AT_ONCE: Final = 2_000  # events a call of pump() produces, so that its caller can see to other things
# Settling is done in portions: all of a second's at once would keep what is due waiting for 20 ms.
_FEWEST_TO_SETTLE: Final = 2_000  # acknowledgements
_MOST_LAGS: Final = 64  # chunks of a topic
_FULL_QUEUE_WAIT_S: Final = 0.001
_SILENT_NS: Final = 3_000_000_000
_PURGE_S: Final = 5.0  # purging is the client's own doing, and quick
_PURGED: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001  # public, whatever their names


class PacedProducer:
    """Produces encoded events when they are due, and accounts for each.

    Whatever it finds goes into the tally: counts `produced`, `acked`, `failed` and `unflushed` by topic, errors by their
    text, totals `bytes`, `queue_full` and `producer_troubles`, the stages `schedule_lag` and `ack`, and librdkafka's own. Events due before
    `measure_from_ns` are warm-up: counted as `warmup_produced`, `warmup_acked`, `warmup_failed` only.
    Which events they are goes into `dispatches`.

    Attributes:
        measure_from_ns: when measuring begins, Unix ns.
        produced: how many events were handed to librdkafka so far, warm-up included.
        last_ns: when the last of them was, Unix ns; 0 before the first.
        dispatches: which events were sent, and which of them failed.

    Args:
        settings: librdkafka's properties.
        names: the name in the cluster of each topic.
        topics_by_schema: the topic of each schema id, by which delivery reports are told apart.
        tally: where to account.
    """

    def __init__(
        self, settings: dict[str, Any], names: dict[str, str], topics_by_schema: dict[int, str], tally: Tally
    ) -> None:
        self.measure_from_ns = 0
        self.produced = 0
        self.last_ns = 0
        self.dispatches = Dispatches()
        self._troubles = Troubles()
        self._heard_ns = time.time_ns()
        self._silent_ns = _SILENT_NS + int(float(settings.get("linger.ms", 5)) * 1e6)
        self._silent = False
        self._names = names
        self._topics_by_schema = topics_by_schema
        self._topics_by_name = {name: topic for topic, name in names.items()}
        self._tally = tally
        self._queues: dict[str, deque[_Cursor]] = {topic: deque() for topic in names}
        self._acked: list[bytes] = []
        self._ack_stamps: list[tuple[int, int]] = []  # (how many were acked by then, when)
        self._refused: list[tuple[KafkaError, str, bytes]] = []
        self._lags: dict[str, list[NDArray[np.int64]]] = {topic: [] for topic in names}
        self._statistics = ProducerStatistics(tally)
        own = {
            "on_delivery": self._on_delivery(),
            "error_cb": self._troubles,
            "stats_cb": self._note_statistics,
            "statistics.interval.ms": INTERVAL_MS,
        }
        self._producer = Producer({**settings, **own})

    def __len__(self) -> int:
        """How many events librdkafka holds that are neither acked nor failed."""
        return len(self._producer)

    def offer(self, encoded: Encoded) -> None:
        """Take events in, to be produced when each is due; a topic's due times never go back."""
        self._queues[encoded.topic].append(_Cursor(encoded))

    def next_due_ns(self) -> int | None:
        """When the next event is due; None when none is waiting."""
        heads = [queue[0].due_ns for queue in self._queues.values() if queue]
        return min(heads, default=None)

    def pump(self, now_ns: int) -> int:
        """Produce what is due by `now_ns`, topic by topic in causal order; gives how many, 2,000 at most.

        Delivery reports are served on the way.
        """
        done = 0
        for topic, queue in self._queues.items():
            while queue and done < _MOST_AT_ONCE:
                cursor = queue[0]
                count = min(cursor.due_by(now_ns), _CHUNK)
                if not count:
                    break
                self._produce(topic, cursor, count)
                done += count
                if cursor.at_end:
                    queue.popleft()
        return done

    def wait(self, timeout_s: float) -> None:
        """Serve delivery reports, waiting for one at most so long."""
        # librdkafka waits in whole milliseconds; a shorter wait would spin.
        whole_ms = int(timeout_s * 1000)
        if not whole_ms and timeout_s > 0:
            time.sleep(timeout_s)
        self._serve(whole_ms / 1000)

    def flush(self, timeout_s: float) -> int:
        """Wait for what is under way; gives how many events are still without an answer."""
        left = self._producer.flush(timeout_s)
        self._stamp()
        return left

    def give_up(self) -> int:
        """Wait no longer for what is under way: its fate stays unknown, and is counted as `unflushed`.

        Returns:
            How many events that are.
        """
        self.settle()
        left = len(self._producer)
        self._producer.purge()
        self._producer.flush(_PURGE_S)
        self._stamp()
        self.settle()
        return left

    def settle(self) -> None:
        """Bring all that has come back into the tally; do so now and then, and before taking it."""
        for topic in self._lags:
            self._settle_lags(topic)
        self._settle_acked()
        self._settle_refused()

    def _settle_lags(self, topic: str) -> None:
        lags = self._lags[topic]
        if lags:
            self._tally.record("schedule_lag", topic, np.concatenate(lags))
            lags.clear()

    def waiting(self, after_ns: int = 0) -> int:
        """How many events were offered and never produced, of those due after a moment."""
        cursors = [cursor for queue in self._queues.values() for cursor in queue]
        return sum(len(cursor) - max(0, cursor.due_by(after_ns)) for cursor in cursors)

    def take_notices(self) -> list[str]:
        """What went wrong since the last call, as sentences, each once."""
        troubles = self._troubles.take()
        self._tally.add_total("producer_troubles", len(troubles))
        return [*troubles, *self._silence()]

    def _note_statistics(self, text: str) -> None:
        """Enter librdkafka's window of the last second, if all of it was measured."""
        if self.measure_from_ns and time.time_ns() >= self.measure_from_ns + INTERVAL_MS * 1_000_000:
            self._statistics.take(text)

    def _silence(self) -> list[str]:
        """That a cluster which takes events acknowledges none, once, and that it does again: no error tells that."""
        now_ns, queued = time.time_ns(), len(self._producer)
        if not queued:
            self._heard_ns = now_ns
        silent = now_ns - self._heard_ns > self._silent_ns
        if silent == self._silent:
            return []
        self._silent = silent
        for_s = (now_ns - self._heard_ns) / 1e9
        return [
            f"no event acknowledged for {for_s:.0f} s, {queued:,} wait" if silent else "acknowledged again"
        ]

    def _produce(self, topic: str, cursor: "_Cursor", count: int) -> None:
        encoded, start, stop = cursor.encoded, cursor.place, cursor.place + count
        began_ns = time.time_ns()
        name, place = self._names[topic], start
        while place < stop:
            keys = iter(encoded.keys[place:stop])
            try:
                # deque(map(…)) calls produce() from C, one event after another, without a Python frame.
                deque(map(self._producer.produce, repeat(name), encoded.values[place:stop], keys), maxlen=0)
                break
            except BufferError:
                place = stop - length_hint(keys) - 1
                self._tally.add_total("queue_full", 1)
                self._serve(_FULL_QUEUE_WAIT_S)
            except KafkaException as refusal:
                place = stop - length_hint(keys) - 1
                self._refused.append((refusal.args[0], topic, encoded.values[place]))
                place += 1
        self._account(topic, encoded, start, stop, began_ns)
        cursor.place = stop
        self.produced += count
        self.last_ns = time.time_ns()
        self._serve(0)

    def _account(self, topic: str, encoded: Encoded, start: int, stop: int, began_ns: int) -> None:
        due_ns = encoded.due_ns[start:stop]
        self.dispatches.sent(encoded, start, stop, self.measure_from_ns)
        # Each event's own moment, taken to be evenly spread over the chunk.
        count = stop - start
        moments = began_ns + (time.time_ns() - began_ns) * np.arange(1, count + 1) // count
        measured = count - int(np.searchsorted(due_ns, self.measure_from_ns))
        if measured:
            self._lags[topic].append((moments - due_ns)[-measured:])
            if len(self._lags[topic]) >= _MOST_LAGS:
                self._settle_lags(topic)
            self._tally.count(topic, "produced", measured)
            self._tally.add_total("bytes", sum(map(len, encoded.values[stop - measured : stop])))
        if measured < count:
            self._tally.count(topic, "warmup_produced", count - measured)

    def _on_delivery(self) -> Callable[[KafkaError | None, Message], None]:
        """What librdkafka calls for every event: a closure, since it is called a million times a second."""
        acked, refused, topics = self._acked.append, self._refused.append, self._topics_by_name
        value_of = Message.value

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                acked(value_of(message) or b"")
            else:
                refused((error, topics[str(message.topic())], value_of(message) or b""))

        return delivered

    def _serve(self, timeout_s: float) -> None:
        self._producer.poll(timeout_s)
        self._stamp()

    def _stamp(self) -> None:
        known = self._ack_stamps[-1][0] if self._ack_stamps else 0
        if len(self._acked) > known:
            self._heard_ns = time.time_ns()
            self._ack_stamps.append((len(self._acked), self._heard_ns))
            if len(self._acked) >= _FEWEST_TO_SETTLE:
                self._settle_acked()

    def _settle_acked(self) -> None:
        if not self._acked:
            return
        heads = wire.heads_of(self._acked)
        counts, stamps = zip(*self._ack_stamps, strict=True)
        came_ns = np.repeat(np.array(stamps), np.diff(np.array([0, *counts])))
        self._acked.clear()
        self._ack_stamps.clear()
        due_ns, schema = wire.due_ns(heads), wire.schema_ids(heads)
        measured = due_ns >= self.measure_from_ns
        for number, topic in self._topics_by_schema.items():
            of_topic = schema == number
            counted = np.flatnonzero(of_topic & measured)
            if len(counted):
                self._tally.count(topic, "acked", len(counted))
                self._tally.record("ack", topic, came_ns[counted] - due_ns[counted])
            warm = int(np.count_nonzero(of_topic)) - len(counted)
            if warm:
                self._tally.count(topic, "warmup_acked", warm)

    def _settle_refused(self) -> None:
        refused, values = list(self._refused), dict[str, list[bytes]]()
        self._refused.clear()
        for error, topic, value in refused:
            values.setdefault(topic, []).append(value)
            given_up = error.code() in _PURGED
            due_ns = int(wire.due_ns(wire.heads_of([value]))[0])
            name = "unflushed" if given_up else "failed"
            self._tally.count(topic, name if due_ns >= self.measure_from_ns else f"warmup_{name}")
            if not given_up:
                self._tally.error(topic, error.str())
        for topic, failed in values.items():
            self.dispatches.failed(topic, failed)


class _Cursor:
    """A batch and how far it has been produced."""

    __slots__ = ("encoded", "place")

    def __init__(self, encoded: Encoded) -> None:
        self.encoded = encoded
        self.place = 0

    def __len__(self) -> int:
        return len(self.encoded.due_ns) - self.place

    @property
    def due_ns(self) -> int:
        return int(self.encoded.due_ns[self.place])

    @property
    def at_end(self) -> bool:
        return self.place == len(self.encoded.due_ns)

    def due_by(self, now_ns: int) -> int:
        return int(np.searchsorted(self.encoded.due_ns, now_ns, side="right")) - self.place

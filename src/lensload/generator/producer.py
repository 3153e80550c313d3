"""Producing on schedule: what is due is handed to librdkafka, what comes back is counted and timed.

The schedule alone decides when an event is due. A slow broker, a full queue or a late tick never moves a due
time; they show as schedule lag and ack latency, both from the due time.

What runs at every wake-up only moves events and notes the time. Counts, histograms and the ledger are brought up to date
in bulk, some times a second or when some thousand events have gathered: NumPy costs as much for two as for a hundred.
"""

import json
import time
from typing import Any, Final

import numpy as np
from confluent_kafka import KafkaError
from numpy.typing import NDArray

from lensload.batches.many_topics import stretch
from lensload.delivery.sent import Dispatches, Portion
from lensload.delivery.streams import LENS, Streams
from lensload.encoding.encoders import Encoded
from lensload.generator.due_queue import NEVER_NS, DueQueue, opened
from lensload.generator.handovers import Handovers
from lensload.kafka.batch_producer import BatchProducer
from lensload.kafka.client_errors import Troubles
from lensload.kafka.producing import refusing_contradictions
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.leaders import Leaders
from lensload.metrics.librdkafka import INTERVAL_MS, RequestRates, enter_window

_MOST_AT_ONCE: Final = 2_000  # events a call of pump() produces, so that its caller can see to other things
# Accounting is done in portions: all of a second's at once would keep what is due waiting for 20 ms. So many events that were
# handed over, or that came back, wait for it; either portion takes some 2 ms.
_MOST_HANDED: Final = 2_000
_MOST_REPORTED: Final = 4_000
# Between settling the ones and the others with few topics, as long as there is time: each waits for twice as long.
_BETWEEN_SETTLING_NS: Final = 100_000_000
_OVERDUE_NS: Final = 100_000_000  # so long after the warm-up, its events are the work of the measured time
_FULL_QUEUE_WAIT_S: Final = 0.001
_SILENT_NS: Final = 3_000_000_000
_PURGE_S: Final = 5.0  # purging is the client's own doing, and quick
_PURGED: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001  # public, whatever their names


class PacedProducer:
    """Produces encoded events when they are due, and accounts for each.

    Whatever it finds goes into the stats, events by the second in which they were due: counts `produced`, `acked`,
    `failed` and `unflushed` by topic, errors by their text, totals `bytes`, `queue_full`, `warmup_overdue` and
    `producer_troubles`, the stages `schedule_lag` and `ack`, and librdkafka's own. Events due before second 0 are
    warm-up: counted as `warmup_produced`, `warmup_acked`, `warmup_failed` and `warmup_unflushed` only. Which events they
    are goes into `dispatches`.

    Attributes:
        produced: how many events were handed to librdkafka so far, warm-up included.
        last_ns: when the last of them was, Unix ns; 0 before the first.
        dispatches: which events were sent, and which of them failed.
        requests: what the client sends to the brokers in the measured time.

    Args:
        settings: librdkafka's properties.
        names: the name in the cluster of each topic.
        stats: where to account.
        leaders: of the topics' partitions, in the order of `names`; while it knows any, acknowledgements are timed by
            broker too.
        streams: how the run's events are numbered.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        names: dict[str, str],
        stats: StatsBySecond,
        leaders: Leaders | None = None,
        streams: Streams = LENS,
    ) -> None:
        self.produced = 0
        self.last_ns = 0
        self.dispatches = Dispatches(streams)
        self._streams = streams
        self._troubles = Troubles()
        self._heard_ns = time.time_ns()
        self._silent_ns = _SILENT_NS + int(float(settings.get("linger.ms", 5)) * 1e6)
        self._silent = False
        self._reported = 0
        self._topics = tuple(names)
        self._between_settling_ns = round(_BETWEEN_SETTLING_NS * stretch(len(names)))
        self._stats = stats
        self._leaders = leaders or Leaders(())
        self._queues = {topic: DueQueue(name, number) for number, (topic, name) in enumerate(names.items())}
        self._handed = {topic: Handovers() for topic in names}
        self._handed_events = 0
        self._settled_ns = 0
        self._settled_handed = False  # last, rather than what came back
        self._refused: list[tuple[KafkaError, str, bytes]] = []  # (why, topic, what holds the id)
        self.requests = RequestRates()
        own = {**settings, "statistics.interval.ms": INTERVAL_MS}
        with refusing_contradictions():
            self._producer = BatchProducer(own, self._troubles, self._note_statistics)

    def __len__(self) -> int:
        """How many events librdkafka holds that are neither acked nor failed."""
        return len(self._producer)

    @property
    def held(self) -> int:
        """How many events have a place in the client's queue; `settle` frees those of events with a report."""
        return self._producer.held

    def offer(self, encoded: Encoded) -> None:
        """Take events in, to be produced when each is due; a topic's due times never go back."""
        self._queues[encoded.topic].append(encoded)

    def next_due_ns(self) -> int | None:
        """When the next event is due; None when none is waiting."""
        next_ns = min(queue.next_ns for queue in self._queues.values())
        return None if next_ns == NEVER_NS else next_ns

    def pump(self, now_ns: int) -> int:
        """Produce what is due by `now_ns`, topic by topic in causal order; gives how many, some 2,000 at most.

        Delivery reports are served on the way.
        """
        done = 0
        for queue in self._queues.values():
            while queue.next_ns <= now_ns and done < _MOST_AT_ONCE:
                done += self._produce(queue, now_ns)
        if done:
            self.produced += done
            self._handed_events += done
            self._serve(0)
            if self._handed_events >= _MOST_HANDED:
                self._settle_handed()
        return done

    def wait(self, timeout_s: float) -> None:
        """Serve delivery reports, waiting for one at most so long."""
        # librdkafka waits in whole milliseconds; a shorter wait would spin.
        whole_ms = int(timeout_s * 1000)
        if not whole_ms and timeout_s > 0:
            time.sleep(timeout_s)
        else:
            self._serve(whole_ms / 1000)

    def flush(self, timeout_s: float) -> int:
        """Wait for what is under way; gives how many events are still without an answer."""
        left = self._producer.flush(timeout_s)
        self._look_at_reports()
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
        self.settle()
        return left

    def close(self) -> None:
        """End the client; what is still under way is dropped."""
        self._producer.close()

    def settle(self) -> None:
        """Bring all that was handed over and all that has come back into the stats, and into `dispatches`.

        Call it before taking either.
        """
        self._settle_handed()
        self._settle_acked()
        self._settle_refused()

    def settle_old(self, now_ns: int) -> bool:
        """Settle what was handed over or what came back, in turns, 100 ms after the last, or more with many topics.

        For a moment at which nothing is due; gives whether it did.
        """
        if now_ns - self._settled_ns < self._between_settling_ns:
            return False
        self._settled_ns = now_ns
        self._settled_handed = not self._settled_handed
        if self._settled_handed:
            self._settle_handed()
        else:
            self._settle_acked()
            self._settle_refused()
        return True

    def waiting(self, after_ns: int = 0) -> int:
        """How many events were offered and never produced, of those due after a moment."""
        return sum(queue.waiting(after_ns) for queue in self._queues.values())

    def take_notices(self) -> list[str]:
        """What went wrong since the last call, as sentences, each once."""
        troubles = self._troubles.take()
        self._stats.timeless.add_total("producer_troubles", len(troubles))
        return [*troubles, *self._silence()]

    def _note_statistics(self, text: str) -> None:
        """Enter librdkafka's window of the last second, if all of it was measured."""
        began_ns = time.time_ns() - INTERVAL_MS * 1_000_000
        if 0 < self._stats.origin_ns <= began_ns:
            statistics = json.loads(text)
            self.requests.record(statistics)
            middle_ns = began_ns + INTERVAL_MS * 500_000
            enter_window(statistics, self._stats.of(self._stats.second(middle_ns)))

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

    def _produce(self, queue: DueQueue, now_ns: int) -> int:
        """Hand over what is due of a topic's first batch, a chunk at most; gives how many."""
        encoded, messages, start, stop = queue.due_by(now_ns)
        began_ns = time.time_ns()
        place = start
        while place < stop:
            taken, refused = self._producer.produce(queue.name, messages, place, stop)
            place += taken
            if refused:
                self._refused += [
                    (error, encoded.topic, self._holder(encoded, each)) for each, error in refused
                ]
            if place < stop:
                self._stats.timeless.add_total("queue_full", 1)
                self._serve(_FULL_QUEUE_WAIT_S)
                self._settle_acked()  # what was reported holds its place in the queue until then
        self.last_ns = time.time_ns()
        self._handed[encoded.topic].note(encoded, start, stop, began_ns, self.last_ns)
        queue.drop_to(stop)
        return stop - start

    def _holder(self, encoded: Encoded, place: int) -> bytes:
        headers = {name: texts[place] for name, texts in encoded.packed_headers.items()}
        return self._streams.holder(encoded.topic, encoded.packed_values[place], headers)

    def _settle_handed(self) -> None:
        if not self._handed_events:
            return
        self._handed_events = 0
        taken = {topic: handed.take() for topic, handed in self._handed.items()}
        self.dispatches.sent(
            [each for portions, _ in taken.values() for each in portions], self._stats.origin_ns
        )
        for topic, (portions, moments_ns) in taken.items():
            if portions:
                self._count_handed(topic, portions, moments_ns)

    def _count_handed(self, topic: str, portions: list[Portion], moments_ns: NDArray[np.int64]) -> None:
        due_ns = np.concatenate([portion.due_ns for portion in portions])
        late_ns = moments_ns - due_ns
        for second, part, which in self._stats.split(due_ns):
            count = len(due_ns[which])
            if second < 0:
                part.count(topic, "warmup_produced", count)
            else:
                part.record("schedule_lag", topic, late_ns[which])
                part.count(topic, "produced", count)
        measure_from_ns, stats = self._stats.origin_ns, self._stats.timeless
        warm = int(np.searchsorted(due_ns, measure_from_ns))
        lengths = np.concatenate([portion.values.lengths for portion in portions])
        value_bytes = int(lengths[warm:].sum())
        stats.add_total("bytes", value_bytes)
        stats.count(topic, "bytes", value_bytes)
        overdue = int(np.count_nonzero(moments_ns[:warm] > measure_from_ns + _OVERDUE_NS))
        if overdue:
            stats.add_total("warmup_overdue", overdue)

    def _serve(self, timeout_s: float) -> None:
        self._producer.serve(timeout_s)
        self._look_at_reports()

    def _look_at_reports(self) -> None:
        if self._producer.reported != self._reported:
            self._heard_ns = time.time_ns()
            if self._producer.reported >= _MOST_REPORTED:
                self._settle_acked()
            self._reported = self._producer.reported

    def _settle_acked(self) -> None:
        if not self._producer.reported:
            return
        reports = self._producer.take_reports(with_partitions=self._leaders.known)
        self._reported = 0
        numbers, due_ns = opened(reports.opaques)
        failed = reports.errors != 0
        if self._leaders.known:
            timed = np.flatnonzero((due_ns >= self._stats.origin_ns) & ~failed)
            places = self._leaders.of(numbers[timed], reports.partitions[timed], due_ns[timed])
            took_ns = reports.came_ns[timed] - due_ns[timed]
            self._leaders.record(self._stats.timeless, "ack", places, took_ns)
        for number in np.unique(numbers[~failed]).tolist():
            acked, topic = np.flatnonzero((numbers == number) & ~failed), self._topics[number]
            due = due_ns[acked]
            took_ns = reports.came_ns[acked] - due
            for second, part, which in self._stats.split(due):
                count = len(due[which])
                if second < 0:
                    part.count(topic, "warmup_acked", count)
                else:
                    part.count(topic, "acked", count)
                    part.record("ack", topic, took_ns[which])
        topics = [self._topics[number] for number in numbers[failed].tolist()]
        self._refused += [
            (KafkaError(error), topic, self._streams.holder(topic, value, headers))
            for error, topic, (value, headers) in zip(
                reports.errors[failed].tolist(), topics, reports.failed, strict=True
            )
        ]

    def _settle_refused(self) -> None:
        refused, holders = list(self._refused), dict[str, list[bytes]]()
        self._refused.clear()
        for error, topic, holder in refused:
            holders.setdefault(topic, []).append(holder)
            given_up = error.code() in _PURGED
            due_ns = int(self._streams.heads(topic, [holder]).due_ns[0])
            name, second = "unflushed" if given_up else "failed", self._stats.second(due_ns)
            self._stats.of(second).count(topic, name if second >= 0 else f"warmup_{name}")
            if not given_up:
                self._stats.timeless.error(topic, error.str())
        for topic, failed in holders.items():
            self.dispatches.failed(topic, failed)

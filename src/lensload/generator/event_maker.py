"""Making events ahead of time: the world makes them in spans, they are encoded, and the producer keeps them until due."""

import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.many_topics import stretch
from lensload.batches.topic_batch import TopicBatch
from lensload.generator.due_count import DueCount
from lensload.generator.encoding import Encoding
from lensload.generator.in_flight_window import InFlightWindow
from lensload.generator.producer import PacedProducer
from lensload.generator.scheduled_load import ScheduledLoad
from lensload.generator.sources import Sources
from lensload.ids import NS_PER_MS, NS_PER_S, start_of_ms
from lensload.kafka.preflight import Surroundings
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.pacing.flat_out import MOST_UNDER_WAY
from lensload.pacing.pacer import Pacer
from lensload.processes.messages import ConfigureGenerator
from lensload.schema.writer_schemas import WriterSchemas
from lensload.service.customers import Customers
from lensload.service.decoding import RecordReader
from lensload.world.behaviour import Behaviour
from lensload.world.scenario import Scenario
from lensload.world.world import World

# A span of events is made when the last one ends this soon; with the longest span it bounds how late a change of the
# rate shows. Making a span costs about a millisecond a topic, however few its events are, so that with many topics
# spans are longer in proportion (`many_topics`).
_AHEAD_NS: Final = 20 * NS_PER_MS
_LONGEST_SPAN_MS: Final = 70
_LONGEST_LATE_MS: Final = 1_000  # of a span that is overdue, for which no change of the rate can come in time
# How many events a span has, and the least time in ms that it covers. Big batches are cheaper: an event costs a
# third less to make and encode in spans of 4,000 than in those of 1,500. But while a topic's events are made, what is due
# waits: some 1.5 ms with 4,000. What is late anyway waits for more.
_SPAN: Final = (4_000, 2)
_LATE_SPAN: Final = (12_000, 5)
# Between two looks at answers: people react 100 ms after one at the earliest.
_FOLLOW_NS: Final = 40 * NS_PER_MS
# About as many as people make of an answer, the request with them: for the audit's sample.
_EVENTS_A_REQUEST: Final = 3
_FOREVER_S: Final = 600.0  # a profile's period when no duration is given


class EventMaker:
    """Makes the events of a generator's lanes, a step at a time, so that what is due is not kept waiting.

    Args:
        order: what the generator is to do.
        found: the cluster and the registry, as the preflight found them.
        sources: make the events.
        producer: is offered each encoded batch.
        stats: where to account for encoding, and for what is asked for.

    Attributes:
        rate_per_s: how many events the audience makes per second.
        made_until_ns: what is due until then has been made; Unix nanoseconds.
        flat_out: there is no schedule now: as many events are made as acknowledgements allow, and rates are shares.

    Raises:
        LensloadError: the cluster does not allow it.
    """

    def __init__(
        self,
        order: ConfigureGenerator,
        found: Surroundings,
        sources: Sources,
        producer: PacedProducer,
        stats: StatsBySecond,
    ) -> None:
        self.rate_per_s = 0.0
        self.made_until_ns = 0
        self.flat_out = order.config.load.is_flat_out(by_users=order.rate_per_s is None)
        self._order, self._config = order, order.config
        stretched = stretch(len(order.names))
        self._ahead_ns = round(_AHEAD_NS * stretched)
        self._longest_span_ms = round(_LONGEST_SPAN_MS * stretched)
        self._producer, self._stats = producer, stats
        self._pacer: Pacer | None = None
        self._asked: ScheduledLoad | None = None
        self._start_ns = self._measure_from_ns = self._end_ns = 0
        self._flat_out_from_ns = 0  # where a schedule ended; what it made due before is made first
        places = int(found.settings.get("queue.buffering.max.messages", MOST_UNDER_WAY))
        self._room = InFlightWindow(producer, stats, places)
        self._due = DueCount()
        self._stopped = False
        self._making: Iterator[None] = iter(())
        self._following: Iterator[None] = iter(())
        self._next_follow_ns = 0
        self._followed = 0  # events that followed answers, since `take_followed`
        self._source = sources.source
        self._encoding = Encoding.of(order, found, stats)
        external = sources.scenario if self._config.service.external else None
        self._customers = self._of_service(found, external) if external else None
        followers = self._customers.outline() if self._customers else ()
        self._encoding.warm_up((*self._source.outline(), *followers), sources.rehearsed())

    def begin(self, start_ns: int, measure_from_ns: int, end_ns: int) -> None:
        """Make events from `start_ns` on; the times as `messages.Begin` has them."""
        period_s = (end_ns - start_ns) / NS_PER_S if end_ns else _FOREVER_S
        seed = self._config.world.seed * 4099 + self._order.worker
        self._pacer = Pacer(self._config.load.profile, period_s, start_ns, seed)
        self._pacer.set_rate(start_ns, 0.0 if self.flat_out else self.rate_per_s)
        self._asked = ScheduledLoad(self._pacer, self._stats, start_ns)
        self.made_until_ns = self._start_ns = start_ns
        self._end_ns = end_ns
        self._measure_from_ns = self._due.measure_from_ns = measure_from_ns
        self._room.begin(measure_from_ns, end_ns)
        if self._customers:
            self._customers.measure_from_ns = measure_from_ns
        for rollout in self._encoding.rollouts.values():
            rollout.begin(measure_from_ns, end_ns or measure_from_ns + round(_FOREVER_S * NS_PER_S))

    def set_audience(self, rates_per_s: dict[Behaviour, float], *, by_hand: bool = False) -> int:
        """Let this audience make the events from now on; gives from when on, in Unix nanoseconds.

        Args:
            rates_per_s: events per second by behaviour.
            by_hand: the rate was set by hand, so that there is a schedule in any case.
        """
        was_flat_out = self.flat_out
        self.flat_out = not by_hand and self._config.load.is_flat_out(by_users=self._order.rate_per_s is None)
        self.rate_per_s = sum(rates_per_s.values())
        if self.rate_per_s > 0:
            if isinstance(self._source, World):  # a workload has no people who could behave in another way
                self._source.set_audience(rates_per_s)
            if self._customers:
                self._customers.set_audience(rates_per_s)
        from_ns = max(self.made_until_ns, time.time_ns())
        if self._pacer:
            self._pacer.set_rate(from_ns, 0.0 if self.flat_out else self.rate_per_s)
            if self.flat_out and not was_flat_out:
                self._flat_out_from_ns = -(-from_ns // NS_PER_MS) * NS_PER_MS
        return from_ns

    def stop(self) -> None:
        """Make no further spans."""
        self._stopped = True
        self._room.end(time.time_ns())
        self._making = iter(())

    def step(self, now_ns: int) -> bool:
        """Do a step of what has to be made by now; whether there was any."""
        if next(self._making, True) is None or next(self._following, True) is None:
            return True
        if self._stopped:
            return False
        if self._customers and now_ns >= self._next_follow_ns:
            self._following = self._react(self._customers, now_ns)
            return True
        if self._pacer and self.made_until_ns < self._wanted_until_ns(now_ns):
            self._making = self._make(self._pacer)
            return True
        if self.flat_out and self._may_make(now_ns):
            self._making = self._make_at_once(now_ns)
            return True
        return False

    def step_ahead(self) -> bool:
        """Do a step of work that will be needed, if there is any; not before it is known who the audience is."""
        return self.rate_per_s > 0 and self._source.advance()

    def target_per_s(self, at_ns: int) -> float:
        """The scheduled rate; 0 before the start."""
        return self._pacer.rate_at(at_ns) if self._pacer else 0.0

    def take_followed(self) -> int:
        """How many events that follow answers have been made since the last call."""
        followed, self._followed = self._followed, 0
        return followed

    def due_by(self, at_ns: int) -> float:
        """How many events were due in the measured time until then, made or not: what the load is held against."""
        if self._pacer is None or at_ns <= self._measure_from_ns:
            return 0.0
        made_ns = max(self.made_until_ns, self._measure_from_ns)
        never_made = self._pacer.expected(max(at_ns, made_ns)) - self._pacer.expected(made_ns)
        if not self.flat_out:
            return self._due.by(at_ns) + never_made
        # Without a schedule nothing is due before it can be handed over.
        from_ns = max(self._measure_from_ns, self._flat_out_from_ns)
        return self._due.planned + never_made - self._producer.waiting(after_ns=from_ns - 1)

    def account_asked(self, until_ns: int, *, ended: bool = False) -> None:
        """Account for what was asked for until then, made or not; nothing is after the schedule's end, or once it `ended`."""
        if self._asked:
            until_ns = min(until_ns, self._end_ns or until_ns)
            self._asked.plan(until_ns)
            self._asked.account(until_ns)
        if ended:
            self._asked = None

    def close(self) -> None:
        """Leave the cluster."""
        if self._customers:
            self._customers.close()

    def _of_service(self, found: Surroundings, scenario: Scenario) -> Customers:
        """The people who wait for the answers of a service under test."""
        config = self._config
        name = config.responses_name or ""
        counts = ensure_topics(
            found.settings,
            [name],
            config.cluster.partitions,
            config.cluster.replication_factor,
            embedded=False,
        )
        return Customers(
            consumer_settings(found.settings),
            (name, counts[name]),
            self._order.run_tag,
            scenario,
            RecordReader(WriterSchemas(found.registry)),
            topics=config.written_topics,
            stats=self._stats.timeless,
        )

    def _wanted_until_ns(self, now_ns: int) -> int:
        """Up to when what the schedule makes due is wanted now."""
        wanted_ns = self._flat_out_from_ns if self.flat_out else now_ns + self._ahead_ns
        return min(wanted_ns, self._end_ns or wanted_ns)

    def _may_make(self, now_ns: int) -> bool:
        """Whether events without a schedule may be made now."""
        end_ns = self._end_ns or now_ns + 1
        if self._pacer is None or not self._start_ns <= now_ns < end_ns or not self.rate_per_s:
            return False
        has_room = self._room.has_some(now_ns)
        return has_room and self.made_until_ns <= now_ns + NS_PER_MS and self.made_until_ns < end_ns

    def _make_at_once(self, now_ns: int) -> Iterator[None]:
        """Make events that are due now, as many as there is room for."""
        from_ns = max(self.made_until_ns, start_of_ms(now_ns))
        due_ns = self._room.due_from(from_ns)
        self.made_until_ns = from_ns + NS_PER_MS
        rate_per_s = (self._room.offered + len(due_ns)) / (self.made_until_ns - self._start_ns) * NS_PER_S
        yield from self._tell(due_ns, rate_per_s, at_once=True)

    def _ask(self, due_ns: NDArray[np.int64]) -> None:
        """Account for events that are due without a schedule that asks for them."""
        self._due.plan(due_ns)
        for _, part, which in self._stats.split(due_ns):
            part.add_total(ASKED, len(due_ns[which]))

    def _make(self, pacer: Pacer) -> Iterator[None]:
        """Make the events of the next span of time, a step at a time, so that others are not kept waiting."""
        # Of both ends, since the rate may jump within the span, which would then hold too many events.
        late_ms = (time.time_ns() - self.made_until_ns) // NS_PER_MS
        late = late_ms * NS_PER_MS > _AHEAD_NS
        longest_ms = max(self._longest_span_ms, min(late_ms, _LONGEST_LATE_MS))
        ends_ns = (self.made_until_ns, self.made_until_ns + longest_ms * NS_PER_MS)
        rate_per_s = max(map(pacer.rate_at, ends_ns))
        events, least_ms = _LATE_SPAN if late else _SPAN
        span_ms = min(longest_ms, max(least_ms, int(1000 * events / max(rate_per_s, 1))))
        # Spans end where a millisecond does: responses move within theirs.
        until_ns = (self.made_until_ns // NS_PER_MS + span_ms) * NS_PER_MS
        if self.flat_out:
            until_ns = min(until_ns, self._flat_out_from_ns)
        if self._end_ns:
            until_ns = min(until_ns, self._end_ns)
        if self._asked:
            self._asked.plan(until_ns)
        due_ns = pacer.due_until(until_ns)
        self.made_until_ns = until_ns
        self._due.plan(due_ns)
        if len(due_ns):
            yield from self._tell(due_ns, rate_per_s)

    def _tell(self, due_ns: NDArray[np.int64], rate_per_s: float, *, at_once: bool = False) -> Iterator[None]:
        """Make the events that are due then, a step at a time; `at_once`: each is due only if it is made."""
        while self._source.advance(len(due_ns)):
            yield
        for batch in self._source.events_at(due_ns):
            if self._customers:
                self._customers.wait_for(batch)
            self._offer(batch, rate_per_s)
            if at_once:
                self._ask(batch.due_ns)
            yield

    def _offer(self, batch: TopicBatch, rate_per_s: float) -> None:
        """Encode a batch and let it wait until it is due."""
        encoded = self._encoding.encoder.encode(batch)
        self._producer.offer(encoded)
        self._room.offered += len(batch)
        fragments = self._config.producer.serializer == "fragments"
        stage = "encode" if fragments else "serialize"
        for second, part, which in self._stats.split(batch.due_ns):
            if second >= 0:
                part.record(stage, batch.topic, encoded.took_ns[which])
        if fragments:
            self._encoding.audit.look(batch, encoded, rate_per_s)

    def _react(self, customers: Customers, now_ns: int) -> Iterator[None]:
        """Let people react to the answers that have come, a step at a time."""
        self._next_follow_ns = now_ns + _FOLLOW_NS
        until_ns = now_ns + 2 * _FOLLOW_NS
        for batches in customers.read(now_ns, min(until_ns, self._end_ns or until_ns)):
            for batch in batches:
                self._ask(batch.due_ns)
                self._followed += len(batch)
                self._offer(batch, _EVENTS_A_REQUEST * self.rate_per_s)
            yield

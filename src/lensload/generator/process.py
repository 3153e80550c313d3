"""The generator: one process of load, where the stages meet.

    pacing says when -> the world says what -> encode -> produce -> tally -> coordinator

It runs in a process of its own, started by a worker with the descriptor of a link:
`python -m lensload.generator.process FD`. It knows neither Locust nor gevent.
"""

import gc
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from lensload.config.model import RunConfig
from lensload.encoding.audit import Audit, ConfluentSerializer
from lensload.encoding.encoders import Encoder, FragmentEncoder, RecordEncoder, fastavro_serializer
from lensload.encoding.mixed_versions import MixedEncoder, Rollout
from lensload.generator.producer import PacedProducer
from lensload.ids import NS_PER_MS
from lensload.kafka import partition_watch, preflight
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.partition_watch import Partitions, PartitionWatch
from lensload.kafka.preflight import Version
from lensload.kafka.producing import BATCH_BYTES, largest_batch, producer_settings
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.leaders import Leaders
from lensload.pacing.pacer import Pacer
from lensload.processes import messages
from lensload.processes.child import RunChild, resident_bytes, serve, whole_ms
from lensload.processes.link import Link
from lensload.processes.messages import Message
from lensload.schema.writer_schemas import WriterSchemas
from lensload.service.customers import Customers
from lensload.service.decoding import RecordReader
from lensload.world.behaviour import Behaviour
from lensload.world.columns import TopicBatch
from lensload.world.scenario import Scenario
from lensload.world.world import World, made

NS_PER_S: Final = 1_000_000_000
# A span of events is made when the last one ends this soon; with the longest span it bounds how late a change of the
# rate shows. Making a span costs some ms, however few its events are.
_AHEAD_NS: Final = 20 * NS_PER_MS
_LONGEST_SPAN_MS: Final = 70
# How many events a step makes, and the least time in ms that it covers: few while on time, so that what is due
# does not wait for what is being made; many when late anyway, since big batches are cheaper.
_STEP: Final = (1_500, 2)
_LATE_STEP: Final = (12_000, 5)
_LISTEN_NS: Final = 5 * NS_PER_MS
_CAUGHT_UP: Final = 250  # fewer events than this at once: there is time to make some ahead
# The shortest time between two wake-ups, in which events that become due are gathered: the price is paid for each
# wake-up, not for each event. It adds up to as much to the schedule lag.
_GATHER_NS: Final = 300_000
_LONGEST_WAIT_NS: Final = 5 * NS_PER_MS
_FOLLOW_NS: Final = (
    40 * NS_PER_MS
)  # between two looks at answers; people react 100 ms after one at the earliest
_EVENTS_A_REQUEST: Final = (
    3  # about as many as people make of an answer, the request with them: for the audit's sample
)
_FOREVER_S: Final = 600.0  # a profile's period when no duration is given
_FLUSH_STEP_S: Final = 0.25
_LEADERS_S: Final = 5.0  # for the first answer of who leads the partitions
_OVERTIME_NS: Final = NS_PER_S  # how long after the end what is overdue is still sent
_REHEARSAL: Final = 2_000  # events, enough for some of every topic


class Generator(RunChild):
    """Makes, encodes and produces events on schedule until told to drain.

    Args:
        link: to the worker.
        order: what to do.

    Raises:
        LensloadError: the cluster, the registry or a schema file does not allow it.
    """

    def __init__(self, link: Link, order: messages.ConfigureGenerator) -> None:
        super().__init__(link, order.config, _LISTEN_NS)
        self._order = order
        self._pacer: Pacer | None = None
        self._end_ns = 0
        self._made_until_ns = 0
        self._due = 0
        # How many events were produced at the last report, and when that was.
        self._reported = (0, time.time_ns())
        self._scheduled = False
        self._next_follow_ns = 0
        self._followed = 0  # events that followed answers, since the last report
        self._rate_per_s = 0.0
        self._audience: dict[Behaviour, float] = {}
        self._users: dict[Behaviour, int] = {}
        self._dial_per_s: float | None = None
        self._connect()
        if order.rate_per_s is not None:
            self._gather({order.config.world.ordinary: order.rate_per_s}, {})

    def run(self) -> None:
        """Say ready, then work until drained."""
        self._link.send(messages.Ready(self._conditions))
        # What lives for the whole run need not be looked through by every collection of garbage.
        gc.collect()
        gc.freeze()
        making: Iterator[None] = iter(())
        following: Iterator[None] = iter(())
        while not self._draining:
            now_ns = time.time_ns()
            produced = 0 if self._scheduled else self._producer.pump(now_ns)
            self.attend(now_ns)
            if self._overtime(now_ns):
                making = iter(())
            if next(making, True) is None or next(following, True) is None:
                continue
            if self._customers and now_ns >= self._next_follow_ns and not self._scheduled:
                following = self._react(self._customers, now_ns)
                continue
            if self._pacer and self._made_until_ns < self._until(now_ns) and not self._scheduled:
                making = self._make(self._pacer)
            elif produced < _CAUGHT_UP and self._made_ahead():
                continue
            elif produced < _CAUGHT_UP and not self._producer.settle_old(now_ns):
                self._rest(now_ns)
        self._drain()

    def _connect(self) -> None:
        config, order = self._config, self._order
        found = preflight.prepare(
            config, order.bootstrap_servers, order.registry_url, embedded=order.embedded
        )
        scenario = made(config.world)
        self._world = World(
            scenario, tuple(order.lanes), run_tag=order.run_tag, topics=config.scheduled_topics
        )
        encoders: list[Encoder] = []
        serializers: dict[int, ConfluentSerializer] = {}
        warmed: list[tuple[str, ConfluentSerializer]] = []
        for version in found.versions:
            texts = {topic: text for topic, text in version.texts.items() if topic in order.names}
            confluent = ConfluentSerializer(found.registry.client, texts, order.names)
            encoders.append(_encoder(config.producer.serializer, version, confluent))
            serializers |= dict.fromkeys(version.ids.values(), confluent)
            warmed += [(topic, confluent) for topic in texts]
        self._audit = Audit(serializers, config.producer.verify_per_s, self._tally)
        self._rollouts = {
            change.topic: Rollout(change, config.world.seed) for change in config.producer.evolve
        }
        older, *newer = encoders
        self._encoder = MixedEncoder(older, newer[0], self._rollouts) if newer else older
        self._leaders = Leaders(tuple(order.names.values()))
        self._producer = PacedProducer(
            producer_settings(found.settings, _tuning(config, self._largest_batch(found.settings))),
            order.names,
            self._tally,
            self._leaders,
        )
        # One broker leads all there is: nothing to tell apart.
        several = len(found.cluster.brokers) > 1 and not order.embedded
        self._watch = PartitionWatch(found.settings, list(order.names.values())) if several else None
        if self._watch:
            self._follow_leaders(self._watch.look_now(_LEADERS_S), time.time_ns())
        self._customers = self._of_service(found, scenario) if config.service.external else None
        self._warm(scenario, warmed)
        self._conditions: dict[str, Any] = {
            "cluster": {"id": found.cluster.cluster_id, "brokers": list(found.cluster.brokers)},
            **dict(
                zip(("schema_ids", "newer_schema_ids"), [each.ids for each in found.versions], strict=False)
            ),
        }

    def _follow_leaders(self, partitions: Partitions | None, now_ns: int) -> None:
        """Time acknowledgements by the brokers that lead now, if that is known."""
        if partitions is not None:
            self._leaders.update(now_ns, partition_watch.leaders(partitions))

    def _largest_batch(self, settings: dict[str, Any]) -> int:
        """How many bytes a batch may have: what the broker refuses, it refuses as a whole."""
        if self._order.embedded:
            return BATCH_BYTES
        return largest_batch(TopicAdmin(settings), self._order.names.values())

    def _of_service(self, found: preflight.Surroundings, scenario: Scenario) -> Customers:
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
            tally=self._tally,
        )

    def _warm(self, scenario: Scenario, serializers: list[tuple[str, ConfluentSerializer]]) -> None:
        """Do once what the first event would otherwise wait for: fragments, and each serializer's set-up."""
        followers = self._customers.outline() if self._customers else ()
        for batch in (*self._world.outline(), *followers):
            self._encoder.encode(batch)
        rehearsal = World(scenario, (0,), topics=self._config.scheduled_topics)
        for batch in rehearsal.take(np.full(_REHEARSAL, time.time_ns())):
            for topic, serialize in serializers:
                if batch.topic == topic:
                    serialize(topic, next(batch.records()))

    def _until(self, now_ns: int) -> int:
        ahead_ns = now_ns + _AHEAD_NS
        return min(ahead_ns, self._end_ns) if self._end_ns else ahead_ns

    def _make(self, pacer: Pacer) -> Iterator[None]:
        """Make the events of the next span of time, a step at a time, so that others are not kept waiting."""
        rate_per_s = pacer.rate_at(self._made_until_ns)
        late = self._made_until_ns < time.time_ns() - _AHEAD_NS
        events, least_ms = _LATE_STEP if late else _STEP
        span_ms = min(_LONGEST_SPAN_MS, max(least_ms, int(1000 * events / max(rate_per_s, 1))))
        # Spans end where a millisecond does: responses move within theirs.
        until_ns = (self._made_until_ns // NS_PER_MS + span_ms) * NS_PER_MS
        if self._end_ns:
            until_ns = min(until_ns, self._end_ns)
        due_ns = pacer.take(until_ns)
        self._due += int(np.count_nonzero(due_ns >= self._measure_from_ns))
        self._made_until_ns = until_ns
        if not len(due_ns):
            return
        batches = self._world.take(due_ns)
        yield
        for batch in batches:
            if self._customers:
                self._customers.wait_for(batch)
            self._offer(batch, rate_per_s)
            yield

    def _offer(self, batch: TopicBatch, rate_per_s: float) -> None:
        """Encode a batch and let it wait until it is due."""
        encoded = self._encoder.encode(batch)
        self._producer.offer(encoded)
        fragments = self._config.producer.serializer == "fragments"
        stage = "encode" if fragments else "serialize"
        self._tally.record(stage, batch.topic, encoded.took_ns[batch.due_ns >= self._measure_from_ns])
        if fragments:
            self._audit.look(batch, encoded, rate_per_s)

    def _react(self, customers: Customers, now_ns: int) -> Iterator[None]:
        """Let people react to the answers that have come, a step at a time."""
        self._next_follow_ns = now_ns + _FOLLOW_NS
        until_ns = now_ns + 2 * _FOLLOW_NS
        for batches in customers.read(now_ns, min(until_ns, self._end_ns or until_ns)):
            for batch in batches:
                self._due += int(np.count_nonzero(batch.due_ns >= self._measure_from_ns))
                self._followed += len(batch)
                self._offer(batch, _EVENTS_A_REQUEST * self._rate_per_s)
            yield

    def _made_ahead(self) -> bool:
        """Do a step of work that will be needed, if there is any; not before it is known who the audience is."""
        return self._rate_per_s > 0 and self._world.advance()

    def _rest(self, now_ns: int) -> None:
        """Wait until the next event is due or has to be made, serving delivery reports."""
        due_ns = self._producer.next_due_ns()
        until_ns = now_ns + _LONGEST_WAIT_NS
        if due_ns is not None:
            until_ns = min(max(due_ns, self._producer.last_ns + _GATHER_NS), until_ns)
        self._producer.wait(max(0, until_ns - time.time_ns()) / NS_PER_S)
        if due_ns is None and now_ns >= self._end_ns:
            self._finish()

    def _overtime(self, now_ns: int) -> bool:
        """Whether the end is so long past that what is still overdue is given up, and accounted for as such."""
        late = bool(self._end_ns) and now_ns > self._end_ns + _OVERTIME_NS
        if late:
            self._finish()
        return late

    def _finish(self) -> None:
        if self._end_ns and not self._scheduled:
            self._scheduled = True
            self._link.send(messages.Scheduled())

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        match message:
            case messages.Begin(start_ns, measure_from_ns, end_ns):
                self._begin(*map(whole_ms, (start_ns, measure_from_ns, end_ns)))
            case messages.Audience(rates_per_s, users):
                self._gather(rates_per_s, users)
            case messages.SetRate(number, rate_per_s):
                self._dial_per_s = rate_per_s
                self._link.send(messages.RateSet(number, self._gather(self._audience, self._users)))
            case messages.Drain():
                self._draining = True
            case _:
                pass

    def _begin(self, start_ns: int, measure_from_ns: int, end_ns: int) -> None:
        period_s = (end_ns - start_ns) / NS_PER_S if end_ns else _FOREVER_S
        profile = self._config.load.profile
        seed = self._config.world.seed * 4099 + self._order.worker
        self._pacer = Pacer(profile, period_s, start_ns, seed)
        self._made_until_ns = start_ns
        self._end_ns = end_ns
        self._measure_from_ns = measure_from_ns
        if self._customers:
            self._customers.measure_from_ns = measure_from_ns
        self._producer.measure_from_ns = self._audit.measure_from_ns = measure_from_ns
        self._follow(self._pacer, start_ns)
        for rollout in self._rollouts.values():
            rollout.begin(measure_from_ns, end_ns or measure_from_ns + round(_FOREVER_S * NS_PER_S))

    def _gather(self, audience: dict[Behaviour, float], users: dict[Behaviour, int]) -> int:
        """Play this audience, at the dial's rate if that is set; gives from when on, in Unix nanoseconds."""
        self._audience, self._users = audience, users
        rates = scaled(audience, self._dial_per_s)
        self._rate_per_s = sum(rates.values())
        if self._rate_per_s > 0:
            self._world.gather(rates)
            if self._customers:
                self._customers.gather(rates)
        from_ns = max(self._made_until_ns, time.time_ns())
        if self._pacer:
            self._follow(self._pacer, from_ns)
        return from_ns

    def _follow(self, pacer: Pacer, from_ns: int) -> None:
        """Make what the audience makes from a moment on, and say so."""
        pacer.set_rate(from_ns, self._rate_per_s)
        self._link.send(messages.Playing(from_ns, scaled(self._audience, self._dial_per_s), self._users))

    def report(self, now_ns: int) -> None:
        """Send what was made and sent since the last report."""
        self._producer.settle()
        if self._watch:
            self._follow_leaders(self._watch.look(), now_ns)
        self.send_all(map(messages.Notice, self._producer.take_notices()))
        produced, since_ns = self._producer.produced - self._reported[0], now_ns - self._reported[1]
        self._reported = (self._producer.produced, now_ns)
        followed_per_s = self._followed / max(since_ns, 1) * NS_PER_S
        self._followed = 0
        self._link.send(
            messages.GeneratorReport(
                stats=self._tally.take(),
                now_ns=now_ns,
                clock_step_ns=self._clock.step_ns(),
                target_per_s=self._pacer.rate_at(now_ns) + followed_per_s if self._pacer else 0.0,
                achieved_per_s=produced / max(since_ns, 1) * NS_PER_S,
                queue=len(self._producer),
                behind_ns=self._behind_ns(now_ns),
                rss_bytes=resident_bytes(),
                cpu_ns=time.process_time_ns(),
                due=self._due_by(now_ns),
            )
        )
        self._tell_pages()

    def _tell_pages(self, *, everything: bool = False) -> None:
        taken = self._producer.dispatches.take(everything=everything)
        self.send_all(messages.Pages(kind, pages) for kind, pages in taken.items())

    def _behind_ns(self, now_ns: int) -> int:
        """How late the most overdue event is: one that waits, or one that should have been made."""
        due_ns = self._producer.next_due_ns()
        if due_ns is None and self._pacer and not self._scheduled:
            due_ns = self._made_until_ns
        return max(0, now_ns - due_ns) if due_ns is not None else 0

    def _due_by(self, at_ns: int) -> float:
        """How many events were due in the measured time until then, made or not: what the load is held against."""
        if self._pacer is None or at_ns <= self._measure_from_ns:
            return 0.0
        made_ns = max(self._made_until_ns, self._measure_from_ns)
        never_made = self._pacer.expected(max(at_ns, made_ns)) - self._pacer.expected(made_ns)
        return self._due + never_made - self._producer.waiting(after_ns=at_ns)

    def _drain(self) -> None:
        """Wait for what is under way, as long as the configuration allows, and say the last word."""
        stopped_ns = min(time.time_ns(), self._end_ns or time.time_ns())
        if self._pacer and stopped_ns > self._measure_from_ns:
            self._tally.add_total("due", self._due_by(stopped_ns))
        deadline_s = time.monotonic() + self._config.load.drain_timeout_s
        left = self._producer.flush(_FLUSH_STEP_S)
        while left and time.monotonic() < deadline_s:
            self.report(time.time_ns())
            left = self._producer.flush(_FLUSH_STEP_S)
        if left:
            left = self._producer.give_up()
        self._producer.settle()
        self._tell_pages(everything=True)
        self._tally.add_total("unsent", self._producer.waiting())
        self._link.send(messages.GeneratorDrained(self._tally.take(), left, self._producer.last_ns))
        if self._customers:
            self._customers.close()
        self._producer.close()


def _tuning(config: RunConfig, most_bytes: int) -> dict[str, Any]:
    return {
        "acks": config.producer.acks,
        "enable.idempotence": config.producer.acks == "all",
        "linger.ms": config.producer.linger_ms,
        "compression.type": config.producer.compression,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 524_288,
        "batch.size": most_bytes,
    }


def _encoder(name: str, version: Version, confluent: ConfluentSerializer) -> Encoder:
    parsed = {topic: schema.parsed for topic, schema in version.schemas.items()}
    if name == "fragments":
        return FragmentEncoder(parsed, version.ids)
    return RecordEncoder(confluent if name == "confluent" else fastavro_serializer(parsed, version.ids))


def scaled(audience: dict[Behaviour, float], rate_per_s: float | None) -> dict[Behaviour, float]:
    """The same mix of behaviours at another rate; an ordinary audience where there is nobody. None: as it is."""
    if rate_per_s is None:
        return audience
    total = sum(audience.values())
    if total <= 0:
        return {Behaviour(): rate_per_s}
    return {behaviour: rate * rate_per_s / total for behaviour, rate in audience.items()}


def _work(link: Link, order: Message) -> None:
    if isinstance(order, messages.ConfigureGenerator):
        Generator(link, order).run()


if __name__ == "__main__":
    serve(_work)

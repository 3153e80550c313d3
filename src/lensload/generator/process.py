"""The generator: one process of load, where the stages meet.

    pacing says when -> the world says what -> encode -> produce -> stats -> coordinator

It runs in a process of its own, started by a worker with the descriptor of a link:
`python -m lensload.generator.process FD`. It knows neither Locust nor gevent.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from lensload.config.model import RunConfig
from lensload.generator.event_maker import EventMaker
from lensload.generator.producer import PacedProducer
from lensload.generator.sources import Sources
from lensload.ids import NS_PER_MS, start_of_ms
from lensload.kafka import partition_watch, preflight
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.partition_watch import Partitions, PartitionWatch
from lensload.kafka.producing import BATCH_BYTES, largest_batch, producer_settings
from lensload.machine import resident_bytes
from lensload.metrics.leaders import Leaders
from lensload.processes import lasting, messages
from lensload.processes.child_main import RunChild, serve
from lensload.processes.envelope import Message
from lensload.processes.link import Link
from lensload.world.behaviour import Behaviour
from lensload.world.world import made

_NS_PER_S: Final = 1_000_000_000
_LISTEN_NS: Final = 5 * NS_PER_MS
_CAUGHT_UP: Final = 250  # fewer events than this at once: there is time to make some ahead
# The shortest time between two wake-ups, in which events that become due are gathered: the price is paid for each
# wake-up, not for each event. It adds up to as much to the schedule lag, so it is a small share of the time that the client
# itself waits for a batch to fill, within bounds.
_GATHER_SHARE: Final = 1 / 8
_GATHER_NS: Final = (300_000, 1_000_000)
_LONGEST_WAIT_NS: Final = 5 * NS_PER_MS
_FLUSH_STEP_S: Final = 0.25
_LEADERS_S: Final = 5.0  # for the first answer of who leads the partitions
_OVERTIME_NS: Final = _NS_PER_S  # how long after the end what is overdue is still sent


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
        self._end_ns = 0
        # How many events were produced at the last report, and when that was.
        self._reported = (0, time.time_ns())
        self._begun = self._scheduled = False
        self._audience: dict[Behaviour, float] = {}
        self._users: dict[Behaviour, int] = {}
        self._dial_per_s: float | None = None
        self._connect()
        if order.rate_per_s is not None:
            share = 1.0 if self._maker.flat_out else order.rate_per_s
            self._play({order.config.world.ordinary: share}, {})

    def run(self) -> None:
        """Say ready, then work until drained."""
        self._link.send(messages.Ready(self._conditions))
        lasting.end()
        while not self._draining:
            now_ns = time.time_ns()
            produced = 0 if self._scheduled else self._producer.pump(now_ns)
            self.attend(now_ns)
            # What is still overdue so long after the end is given up, and accounted for as such.
            if self._end_ns and now_ns > self._end_ns + _OVERTIME_NS:
                self._finish()
            if self._maker.step(now_ns):
                continue
            if (
                produced < _CAUGHT_UP
                and not self._maker.step_ahead()
                and not self._producer.settle_old(now_ns)
            ):
                self._rest(now_ns)
        self._drain()

    def _connect(self) -> None:
        config, order = self._config, self._order
        with ThreadPoolExecutor(1) as beside:  # while the answers are awaited the source is made
            addresses = (order.bootstrap_servers, order.registry_url)
            prepared = beside.submit(preflight.prepare, config, *addresses, embedded=order.embedded)
            sources = Sources.of(order)
            found = prepared.result()
        self._leaders = Leaders(tuple(order.names.values()))
        settings = producer_settings(found.settings, _tuning(config, self._largest_batch(found.settings)))
        self._gather_ns = gathering_ns(float(settings["linger.ms"]))
        self._producer = PacedProducer(
            settings,
            order.names,
            self._stats,
            self._leaders,
            order.streams,
        )
        # One broker leads all there is: nothing to tell apart.
        several = len(found.cluster.brokers) > 1 and not order.embedded
        self._watch = PartitionWatch(found.settings, list(order.names.values())) if several else None
        if self._watch:
            self._follow_leaders(self._watch.look_now(_LEADERS_S), time.time_ns())
        self._maker = EventMaker(order, found, sources, self._producer, self._stats)
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

    def _rest(self, now_ns: int) -> None:
        """Wait until the next event is due or has to be made, serving delivery reports."""
        due_ns = self._producer.next_due_ns()
        until_ns = now_ns + _LONGEST_WAIT_NS
        if due_ns is not None:
            until_ns = min(max(due_ns, self._producer.last_ns + self._gather_ns), until_ns)
        self._producer.wait(max(0, until_ns - time.time_ns()) / _NS_PER_S)
        if due_ns is None and now_ns >= self._end_ns:
            self._finish()

    def _finish(self) -> None:
        if self._end_ns and not self._scheduled:
            self._scheduled = True
            self._maker.stop()
            self._link.send(messages.Scheduled())

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        match message:
            case messages.Begin(start_ns, measure_from_ns, end_ns):
                self._begin(*map(start_of_ms, (start_ns, measure_from_ns, end_ns)))
            case messages.Audience(rates_per_s, users):
                self._play(rates_per_s, users)
            case messages.SetRate(number, rate_per_s):
                self._dial_per_s = rate_per_s
                self._link.send(messages.RateSet(number, self._play(self._audience, self._users)))
            case messages.Drain():
                self._draining = True
            case _:
                pass

    def _begin(self, start_ns: int, measure_from_ns: int, end_ns: int) -> None:
        self._begun = True
        self._end_ns = end_ns
        self._measure_from_ns = self._stats.origin_ns = measure_from_ns
        self._maker.begin(start_ns, measure_from_ns, end_ns)
        self._tell_playing(start_ns)

    def _play(self, audience: dict[Behaviour, float], users: dict[Behaviour, int]) -> int:
        """Play this audience, at the dial's rate if that is set; gives from when on, in Unix nanoseconds."""
        self._audience, self._users = audience, users
        by_hand = self._dial_per_s is not None
        from_ns = self._maker.set_audience(scaled(audience, self._dial_per_s), by_hand=by_hand)
        if self._begun:
            self._tell_playing(from_ns)
        return from_ns

    def _tell_playing(self, from_ns: int) -> None:
        self._link.send(messages.Playing(from_ns, scaled(self._audience, self._dial_per_s), self._users))

    def report(self, now_ns: int) -> None:
        """Send what was made and sent since the last report."""
        self._producer.settle()
        self._maker.account_asked(now_ns)
        if self._watch:
            self._follow_leaders(self._watch.look(), now_ns)
        self.send_all(map(messages.Notice, self._producer.take_notices()))
        produced, since_ns = self._producer.produced - self._reported[0], now_ns - self._reported[1]
        self._reported = (self._producer.produced, now_ns)
        achieved_per_s = produced / max(since_ns, 1) * _NS_PER_S
        followed_per_s = self._maker.take_followed() / max(since_ns, 1) * _NS_PER_S
        target_per_s = self._maker.target_per_s(now_ns) + followed_per_s
        self._link.send(
            messages.GeneratorReport(
                stats=self._stats.take(),
                now_ns=now_ns,
                clock_step_ns=self._clock.step_ns(),
                target_per_s=achieved_per_s if self._maker.flat_out else target_per_s,
                achieved_per_s=achieved_per_s,
                queue=len(self._producer),
                behind_ns=self._behind_ns(now_ns),
                rss_bytes=resident_bytes(),
                cpu_ns=time.process_time_ns(),
                due=self._maker.due_by(min(now_ns, self._end_ns or now_ns)),  # also while it is drained
            )
        )
        self._tell_pages()

    def requests_per_s(self) -> dict[str, float]:
        """What the producer sent in the measured time, by kind."""
        return self._producer.requests.per_s()

    def _tell_pages(self, *, everything: bool = False) -> None:
        taken = self._producer.dispatches.take_pages(everything=everything)
        self.send_all(messages.Pages(kind, pages) for kind, pages in taken.items())

    def _behind_ns(self, now_ns: int) -> int:
        """How late the most overdue event is: one that waits, or one that should have been made."""
        due_ns = self._producer.next_due_ns()
        if due_ns is None and self._begun and not self._scheduled and not self._maker.flat_out:
            due_ns = self._maker.made_until_ns
        return max(0, now_ns - due_ns) if due_ns is not None else 0

    def _drain(self) -> None:
        """Wait for what is under way, as long as the configuration allows, and say the last word."""
        self._costs.end()
        self._producer.requests.end()
        stopped_ns = self._end_ns = min(time.time_ns(), self._end_ns or time.time_ns())
        # Of some topics what is due may wait since the last step.
        self._producer.pump(stopped_ns)
        self._maker.account_asked(stopped_ns, ended=True)
        if self._begun and stopped_ns > self._measure_from_ns:
            self._stats.timeless.add_total("due", self._maker.due_by(stopped_ns))
        deadline_s = time.monotonic() + self._config.load.drain_timeout_s
        left = self._producer.flush(_FLUSH_STEP_S)
        while left and time.monotonic() < deadline_s:
            self.report(time.time_ns())
            left = self._producer.flush(_FLUSH_STEP_S)
        if left:
            left = self._producer.give_up()
        self._producer.settle()
        self._tell_pages(everything=True)
        self._stats.timeless.add_total("unsent", self._producer.waiting())
        self.tell_cost()
        self._link.send(
            messages.GeneratorDrained(self._stats.take(), left, self._producer.last_ns, stopped_ns)
        )
        self._maker.close()
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


def gathering_ns(linger_ms: float) -> int:
    """How long events that become due are gathered before they are handed to a client that waits so long for more."""
    least_ns, most_ns = _GATHER_NS
    return min(max(round(linger_ms * NS_PER_MS * _GATHER_SHARE), least_ns), most_ns)


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


def _prepare(config: RunConfig) -> None:
    if config.load.workload is None:
        made(config.world)


if __name__ == "__main__":
    serve(_work, _prepare)

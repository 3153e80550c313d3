"""The process in which an observer works, beside a generator or for all of them.

Started by a worker with the descriptor of a link: `python -m lensload.observer.process FD`. It knows neither Locust
nor gevent.
"""

import json
import time
from typing import TYPE_CHECKING, Any, Final

from lensload.config.model import REQUESTS, RESPONSES
from lensload.errors import ClusterError
from lensload.ids import start_of_ms
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.kafka.partition_watch import PartitionWatch
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.machine import resident_bytes
from lensload.metrics.librdkafka import INTERVAL_MS, RequestRates
from lensload.observer.follower import Follower
from lensload.observer.observer import Observer, Ours, shares
from lensload.processes import lasting, messages
from lensload.processes.child_main import RunChild, serve
from lensload.processes.envelope import Message
from lensload.processes.link import Link
from lensload.service.group_watch import GroupWatch, readers_of

if TYPE_CHECKING:
    from lensload.service.reader import ReplyReader

_LISTEN_NS: Final = 20_000_000
_PATIENCE_S: Final = 0.02
_ASK_S: Final = 1.0
_LEADERS_S: Final = 5.0  # for the first answer of who leads the partitions
# Without acks=all an event can be acknowledged before its followers have it, and be read only after.
_SETTLE_S: Final = 3.0


class ObserverProcess(RunChild):
    """Lets an observer work until told to drain.

    Args:
        link: to the worker.
        order: what to do.

    Raises:
        LensloadError: the cluster does not allow it.
    """

    def __init__(self, link: Link, order: messages.ConfigureObserver) -> None:
        super().__init__(link, order.config, _LISTEN_NS)
        self._endless = False
        settings = connection.client_settings(order.config.cluster, order.bootstrap_servers)
        facts = connection.check(settings)
        topics = {name: topic for topic, name in order.names.items()}
        if answers := order.config.responses_name:
            topics[answers] = RESPONSES
        found = ensure_topics(
            settings,
            list(topics),
            order.config.cluster.partitions,
            order.config.cluster.replication_factor,
            embedded=order.embedded,
        )
        mine = shares(found, order.share_index, order.share_count)
        self._replies = _reply_reader(order) if answers else None
        self._watch = _group_watch(order, settings, mine) if order.config.service.watch_group else None
        self._look_for_readers = order.share_index == 0
        self._settings, self._requests = settings, order.names.get(REQUESTS, REQUESTS)
        self._request_rates = RequestRates()
        self._observer = Observer(
            {
                **consumer_settings(settings, embedded=order.embedded),
                "statistics.interval.ms": INTERVAL_MS,
                "stats_cb": self._note_statistics,
            },
            mine,
            topics,
            Ours(order.run_tag, order.streams),
            self._stats,
            replies=self._replies,
            log=self._watch.log if self._watch else None,
            # A process that was kept waiting may have read events before it has heard when measuring begins.
            listen=self.listen,
        )
        self._observer.prove()
        several = len(facts.brokers) > 1
        self._settle_s = _SETTLE_S if several and order.config.producer.acks != "all" else 0.0
        self._follower = None if order.embedded else self._follow(order, found, several=several)

    def run(self) -> None:
        """Say ready, then work until drained."""
        self._link.send(messages.Ready({}))
        lasting.end()
        while not self._draining:
            self._observer.watch(_PATIENCE_S)
            self.attend(time.time_ns())
        self._drain()

    def _follow(self, order: messages.ConfigureObserver, found: dict[str, int], *, several: bool) -> Follower:
        admin, least = TopicAdmin(self._settings), dict[str, int]()
        if several and order.share_index == 0 and order.config.producer.acks == "all":
            asked = {
                name: admin.settings(name).get("min.insync.replicas", "0") for name in order.names.values()
            }
            least = {name: int(text) for name, text in asked.items()}
        watch = PartitionWatch(self._settings, list(found))
        share = (order.share_index, order.share_count)
        follower = Follower(self._observer, watch, found, share, least, by_leader=several)
        self.send_all(map(messages.Notice, follower.look_now(_LEADERS_S)))
        return follower

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        match message:
            case messages.Begin(measure_from_ns=measure_from_ns):
                self._stats.origin_ns = start_of_ms(measure_from_ns)
            case messages.Drain():
                self._draining = True
            case messages.Settled(pages):
                self._observer.settle(pages)
            case _:
                pass

    def report(self, now_ns: int) -> None:
        """Send what was seen since the last report."""
        self._observer.account()
        self.send_all(map(messages.Notice, self._observer.take_notices()))
        if self._follower:
            self.send_all(map(messages.Notice, self._follower.look()))
        self._link.send(
            messages.ObserverReport(
                stats=self._stats.take(),
                now_ns=now_ns,
                clock_step_ns=self._clock.step_ns(),
                rss_bytes=resident_bytes(),
                cpu_ns=time.process_time_ns(),
            )
        )
        self._tell_pages()
        self._tell_replies()
        if self._watch:
            self._tell_groups(self._watch)

    def requests_per_s(self) -> dict[str, float]:
        """What the consumer sent in the measured time, by kind."""
        return self._request_rates.per_s()

    def _note_statistics(self, text: str) -> None:
        """Enter what librdkafka tells each second, if it is measured time."""
        if 0 < self._stats.origin_ns <= time.time_ns():
            self._request_rates.record(json.loads(text))

    def _tell_groups(self, watch: GroupWatch) -> None:
        self._link.send(messages.Groups(watch.samples()))
        watch.ask()

    def _tell_replies(self, *, everything: bool = False) -> None:
        if self._replies:
            if everything:
                self._replies.work(everything=True)
            self._link.send(messages.Replies(*self._replies.take()))

    def _tell_pages(self, *, everything: bool = False) -> None:
        taken = self._observer.take_pages(everything=everything)
        if taken:
            self._link.send(messages.Pages("seen", taken))

    def _drain(self) -> None:
        """Read up to where the partitions end now, as long as the configuration allows."""
        self._costs.end()
        self._request_rates.end()
        complete = self._read_to_the_ends(time.monotonic() + self._config.load.drain_timeout_s)
        self._observer.account()
        self._observer.close()
        self._tell_pages(everything=True)
        self._tell_replies(everything=True)
        if self._replies and not self._replies.met and self._look_for_readers:
            self._link.send(messages.Notice(readers_of(self._settings, self._requests)))
        self.tell_cost()
        self._link.send(messages.ObserverDrained(self._stats.take(), complete=complete))

    def _read_to_the_ends(self, deadline_s: float) -> bool:
        """Read up to where the partitions end, and are still to end after the time to settle; False: not in time."""
        answers = self._answers()
        if self._follower:  # partitions that were added a moment ago hold events too
            self.send_all(map(messages.Notice, self._follower.look_now(_ASK_S)))
        ends: dict[tuple[str, int], int] | None = None
        asked_s = 0.0
        while (now_s := time.monotonic()) < deadline_s:
            self._observer.watch(_PATIENCE_S)
            self.report_each_second(time.time_ns())
            # Reports ask again while a broker that was away is not back. Whoever never had an answer may not ask at all.
            if ends is None and (not answers or self._answers() > answers):
                ends, asked_s = self._ends(), now_s
            elif ends is not None and not self._observer.behind(ends) and now_s >= asked_s + self._settle_s:
                before, ends, asked_s = ends, self._ends() if self._settle_s else ends, now_s
                if ends == before:
                    return True
        return False

    def _answers(self) -> int:
        """How often the cluster has told which partitions there are."""
        return self._follower.answers if self._follower else 0

    def _ends(self) -> dict[tuple[str, int], int] | None:
        """Where the partitions end; None, and a notice, while a broker that was away is not back yet."""
        try:
            return self._observer.ends(_ASK_S)
        except ClusterError as error:
            if not self._endless:
                self._endless = True
                self._link.send(messages.Notice(error.message))
            return None


def _reply_reader(order: messages.ConfigureObserver) -> "ReplyReader":
    # Slow to import, and needed only where a service answers.
    from lensload.schema.writer_schemas import WriterSchemas  # noqa: PLC0415
    from lensload.service.reader import ReplyReader  # noqa: PLC0415
    from lensload.world.catalogue import item_ids  # noqa: PLC0415

    writers = WriterSchemas(connection.registry_of(order.config.cluster, order.registry_url))
    return ReplyReader(order.run_tag, writers, item_ids(order.config.world.catalogue_size))


def _group_watch(
    order: messages.ConfigureObserver, settings: dict[str, Any], mine: dict[str, list[int]]
) -> GroupWatch:
    topics = {name: topic for topic, name in order.names.items()}
    places = [(name, number) for name in topics for number in mine[name]]
    describe = order.share_index == 0
    return GroupWatch(settings, order.config.service.watch_group, topics, places, describe=describe)


def _work(link: Link, order: Message) -> None:
    if isinstance(order, messages.ConfigureObserver):
        ObserverProcess(link, order).run()


if __name__ == "__main__":
    serve(_work)

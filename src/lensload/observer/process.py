"""The process in which an observer works, beside a generator or for all of them.

Started by a worker with the descriptor of a link: `python -m lensload.observer.process FD`. It knows neither Locust
nor gevent.
"""

import time
from typing import Final

from lensload.clock import WallClock
from lensload.errors import ClusterError
from lensload.kafka import connection
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.stats import Tally
from lensload.observer.observer import Observer, shares
from lensload.processes.child import resident_bytes, serve, whole_ms
from lensload.processes.link import Link
from lensload.processes.messages import (
    Begin,
    ConfigureObserver,
    Drain,
    Message,
    Notice,
    ObserverDrained,
    ObserverReport,
    Pages,
    Ready,
    Settled,
)

_REPORT_NS: Final = 1_000_000_000
_LISTEN_NS: Final = 20_000_000
_PATIENCE_S: Final = 0.02
_ASK_S: Final = 1.0


class ObserverProcess:
    """Lets an observer work until told to drain.

    Args:
        link: to the worker.
        order: what to do.

    Raises:
        LensloadError: the cluster does not allow it.
    """

    def __init__(self, link: Link, order: ConfigureObserver) -> None:
        self._link = link
        self._config = order.config
        self._tally = Tally()
        self._draining = False
        self._endless = False
        self._clock = WallClock()
        settings = connection.client_settings(order.config.cluster, order.bootstrap_servers)
        connection.check(settings)
        names = order.names
        found = ensure_topics(
            settings,
            list(names.values()),
            order.config.cluster.partitions,
            order.config.cluster.replication_factor,
            embedded=order.embedded,
        )
        mine = shares(found, order.share_index, order.share_count)
        self._observer = Observer(
            consumer_settings(settings, embedded=order.embedded),
            mine,
            {name: topic for topic, name in names.items()},
            order.run_tag,
            self._tally,
        )
        self._observer.prove()

    def run(self) -> None:
        """Say ready, then work until drained."""
        self._link.send(Ready({}))
        next_report_ns = (time.time_ns() // _REPORT_NS + 1) * _REPORT_NS
        next_listen_ns = 0
        while not self._draining:
            self._observer.watch(_PATIENCE_S)
            now_ns = time.time_ns()
            if now_ns >= next_listen_ns:
                self._listen()
                next_listen_ns = now_ns + _LISTEN_NS
            if now_ns >= next_report_ns:
                self._report(now_ns)
                next_report_ns += _REPORT_NS * (1 + (now_ns - next_report_ns) // _REPORT_NS)
        self._drain()

    def _listen(self) -> None:
        while (envelope := self._link.receive(0)) is not None:
            match envelope.opened():
                case Begin(measure_from_ns=measure_from_ns):
                    self._observer.measure_from_ns = whole_ms(measure_from_ns)
                case Drain():
                    self._draining = True
                case Settled(pages):
                    self._observer.settle((stream, number) for stream, number in pages)
                case _:
                    pass

    def _report(self, now_ns: int) -> None:
        self._observer.account()
        for text in self._observer.take_notices():
            self._link.send(Notice(text))
        self._link.send(
            ObserverReport(
                stats=self._tally.take(),
                now_ns=now_ns,
                clock_step_ns=self._clock.step_ns(),
                rss_bytes=resident_bytes(),
                cpu_ns=time.process_time_ns(),
            )
        )
        self._tell_pages()

    def _tell_pages(self, *, everything: bool = False) -> None:
        taken = self._observer.take_pages(everything=everything)
        if taken:
            self._link.send(Pages.of("seen", taken))

    def _drain(self) -> None:
        """Read up to where the partitions end now, as long as the configuration allows."""
        deadline_s = time.monotonic() + self._config.load.drain_timeout_s
        ends: dict[tuple[str, int], int] | None = None
        left = 0
        next_report_ns = time.time_ns() + _REPORT_NS
        while (ends is None or left) and time.monotonic() < deadline_s:
            self._observer.watch(_PATIENCE_S)
            if time.time_ns() >= next_report_ns:
                self._report(time.time_ns())
                next_report_ns = time.time_ns() + _REPORT_NS
            if ends is None:
                ends = self._ends()
            left = self._observer.behind(ends) if ends else 0
        self._observer.account()
        self._observer.close()
        self._tell_pages(everything=True)
        self._link.send(ObserverDrained(self._tally.take(), complete=ends is not None and not left))

    def _ends(self) -> dict[tuple[str, int], int] | None:
        """Where the partitions end; None, and a notice, while a broker that was away is not back yet."""
        try:
            return self._observer.ends(_ASK_S)
        except ClusterError as error:
            if not self._endless:
                self._endless = True
                self._link.send(Notice(error.message))
            return None


def _work(link: Link, order: Message) -> None:
    if isinstance(order, ConfigureObserver):
        ObserverProcess(link, order).run()


if __name__ == "__main__":
    serve(_work)

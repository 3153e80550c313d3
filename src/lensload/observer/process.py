"""The process in which an observer works, beside a generator or for all of them.

Started by a worker with the descriptor of a link: `python -m lensload.observer.process FD`. It knows neither Locust
nor gevent.
"""

import time
from typing import Final

from lensload.errors import ClusterError
from lensload.kafka import connection
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.observer.observer import Observer, shares
from lensload.processes import messages
from lensload.processes.child import RunChild, resident_bytes, serve, whole_ms
from lensload.processes.link import Link
from lensload.processes.messages import Message

_LISTEN_NS: Final = 20_000_000
_PATIENCE_S: Final = 0.02
_ASK_S: Final = 1.0


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
        self._link.send(messages.Ready({}))
        while not self._draining:
            self._observer.watch(_PATIENCE_S)
            self.attend(time.time_ns())
        self._drain()

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        match message:
            case messages.Begin(measure_from_ns=measure_from_ns):
                self._observer.measure_from_ns = whole_ms(measure_from_ns)
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
        self._link.send(
            messages.ObserverReport(
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
            self._link.send(messages.Pages("seen", taken))

    def _drain(self) -> None:
        """Read up to where the partitions end now, as long as the configuration allows."""
        deadline_s = time.monotonic() + self._config.load.drain_timeout_s
        ends: dict[tuple[str, int], int] | None = None
        left = 0
        while (ends is None or left) and time.monotonic() < deadline_s:
            self._observer.watch(_PATIENCE_S)
            self.report_each_second(time.time_ns())
            if ends is None:
                ends = self._ends()
            left = self._observer.behind(ends) if ends else 0
        self._observer.account()
        self._observer.close()
        self._tell_pages(everything=True)
        self._link.send(messages.ObserverDrained(self._tally.take(), complete=ends is not None and not left))

    def _ends(self) -> dict[tuple[str, int], int] | None:
        """Where the partitions end; None, and a notice, while a broker that was away is not back yet."""
        try:
            return self._observer.ends(_ASK_S)
        except ClusterError as error:
            if not self._endless:
                self._endless = True
                self._link.send(messages.Notice(error.message))
            return None


def _work(link: Link, order: Message) -> None:
    if isinstance(order, messages.ConfigureObserver):
        ObserverProcess(link, order).run()


if __name__ == "__main__":
    serve(_work)

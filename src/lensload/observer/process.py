"""The observatory: the process in which an observer works, beside an engine or for all of them.

Started by control with the descriptor of a link: `python -m lensload.observer.process FD`. It knows neither Locust
nor gevent.
"""

import time
from typing import Final

from lensload.clock import WallClock
from lensload.delivery import bitmap
from lensload.errors import ClusterError
from lensload.kafka import connection
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.stats import Tally
from lensload.observer.observer import Observer, shares
from lensload.processes.child import Orders, live, whole_ms
from lensload.processes.link import Link

_REPORT_NS: Final = 1_000_000_000
_LISTEN_NS: Final = 20_000_000
_PATIENCE_S: Final = 0.02
_ASK_S: Final = 1.0


class Observatory:
    """Lets an observer work until told to drain.

    Args:
        link: to control.
        orders: what to do.

    Raises:
        LensloadError: the cluster does not allow it.
    """

    def __init__(self, link: Link, orders: Orders) -> None:
        self._link = link
        self._config = orders.config
        self._tally = Tally()
        self._draining = False
        self._endless = False
        self._clock = WallClock()
        settings = connection.client_settings(orders.config.cluster, orders.bootstrap_servers)
        connection.check(settings)
        names = orders.named()
        found = ensure_topics(
            settings,
            list(names.values()),
            orders.config.cluster.partitions,
            orders.config.cluster.replication_factor,
            embedded=orders.embedded,
        )
        mine = shares(found, orders.message["share_index"], orders.message["share_count"])
        self._observer = Observer(
            consumer_settings(settings, embedded=orders.embedded),
            mine,
            {name: topic for topic, name in names.items()},
            orders.run_tag,
            self._tally,
        )
        self._observer.prove()

    def run(self) -> None:
        """Say ready, then work until drained."""
        self._link.send({"type": "ready", "conditions": {}})
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
        while (message := self._link.receive(0)) is not None:
            if message["type"] == "begin":
                self._observer.measure_from_ns = whole_ms(message["measure_from_ns"])
            elif message["type"] == "drain":
                self._draining = True
            elif message["type"] == "settled":
                self._observer.settle((stream, number) for stream, number in message["pages"])

    def _report(self, now_ns: int) -> None:
        self._observer.account()
        for text in self._observer.take_notices():
            self._link.send({"type": "notice", "text": text})
        self._link.send(
            {
                "type": "report",
                "now_ns": now_ns,
                "clock_step_ns": self._clock.step_ns(),
                "tally": self._tally.take().to_wire(),
            }
        )
        self._tell_pages()

    def _tell_pages(self, *, everything: bool = False) -> None:
        taken = self._observer.take_pages(everything=everything)
        if taken:
            self._link.send({"type": "pages", "kind": "seen", "pages": bitmap.to_wire(taken)})

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
        complete = ends is not None and not left
        self._link.send({"type": "drained", "tally": self._tally.take().to_wire(), "complete": complete})

    def _ends(self) -> dict[tuple[str, int], int] | None:
        """Where the partitions end; None, and a notice, while a broker that was away is not back yet."""
        try:
            return self._observer.ends(_ASK_S)
        except ClusterError as error:
            if not self._endless:
                self._endless = True
                self._link.send({"type": "notice", "text": error.message})
            return None


def _work(link: Link, orders: Orders) -> None:
    Observatory(link, orders).run()


if __name__ == "__main__":
    live(_work)

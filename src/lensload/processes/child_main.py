"""The main loop inside a child process: started on a link, told what to do, and gone when the link closes."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Final

from lensload.clock import WallClock
from lensload.config.model import RunConfig
from lensload.errors import LensloadError
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.cost import CostMeter
from lensload.processes.envelope import Message
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import Begin, Expect, Refused, Used

_REPORT_NS: Final = NS_PER_S


class RunChild:
    """A process of a run, seen from inside: it obeys its worker's messages, and reports each second, on the second.

    Args:
        link: to the worker.
        config: of the run.
        listen_ns: how long messages may wait.
    """

    def __init__(self, link: Link, config: RunConfig, listen_ns: int) -> None:
        self._link = link
        self._config = config
        self._stats = StatsBySecond()
        self._clock = WallClock()
        self._costs = CostMeter()
        self._draining = False
        self._listen_ns = listen_ns
        self._next_listen_ns = self._next_report_ns = 0

    def attend(self, now_ns: int) -> None:
        """Obey what has come, if it is time to look, and report, if a second has passed."""
        if now_ns >= self._next_listen_ns:
            self.listen()
            self._next_listen_ns = now_ns + self._listen_ns
        self._costs.look(now_ns)
        self.report_each_second(now_ns)

    def listen(self) -> None:
        """Obey what has come."""
        while (envelope := self._link.receive(0)) is not None:
            self._hear(envelope.opened())

    def report_each_second(self, now_ns: int) -> None:
        """Report if a second has passed; on the second, so that what all processes report is of the same time."""
        if now_ns >= self._next_report_ns:
            if self._next_report_ns:
                self.report(now_ns)
                self.tell_cost()
            self._next_report_ns = (now_ns // _REPORT_NS + 1) * _REPORT_NS

    def send_all(self, messages: Iterable[Message]) -> None:
        """Send messages to the worker."""
        for message in messages:
            self._link.send(message)

    def tell_cost(self) -> None:
        """Send what the measured time has cost so far, if it has begun."""
        if cost := self._costs.cost():
            self._link.send(Used({**cost, "requests_per_s": self.requests_per_s()}))

    def requests_per_s(self) -> dict[str, float]:
        """What its Kafka client sent in the measured time, by kind."""
        raise NotImplementedError

    def _hear(self, message: Message) -> None:
        if isinstance(message, Begin):
            self._costs.begin(message.measure_from_ns, message.end_ns)
        self.obey(message)

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        raise NotImplementedError

    def report(self, now_ns: int) -> None:
        """Send what was measured since the last report."""
        raise NotImplementedError


def serve(
    work: Callable[[Link, Message], None], prepare: Callable[[RunConfig], None] = lambda _: None
) -> None:
    """Be a child process: wait for its orders on the link whose descriptor is the first argument, and `work`.

    What a run needs that is only expected is `prepare`d meanwhile. A LensloadError is sent to the parent as a refusal. When the
    link closes the process ends at once, whatever it is doing: its parent is gone.
    """
    # Ctrl-C is the parent's to handle; it sends Drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = Link.of_child(int(sys.argv[1]))
    try:
        while (envelope := link.receive()) is not None and envelope.holds(Expect):
            _prepare(prepare, envelope.opened())
        if envelope is None:
            return
        try:
            work(link, envelope.opened())
        except LensloadError as error:
            link.send(Refused(error.exit_code, str(error)))
    except LinkClosed as closed:
        with contextlib.suppress(OSError):
            os.write(2, f"The link to the parent is closed: {closed}.\n".encode())
        # At once: a client that is taken down in order would go on sending.
        os._exit(1)


def _prepare(prepare: Callable[[RunConfig], None], expected: Message) -> None:
    if isinstance(expected, Expect):
        with contextlib.suppress(LensloadError):  # it is the run's, should that come
            prepare(expected.config)

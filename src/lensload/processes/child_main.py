"""The main loop inside a child process: started on a link, told what to do, and gone when the link closes."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from lensload.clock import WallClock
from lensload.config.model import RunConfig
from lensload.errors import LensloadError
from lensload.ids import NS_PER_MS
from lensload.metrics.stats import Stats
from lensload.processes.envelope import Message
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import Refused

_REPORT_NS: Final = 1_000_000_000


def whole_ms(at_ns: int) -> int:
    """`at_ns` rounded down to the millisecond, where due times (which ids round down) cannot fall behind it."""
    return at_ns - at_ns % NS_PER_MS


def resident_bytes() -> int:
    """The memory of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


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
        self._stats = Stats()
        self._clock = WallClock()
        self._draining = False
        self._listen_ns = listen_ns
        self._next_listen_ns = self._next_report_ns = 0

    def attend(self, now_ns: int) -> None:
        """Obey what has come, if it is time to look, and report, if a second has passed."""
        if now_ns >= self._next_listen_ns:
            while (envelope := self._link.receive(0)) is not None:
                self.obey(envelope.opened())
            self._next_listen_ns = now_ns + self._listen_ns
        self.report_each_second(now_ns)

    def report_each_second(self, now_ns: int) -> None:
        """Report if a second has passed; on the second, so that what all processes report is of the same time."""
        if now_ns >= self._next_report_ns:
            if self._next_report_ns:
                self.report(now_ns)
            self._next_report_ns = (now_ns // _REPORT_NS + 1) * _REPORT_NS

    def send_all(self, messages: Iterable[Message]) -> None:
        """Send messages to the worker."""
        for message in messages:
            self._link.send(message)

    def obey(self, message: Message) -> None:
        """Do what a message says."""
        raise NotImplementedError

    def report(self, now_ns: int) -> None:
        """Send what was measured since the last report."""
        raise NotImplementedError


def serve(work: Callable[[Link, Message], None]) -> None:
    """Be a child process: wait for the first message on the link whose descriptor is the first argument, and `work`.

    A LensloadError is sent to the parent as a refusal. When the link closes the process ends at once, whatever it is
    doing: its parent is gone.
    """
    # Ctrl-C is the parent's to handle; it sends Drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = Link.of_child(int(sys.argv[1]))
    try:
        envelope = link.receive()
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

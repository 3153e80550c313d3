"""A child process: started on a link, told what to do, and gone when the link closes."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from lensload.errors import LensloadError
from lensload.ids import NS_PER_MS
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import Message, Refused


def whole_ms(at_ns: int) -> int:
    """`at_ns` rounded down to the millisecond, where due times (which ids round down) cannot fall behind it."""
    return at_ns - at_ns % NS_PER_MS


def resident_bytes() -> int:
    """The memory of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


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

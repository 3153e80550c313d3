"""A child process that is a fork of this one: what this one has imported it need not import again.

That is most of what its start costs. It is for a process without threads and without a client of Kafka, and for Linux
alone: elsewhere the libraries of the system may not be used after a fork.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Final, NoReturn

import confluent_kafka as _  # noqa: F401 - so that each fork has it

from lensload.processes import start

_LOOK_S: Final = 0.005
_CLIENTS: Final = "rdk:"  # how the names of librdkafka's threads begin


def is_safe() -> bool:
    """Whether this process may fork: there are neither threads of Python's nor of a Kafka client's, and no gevent."""
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and "gevent" not in sys.modules
        and not any(each.read_text().startswith(_CLIENTS) for each in Path("/proc/self/task").glob("*/comm"))
    )


class Fork:
    """A child that runs a module, with `subprocess.Popen`'s methods as far as they are needed.

    Args:
        module: what runs in it, with the link's descriptor as its argument.
        link_fd: the link's descriptor; but for the three of standard input and output it has no other.
        stderr_fd: what standard error is written to.
    """

    def __init__(self, module: str, link_fd: int, stderr_fd: int) -> None:
        self._returncode: int | None = None
        sys.stdout.flush()
        sys.stderr.flush()
        # Held back meanwhile: an exception in the child would have it go on as if it were the parent.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _run(module, link_fd, stderr_fd, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def poll(self) -> int | None:
        """Its exit code, that of a signal below zero; None while it runs."""
        if self._returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._returncode = os.waitstatus_to_exitcode(status)
        return self._returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, within so many seconds.
        """
        deadline_s = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(_LOOK_S)
        return code

    def kill(self) -> None:
        """End it at once, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def _run(module: str, link_fd: int, stderr_fd: int, mask: set[int]) -> NoReturn:
    """Be the child. It never returns to what its parent was doing, and closes nothing that Python still has open."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(stderr_fd, 2)
        # The parent's ends of links too: a child that held another's would keep it from seeing that the parent is gone.
        for fd in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 - numbers
            if fd not in (0, 1, 2, link_fd):
                with contextlib.suppress(OSError):  # the listing's own
                    os.close(fd)
        sys.argv = [module, module, str(link_fd)]
        start.main()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it is this process's last
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)

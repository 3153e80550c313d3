"""A child process as its parent holds it: started on a link, polled for messages, and ended.

A child leads its own session, so that Ctrl-C in a terminal reaches the parent alone, which tells the child to drain.
It ends by itself when its link closes, so that none outlives a parent that was killed. Plain sockets, pipes and
`subprocess`: it works with gevent and without.
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from lensload.processes import interpreter
from lensload.processes.envelope import Envelope, Message
from lensload.processes.link import Link, LinkClosed
from lensload.processes.messages import Ready

if TYPE_CHECKING:
    from lensload.processes.fork import Fork

_LAST_WORDS_LINES: Final = 12
_END_BUDGET_S: Final = 2.0


class ChildProcess:
    """One child process, to be subclassed for what it sends.

    Args:
        name: what messages call it.
        module: what runs in it, with the link's descriptor as its argument.

    Attributes:
        name: as given.
        ready: it has reported that it can begin.
        finished: it has sent its last message: it was drained, or cannot go on.
        died: that it ended without a last message, with the reason as far as known; None while it lives.
    """

    def __init__(self, name: str, module: str) -> None:
        self.name = name
        self.ready = False
        self.finished = False
        self.died: str | None = None
        self._module = module
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | Fork | None = None
        self._stderr = -1
        self._partial_line = b""

    @property
    def pid(self) -> int | None:
        """Of the operating system; None before `launch`."""
        return self._process.pid if self._process else None

    @property
    def ended(self) -> bool:
        """Nothing more will come from it."""
        return self._link is None

    def launch(self, *, forked: bool = False) -> None:
        """Start the process, which imports what it needs and waits for `configure`. Once is enough.

        Args:
            forked: it is a fork of this process, which must be fit for that (see `Fork`).
        """
        # Under gevent Popen lets others run, who may want the process to be launched too.
        if self._link or self._process:
            return
        self._link, theirs = Link.pair()
        self._stderr, stderr = os.pipe()
        os.set_blocking(self._stderr, False)
        try:
            make = _forked if forked else _spawned
            self._process = make(self._module, theirs.fileno(), stderr)
        finally:
            theirs.close()
            os.close(stderr)

    def send(self, message: Message | Envelope) -> None:
        """Send a message; to a process that has ended this does nothing, as `poll` notices its end."""
        if self._link:
            with contextlib.suppress(LinkClosed):
                self._link.send(message)

    def fileno(self) -> int:
        """The link's descriptor, to wait on; -1 once it has ended."""
        return self._link.fileno() if self._link else -1

    def poll(self) -> None:
        """Take in whatever it has said since, without waiting; notice its end."""
        if not self._link:
            return
        gone = self._process is not None and self._process.poll() is not None
        try:
            while (envelope := self._link.receive(0)) is not None:
                self.ready |= envelope.holds(Ready)
                self.finished |= Message.kinds.get(envelope.kind, Message).is_last
                self._receive(envelope)
        except LinkClosed:
            gone = True
        self._read_stderr()
        if gone:
            self._end()

    def close(self) -> None:
        """Close the link, upon which the process ends; after 2 s it is killed."""
        if self._link:
            self._link.close()
            self._link = None
        if self._process and self._process.poll() is None:
            try:
                self._process.wait(_END_BUDGET_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def kill(self) -> None:
        """End it now, whatever it is doing."""
        if self._process and self._process.poll() is None:
            self._process.kill()
        self.close()

    def _receive(self, envelope: Envelope) -> None:
        """Take in a message; subclasses know what it is for."""
        raise NotImplementedError

    def _read_stderr(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._stderr, 1 << 16):
                *lines, self._partial_line = (self._partial_line + chunk).split(b"\n")
                for line in lines:
                    self._last_words.append(line.decode(errors="replace"))
                    logging.getLogger(f"lensload.{self.name}").info("%s", self._last_words[-1])

    def _end(self) -> None:
        """The link is closed or the process gone: see that both are, and say why if it was not to be."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process:
                self._process.wait(_END_BUDGET_S)
        self._read_stderr()
        code = self._process.poll() if self._process else None
        self.kill()
        if not self.finished:
            words = "\n  ".join(self._last_words)
            self.died = f"The {self.name} process {_cause(code)}" + (
                f"; its last words:\n  {words}" if words else "."
            )


def _spawned(module: str, link_fd: int, stderr_fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own module, our own interpreter
        interpreter.command("lensload.processes.start", module, str(link_fd)),
        env=interpreter.environ(),
        stdin=subprocess.DEVNULL,
        stderr=stderr_fd,
        pass_fds=[link_fd],
        start_new_session=True,
    )


def _forked(module: str, link_fd: int, stderr_fd: int) -> "Fork":
    from lensload.processes.fork import Fork  # noqa: PLC0415 - it imports what only forks share

    return Fork(module, link_fd, stderr_fd)


def poll_all(processes: Sequence[ChildProcess], timeout_s: float = 0.0, wake_fd: int | None = None) -> None:
    """Take in what the processes say, waiting at most `timeout_s` for the first of it; notice deaths.

    Args:
        processes: the children.
        timeout_s: the longest wait.
        wake_fd: a descriptor that ends the wait too, once it can be read.
    """
    waiting = select.poll()
    if wake_fd is not None:
        waiting.register(wake_fd, select.POLLIN)
    for process in processes:
        if not process.ended:
            waiting.register(process.fileno(), select.POLLIN)
    waiting.poll(timeout_s * 1000)
    for process in processes:
        process.poll()


def _cause(code: int | None) -> str:
    if code is None:
        return "closed its link"
    if code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"

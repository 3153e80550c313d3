"""Workers in the coordinator's own process, which polls their generators and observers while it waits."""

import contextlib
import socket
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Self

from lensload.config.model import RunConfig
from lensload.processes.child_process import poll_all
from lensload.processes.envelope import Parcel
from lensload.processes.stop_signals import deferred_stops
from lensload.processes.worker import Worker

Receive = Callable[[str, Parcel], None]


class LocalTransport:
    """So many workers on this machine, each with a generator and an observer process.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._receive: Receive | None = None
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._waker.setblocking(False)
        self._workers = {
            worker: Worker(partial(self._post, worker)) for worker in (f"local {n}" for n in range(count))
        }

    @property
    def workers(self) -> Sequence[str]:
        """All of them, always."""
        return list(self._workers)

    @classmethod
    @contextlib.contextmanager
    def launched(cls, config: RunConfig, *, forked: bool = False) -> Generator[Self]:
        """The workers of a run, whose processes have been started and prepare for it: that time is then saved.

        After the block all processes have ended.

        Args:
            config: of the run.
            forked: the processes are forks of this one, which must be fit for that (see `Fork`).
        """
        transport = cls(config.load.workers)
        try:
            with deferred_stops():
                for worker in transport._workers.values():
                    worker.launch(config, forked=forked)
            yield transport
        finally:
            transport.kill()

    def join(self, receive: Receive) -> None:
        """Let all workers join the run whose coordinator receives by `receive`."""
        self._receive = receive
        for worker in self._workers.values():
            worker.join()

    def kill(self) -> None:
        """End all processes now, whatever they are doing."""
        for worker in self._workers.values():
            worker.kill()
        self._wake.close()
        self._waker.close()

    def is_lost(self, worker: str) -> bool:  # noqa: ARG002 - the protocol's
        """Never: a worker is lost with this process alone."""
        return False

    def send(self, worker: str, parcel: Parcel) -> None:
        """Hand a parcel to a worker."""
        self._workers[worker].receive(parcel)

    def wait(self, timeout_s: float) -> None:
        """Wait until a process has sent something, or `wake` was called, and receive it."""
        children = [process for worker in self._workers.values() for process in worker.processes]
        poll_all(children, timeout_s, self._wake.fileno())
        with contextlib.suppress(BlockingIOError):
            self._wake.recv(4096)
        for worker in self._workers.values():
            worker.poll()

    def wake(self) -> None:
        """Let whoever waits go on; any thread may call it, and a signal handler."""
        with contextlib.suppress(OSError):  # full, so that it wakes anyway; or closed, so that nobody waits
            self._waker.send(b".")

    def _post(self, worker: str, parcel: Parcel) -> None:
        if self._receive:
            self._receive(worker, parcel)

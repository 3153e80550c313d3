"""Workers in the coordinator's own process, which polls their generators and observers while it waits."""

from collections.abc import Callable, Sequence
from functools import partial

from lensload.processes.child_process import poll_all
from lensload.processes.messages import Parcel
from lensload.processes.worker import Worker

Receive = Callable[[str, Parcel], None]


class LocalTransport:
    """So many workers on this machine, each with a generator and an observer process.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._receive: Receive | None = None
        self._workers = {
            worker: Worker(partial(self._post, worker)) for worker in (f"local {n}" for n in range(count))
        }

    @property
    def workers(self) -> Sequence[str]:
        """All of them, always."""
        return list(self._workers)

    def launch(self) -> None:
        """Start all processes: the time for their imports is then saved."""
        for worker in self._workers.values():
            worker.launch()

    def join(self, receive: Receive) -> None:
        """Let all workers join the run whose coordinator receives by `receive`."""
        self._receive = receive
        for worker in self._workers.values():
            worker.join()

    def kill(self) -> None:
        """End all processes now, whatever they are doing."""
        for worker in self._workers.values():
            worker.kill()

    def is_lost(self, worker: str) -> bool:  # noqa: ARG002 - the protocol's
        """Never: a worker is lost with this process alone."""
        return False

    def send(self, worker: str, parcel: Parcel) -> None:
        """Hand a parcel to a worker."""
        self._workers[worker].receive(parcel)

    def wait(self, timeout_s: float) -> None:
        """Wait until a process has sent something, and receive it."""
        poll_all([process for worker in self._workers.values() for process in worker.processes], timeout_s)
        for worker in self._workers.values():
            worker.poll()

    def wake(self) -> None:
        """Do nothing: a signal handler cannot end a wait, which is short."""

    def _post(self, worker: str, parcel: Parcel) -> None:
        if self._receive:
            self._receive(worker, parcel)

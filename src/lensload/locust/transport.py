"""Locust's runners as carriers of parcels between a coordinator and its workers."""

from collections.abc import Callable, Sequence
from typing import Final

from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message as LocustMessage
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner, WorkerRunner

from lensload.processes.envelope import Parcel

_TO_WORKER: Final = "lensload_to_worker"
_TO_COORDINATOR: Final = "lensload_to_coordinator"
_LOCAL: Final = "local"


class LocustTransport:
    """The coordinator's side: reaches the workers of a master, or the one inside a local runner.

    Args:
        runner: Locust's.
        receive: takes each parcel of a worker.
    """

    def __init__(self, runner: LocalRunner | MasterRunner, receive: Callable[[str, Parcel], None]) -> None:
        self._runner = runner
        self._receive = receive
        self._waiting: list[Event] = []
        runner.register_message(_TO_COORDINATOR, self._hear)

    @property
    def workers(self) -> Sequence[str]:
        """The ids of the workers that are present now."""
        if isinstance(self._runner, LocalRunner):
            return [_LOCAL]
        clients = self._runner.clients
        return [client.id for client in [*clients.ready, *clients.running, *clients.spawning]]

    def is_lost(self, worker: str) -> bool:
        """Whether Locust has lost a worker."""
        if isinstance(self._runner, LocalRunner):
            return False
        client = self._runner.clients.get(worker)
        return client is None or client.state == STATE_MISSING

    def send(self, worker: str, parcel: Parcel) -> None:
        """Send a parcel to a worker."""
        self._runner.send_message(_TO_WORKER, parcel.to_wire(), client_id=worker)  # pyright: ignore[reportArgumentType]  # msgpack carries a list too

    def wait(self, timeout_s: float) -> None:
        """Wait until something was received, or `wake` was called, or the time is over; others run meanwhile."""
        # An event of its own: where several greenlets wait for one and clear it, gevent (26.9) can forget one of them,
        # time-out included, if it waits again while the others are being told.
        news = Event()
        self._waiting.append(news)
        try:
            news.wait(timeout_s)
        finally:
            self._waiting.remove(news)

    def wake(self) -> None:
        """Let whoever waits go on."""
        for news in list(self._waiting):
            news.set()

    def _hear(self, environment: Environment, msg: LocustMessage) -> None:  # noqa: ARG002  # Locust's signature
        self._receive(msg.node_id, Parcel.from_wire(msg.data))


def connect_worker(
    runner: LocalRunner | WorkerRunner, receive: Callable[[Parcel], None]
) -> Callable[[Parcel], None]:
    """The worker's side: gives what sends a parcel to the coordinator; `receive` takes each that comes."""

    def hear(environment: Environment, msg: LocustMessage) -> None:  # noqa: ARG001  # Locust's signature
        receive(Parcel.from_wire(msg.data))

    runner.register_message(_TO_WORKER, hear)
    return lambda parcel: runner.send_message(_TO_COORDINATOR, parcel.to_wire())  # pyright: ignore[reportArgumentType]

"""A Locust process as a worker: it sends its generator the audience that its users make up."""

import time
from collections.abc import Callable

import gevent
from locust.env import Environment
from locust.runners import LocalRunner, WorkerRunner

from lensload.locust.audience import SLICES
from lensload.locust.transport import connect_worker
from lensload.processes import messages
from lensload.processes.envelope import PROCESSES, Envelope, Parcel, ProcessName
from lensload.processes.supervisor import Supervisor
from lensload.processes.worker import MakeSupervisor, Worker

_AUDIENCE_EVERY_S = 0.1
_ORDER_GRACE_S = 2.0


class LocustWorker(Worker):
    """The worker in a Locust process, in all its runs.

    Args:
        environment: Locust's, whose runner carries the parcels.
        make_supervisor: makes the processes of one run.
    """

    def __init__(self, environment: Environment, make_supervisor: MakeSupervisor) -> None:
        runner = environment.runner
        if not isinstance(runner, (LocalRunner, WorkerRunner)):
            raise TypeError(f"a {type(runner).__name__} has no users")
        super().__init__(connect_worker(runner, self.receive), make_supervisor)
        self._runner = runner
        self._user_rate_per_s = self._drain_timeout_s = 0.0
        self._begun = False
        self._draining = False
        self._audience_sent_s = 0.0

    def receive(self, parcel: Parcel) -> None:
        """Take in a parcel from the coordinator; a new run's processes are polled from here on."""
        super().receive(parcel)
        if parcel.process is None and parcel.envelope.holds(messages.Assign):
            message = parcel.envelope.opened()
            assert isinstance(message, messages.Assign)  # noqa: S101 - it holds one
            self._user_rate_per_s = message.user_rate_per_s
            self._drain_timeout_s = message.drain_timeout_s
            self._begun = self._draining = False
            gevent.spawn(self._poll_until_over, parcel.run)

    def leave(self) -> None:
        """This process goes, by a signal: let the coordinator drain the run if it is about to, else drain alone."""
        if self.over:
            return
        _wait(lambda: self._draining, _ORDER_GRACE_S)
        if self._draining:
            _wait(lambda: self.over, 2 * self._drain_timeout_s + 5)
            # Locust's master would give our users to the others if we left before it says quit.
            self._runner.greenlet.join(timeout=_ORDER_GRACE_S)
        else:
            self._drain_alone(self._drain_timeout_s)

    def _drain_alone(self, timeout_s: float) -> None:
        if supervisor := self._supervisor:
            for process in PROCESSES:
                supervisor.send(process, messages.Drain())
                _wait(lambda child=supervisor.processes[process]: child.ended, timeout_s)
        self.end()
        _wait(lambda: self.over, timeout_s)

    def _deliver(self, supervisor: Supervisor, process: ProcessName, envelope: Envelope) -> None:
        if process == "generator" and envelope.holds(messages.Begin):
            self._send_audience(supervisor)
            self._begun = True
        self._draining |= envelope.holds(messages.Drain)
        super()._deliver(supervisor, process, envelope)

    def _poll_until_over(self, run: int) -> None:
        while not self.over and self._run == run:
            self.poll(0.1)
            changed = SLICES.changed and time.monotonic() - self._audience_sent_s >= _AUDIENCE_EVERY_S
            if self._supervisor and self._begun and changed:
                self._send_audience(self._supervisor)

    def _send_audience(self, supervisor: Supervisor) -> None:
        self._audience_sent_s = time.monotonic()
        supervisor.send(
            "generator", messages.Audience(SLICES.rates_per_s(self._user_rate_per_s), SLICES.users())
        )


def _wait(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline_s:
        gevent.sleep(0.05)

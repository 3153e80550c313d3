"""A worker's part in runs: it starts the processes of each, and forwards messages between them and the coordinator."""

from collections.abc import Callable, Iterable

from lensload import clock
from lensload.config.model import RunConfig
from lensload.processes import messages
from lensload.processes.child_process import ChildProcess
from lensload.processes.envelope import Envelope, Message, Parcel, ProcessName
from lensload.processes.supervisor import Forward, Supervisor

MakeSupervisor = Callable[[Forward], Supervisor]


class Worker:
    """One worker, in one run after another. Somebody must call `poll` all the time.

    Args:
        post: sends a parcel to the coordinator.
        make_supervisor: makes the processes of one run, not yet started.

    Attributes:
        over: the processes of the run have ended, or there was no run yet.
    """

    def __init__(self, post: Callable[[Parcel], None], make_supervisor: MakeSupervisor = Supervisor) -> None:
        self.over = True
        self._post = post
        self._make_supervisor = make_supervisor
        self._launched: Supervisor | None = None
        self._supervisor: Supervisor | None = None
        self._run = 0
        self._sent = 0
        self._ending = False

    @property
    def processes(self) -> Iterable[ChildProcess]:
        """The processes of the run that is on."""
        return self._supervisor.processes.values() if self._supervisor else ()

    def launch(self, expected: RunConfig | None = None, *, forked: bool = False) -> None:
        """Start the processes of a run that is sure to come, as `Supervisor.launch` does: that time is then saved."""
        self._launched = self._make_supervisor(self._send)
        self._launched.launch(expected, forked=forked)

    def join(self) -> None:
        """Ask the coordinator for a part in the run."""
        self._post(Parcel(0, 0, None, messages.Join(clock.host()).sealed()))

    def receive(self, parcel: Parcel) -> None:
        """Take in a parcel from the coordinator; one of another run is ignored."""
        if parcel.process is None and parcel.envelope.holds(messages.Assign):
            self._start(parcel.run)
        if parcel.run != self._run or self._supervisor is None:
            return
        if parcel.process is not None:
            self._deliver(self._supervisor, parcel.process, parcel.envelope)
        else:
            self._obey(parcel.envelope.opened())

    def poll(self, timeout_s: float = 0.0) -> None:
        """Forward what the processes send, waiting at most `timeout_s` for the first of it; end them if told to."""
        supervisor = self._supervisor
        if supervisor is None:
            return
        supervisor.poll(timeout_s)
        if self._ending:
            supervisor.poll()
            supervisor.kill()
            self._supervisor = None
            self._send(None, messages.Ended().sealed())
            self.over = True

    def end(self) -> None:
        """End the processes at the next `poll`, drained or not, and those that wait for a run at once."""
        self._ending = True
        if self._launched:
            self._launched.kill()
            self._launched = None

    def kill(self) -> None:
        """End all processes now, and report nothing."""
        self.end()
        if self._supervisor:
            self._supervisor.kill()

    def _start(self, run: int) -> None:
        if self._supervisor:
            self._supervisor.kill()
        self._supervisor, self._launched = (self._launched or self._make_supervisor(self._send), None)
        self._run, self._sent, self._ending, self.over = run, 0, False, False

    def _deliver(self, supervisor: Supervisor, process: ProcessName, envelope: Envelope) -> None:
        supervisor.send(process, envelope)

    def _obey(self, message: Message) -> None:
        match message:
            case messages.AskClock(asked_ns):
                self._send(None, messages.ClockReading(asked_ns, clock.now_ns()).sealed())
            case messages.End():
                self._ending = True
            case _:
                pass

    def _send(self, process: ProcessName | None, envelope: Envelope) -> None:
        self._sent += 1
        self._post(Parcel(self._run, self._sent, process, envelope))

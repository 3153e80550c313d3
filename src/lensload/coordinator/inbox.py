"""What the messages of a run's workers mean: for what was counted, and for how far each worker is."""

from collections.abc import Callable, Sequence

from lensload.coordinator.clock_sync import Clocks
from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.coordinator.workers import Workers, WorkerState
from lensload.errors import InvalidRunError, LensloadError
from lensload.processes import messages
from lensload.processes.envelope import Message, Parcel, ProcessName


class Inbox:
    """Takes in the messages of the workers of a run.

    Args:
        recorder: what was counted.
        workers: who takes part.
        clocks: are told what a worker's clock says.
        listeners: are told what was measured.
        now_ns: the wall clock, Unix nanoseconds.
        rate_set: is told that a generator follows a rate that was set by hand.

    Attributes:
        refusal: why a process refused, or ended before the run began; None: none did.
    """

    def __init__(
        self,
        recorder: Recorder,
        workers: Workers,
        clocks: Clocks,
        listeners: Sequence[Listener],
        now_ns: Callable[[], int],
        rate_set: Callable[[str, messages.RateSet], None],
    ) -> None:
        self.refusal: LensloadError | None = None
        self._recorder = recorder
        self._workers = workers
        self._clocks = clocks
        self._listeners = listeners
        self._now_ns = now_ns
        self._rate_set = rate_set

    def take_in(self, worker: str, state: WorkerState, parcel: Parcel, message: Message) -> None:
        """Take in a parcel of a worker, and the message in it."""
        missing = state.received(parcel.number)
        if missing:
            self._recorder.note_missing(
                "messages_lost", f"{missing} messages of worker {state.index} never arrived."
            )
        if state.silent:
            state.silent = False
            self._recorder.notices.append(f"Worker {state.index} reports again.")
        if parcel.process is None:
            self._of_worker(worker, state, message)
        else:
            self._of_process(worker, state, parcel.process, message)

    def _of_worker(self, worker: str, state: WorkerState, message: Message) -> None:
        match message:
            case messages.ClockReading(asked_ns, worker_ns):
                self._clocks.hear(worker, asked_ns, worker_ns, self._now_ns())
            case messages.Ended():
                state.left = True
                self._recorder.forget(worker)
                if not (state.lost or self._recorder.draining) and self._recorder.times:
                    self._recorder.note_missing(
                        "worker_left", f"Worker {state.index} left before the end of the run."
                    )
            case _:
                pass

    def _of_process(self, worker: str, state: WorkerState, process: ProcessName, message: Message) -> None:  # noqa: C901 - a case a message
        match message:
            case messages.Ready(surroundings):
                state.conditions[process] = surroundings
            case messages.Report():
                rest = self._recorder.add(worker, message)
                for listener in self._listeners:
                    listener.reported(state, rest)
            case messages.Used(cost):
                self._recorder.costs[state.index, process] = cost
            case messages.RateSet():
                self._rate_set(worker, message)
            case messages.Pages() | messages.Replies() | messages.Groups():
                self._note_events(f"{worker} {process}", message)
            case messages.Notice(text):
                self._recorder.notices.append(self._of(state, f"{process}: {text}"))
            case messages.Playing():
                self._recorder.audience.add(worker, message.from_ns, message.rates_per_s, message.users)
            case messages.Scheduled():
                state.scheduled = True
            case messages.Drained():
                self._note_drained(state, process, message)
            case messages.Refused() | messages.Died():
                self._note_end(state, process, message)
            case _:
                pass

    def _note_events(
        self, process: str, message: messages.Pages | messages.Replies | messages.Groups
    ) -> None:
        if isinstance(message, messages.Pages):
            self._recorder.events.add(process, message.kind, message.pages)
        elif isinstance(message, messages.Groups):
            self._recorder.groups.add(message.samples)
        elif self._recorder.replies:
            self._recorder.replies.add(message.requests, message.answers, dict(message.totals))

    def _note_end(
        self, state: WorkerState, process: ProcessName, message: messages.Refused | messages.Died
    ) -> None:
        """Note that a process ended before it was drained: before the run has begun, that is the end of the run."""
        state.ended.add(process)
        refusal = message.error if isinstance(message, messages.Refused) else None
        if not self._recorder.times:
            refusal = refusal or InvalidRunError(message.text)
        else:
            code = "process_failed" if refusal else "process_died"
            self._recorder.note_missing(code, self._of(state, message.text))
        self.refusal = self.refusal or refusal

    def _note_drained(self, state: WorkerState, process: ProcessName, message: messages.Drained) -> None:
        self._recorder.add_drained(message)
        state.ended.add(process)

    def _of(self, state: WorkerState, text: str) -> str:
        """A worker's text, with its number where there are several."""
        return f"worker {state.index}: {text}" if len(self._workers.states) > 1 else text

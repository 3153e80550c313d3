"""One run over any number of workers: messages out, reports in, the schedule, the drain, the result."""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from lensload import clock
from lensload.config.model import RunConfig
from lensload.coordinator.clock_sync import Clocks
from lensload.coordinator.course import Times
from lensload.coordinator.hand_rate import HandRate
from lensload.coordinator.inbox import Inbox
from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.coordinator.run_result import Cluster, RunResult
from lensload.coordinator.transport import Transport
from lensload.coordinator.workers import Workers, WorkerState
from lensload.delivery.streams import Streams
from lensload.errors import RefusedError
from lensload.ids import MAX_RUN_TAGS, start_of_ms
from lensload.metrics.cost import CostMeter
from lensload.processes import messages
from lensload.processes.envelope import PROCESSES, Message, Parcel, ProcessName
from lensload.results.build import Judged
from lensload.results.run import Run
from lensload.service.ledger import ReplyLedger
from lensload.verdict.evidence import Missing

READY_BUDGET_S: Final = 30.0
# From the decision to the first event due: every process has received it by then.
_LEAD_NS: Final = 150_000_000
_SILENT_S: Final = 2.5
_DRAIN_SLACK_S: Final = 5.0
_ENDED_BUDGET_S: Final = 3.0
_OVERDUE_NS: Final = 10_000_000_000  # a generator drops what is overdue after 1 s, so one that is later hangs
_LOOK_S: Final = 0.2  # the longest wait between two looks at what nobody sends: lost workers, deadlines

EMBEDDED_WARNING: Final = (
    "EMBEDDED CLUSTER: no address was given, so this runs against a mock inside this process. Its numbers are the"
    " client's, not a broker's. For a real cluster give --bootstrap-servers and --registry-url."
)


class Coordinator:
    """One run, from its first message to its result.

    The caller awaits, in this order, `await_ready`, `begin`, `await_end`, `drain`, `conclude`, and `close` in any case.
    With gevent, `stop`, `give_up`, `drain` and what follows may be called from another greenlet.

    Args:
        transport: carries the messages, and knows which workers are present.
        config: what is to be run.
        listeners: are told of the run's course.
        cluster: where it is.
        rate_per_s: the target of the whole run; None: each worker's Locust users decide its rate.
        open_ended: the run has no end of its own: it goes on until somebody stops it.
        now_ns: the wall clock, Unix nanoseconds.
        monotonic_s: the clock for waiting.

    Attributes:
        number: of the run; parcels carry it.
        recorder: what was counted.
        workers: who takes part.
        hand_rate: the rate as it is set by hand.
        cut_short: somebody stopped the run before its end.
    """

    def __init__(
        self,
        transport: Transport,
        config: RunConfig,
        listeners: Sequence[Listener] = (),
        *,
        cluster: Cluster,
        rate_per_s: float | None,
        open_ended: bool = False,
        now_ns: Callable[[], int] = clock.now_ns,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.number = time.time_ns()
        self.recorder = Recorder(now_ns, Streams.of(config.known_topics))
        if config.service.external:
            self.recorder.replies = ReplyLedger(config.service.response_timeout_s)
        self.workers = Workers(transport.workers, monotonic_s)
        self.cut_short = False
        self._transport = transport
        self._config = config
        self._listeners = listeners
        self._cluster = cluster
        self._rate_per_s = rate_per_s
        self._now_ns = now_ns
        self._monotonic_s = monotonic_s
        self._clocks = Clocks(clock.host())
        self._result = RunResult(
            config, cluster, self.recorder, self.workers, self._clocks, rate_per_s, open_ended
        )
        self._costs = CostMeter()
        self._tag = random.randrange(MAX_RUN_TAGS)
        self._stopping = False
        self._given_up = False
        self._actions: deque[Callable[[], None]] = deque()
        self.hand_rate = HandRate(
            self.recorder, self.workers, lambda worker, message: self._send(worker, "generator", message)
        )
        self._inbox = Inbox(
            self.recorder, self.workers, self._clocks, listeners, now_ns, self.hand_rate.heard
        )
        self._next_second_s = monotonic_s() + 1
        for listener in listeners:
            listener.started(self.recorder)

    @property
    def draining(self) -> bool:
        """The run has been stopped, and what is under way is waited for."""
        return self.recorder.draining

    def receive(self, worker: str, parcel: Parcel) -> None:
        """Take in a parcel of a worker; one of another run is ignored."""
        state, message = self.workers.get(worker), parcel.envelope.opened()
        if isinstance(message, messages.Join):
            if not self.draining:
                self._welcome(worker, message.host)
        elif state is not None and parcel.run == self.number:
            self._inbox.take_in(worker, state, parcel, message)
            if self.recorder.times and not self.draining and not state.begun and not state.unready:
                self._send_begin(worker, state, self._now_ns() + _LEAD_NS)  # it came late: the run is on
        self._transport.wake()

    def await_ready(self) -> None:
        """Wait until every worker's processes are ready, or the run is stopped.

        Raises:
            LensloadError: one refused, or was not ready in time.
        """
        if self._wait(lambda: not self.workers.unready() or self._halted, READY_BUDGET_S):
            self.check()
            return
        self.check()
        late = "; ".join(
            f"the {' and the '.join(state.unready)} of worker {state.index}"
            for state in self.workers.unready()
        )
        raise RefusedError(
            f"Not ready within {READY_BUDGET_S:g} s: {late} (Kafka: {self._cluster.bootstrap_servers},"
            f" registry: {self._registry_url}).",
            "Check that both addresses answer from there, and that its machine has a free core: lensload doctor says so of this one.",
        )

    def check(self) -> None:
        """Raise what a process has refused with, if one has."""
        if self._inbox.refusal:
            raise self._inbox.refusal

    def begin(self) -> None:
        """Fix the schedule and let all generators start."""
        if self._stopping or self.draining:
            return
        start_ns = start_of_ms(self._now_ns() + _LEAD_NS)
        measure_from_ns = start_of_ms(start_ns + round(self._config.load.warmup_s * 1e9))
        duration_s = self._config.load.duration_s
        end_ns = start_of_ms(measure_from_ns + round(duration_s * 1e9)) if duration_s else 0
        self.recorder.times = Times(start_ns, measure_from_ns, end_ns)
        self._costs.begin(measure_from_ns, end_ns)
        for worker, state in self.workers.present.items():
            if not state.unready:
                self._send_begin(worker, state, start_ns)
        self.hand_rate.reshare()

    def await_end(self) -> None:
        """Wait until no generator produces any more, or the run is stopped.

        Raises:
            LensloadError: a process refused to go on.
        """
        self._wait(lambda: self.is_over() or self._halted)
        self.check()

    def stop(self, *, cut_short: bool = False) -> None:
        """Let `await_ready` and `await_end` return; `cut_short`: before the run's own end."""
        self.cut_short |= cut_short
        self._stopping = True
        self._transport.wake()

    def set_rate(self, rate_per_s: float | None) -> None:
        """Make the rate of the whole run another one, at once; any thread may call it.

        The generators share it, whatever their audiences add up to. The profile goes on multiplying it.

        Args:
            rate_per_s: events per second; None: as before the first change, or as Locust's users add up to.
        """
        self._soon(lambda: self.hand_rate.change(rate_per_s))

    def halt(self) -> None:
        """`stop` before the run's own end; any thread may call it."""
        self._soon(lambda: None if self.draining else self.stop(cut_short=True))

    def so_far(self) -> Judged | None:
        """What has been measured, and what it would be worth if it went on like this; None while it is nothing."""
        return self._result.so_far(cut_short=self.cut_short)

    def is_over(self) -> bool:
        """Whether no generator produces any more, or one that still should have reported it hangs."""
        times = self.recorder.times
        if times is None:
            return False
        hangs = 0 < times.end_ns < self._now_ns() - _OVERDUE_NS
        return hangs or self.workers.all_scheduled()

    def drain(self) -> None:
        """Let all generators finish first, then all observers read to the end; then end the workers' processes."""
        self._stopping = True
        self._costs.end()
        self.recorder.stop()
        times = self.recorder.times
        if times and self.recorder.stopped_ns < times.end_ns and not self.workers.all_scheduled():
            self.cut_short = True
        for process in PROCESSES if times else ():
            if process == "observer" and self._config.service.external:
                self._wait(lambda: self.recorder.all_answered, self._config.service.response_timeout_s)
            for worker, state in self.workers.present.items():
                if process in state.processes:
                    self._send(worker, process, messages.Drain())
            self._await_last_messages(process)
        self.end()

    def give_up(self) -> None:
        """Wait for the drain no longer; what has been reported so far is what there is."""
        if not self._given_up:
            text = "The drain was given up: what had not been reported by then is missing."
            self.recorder.missing.append(Missing("drain_given_up", text))
        self._given_up = True
        self._transport.wake()

    def end(self) -> None:
        """End the workers' processes, drained or not, and wait until they have ended."""
        self.recorder.stop()
        for worker in self.workers.present:
            self._send(worker, None, messages.End())
        self._given_up = False
        self._wait(lambda: not self.workers.present, _ENDED_BUDGET_S)

    def conclude(self) -> Run:
        """The result, once drained; the listeners are told."""
        self._close_second()
        result = self._result.final(cut_short=self.cut_short)
        for listener in self._listeners:
            listener.result(result)
        return result

    def close(self) -> None:
        """Let the listeners go, whatever became of the run."""
        for listener in self._listeners:
            listener.closed()

    @property
    def _halted(self) -> bool:
        return self._stopping or self._inbox.refusal is not None

    @property
    def _registry_url(self) -> str:
        return self._config.cluster.registry_url or "mock://lensload"

    def _soon(self, action: Callable[[], None]) -> None:
        self._actions.append(action)
        self._transport.wake()

    def _welcome(self, worker: str, host: str) -> None:
        try:
            state = self.workers.join(worker)
        except RefusedError as error:
            self.recorder.notices.append(str(error))
            return
        self._clocks.meet(worker, host)
        config, cluster = self._config, self._cluster
        common = (config, cluster.bootstrap_servers, self._registry_url, cluster.embedded, self._tag)
        rate_per_s = None if self._rate_per_s is None else self._rate_per_s / self.workers.count
        self._send(worker, None, messages.Assign(config.load.user_rate, config.load.drain_timeout_s))
        self._send(
            worker, "generator", messages.ConfigureGenerator(*common, state.lanes, state.index, rate_per_s)
        )
        if state.share:
            self._send(worker, "observer", messages.ConfigureObserver(*common, *state.share))

    def _await_last_messages(self, process: ProcessName) -> None:
        timeout_s = self._config.load.drain_timeout_s + _DRAIN_SLACK_S
        if self._wait(lambda: not self.workers.waiting_for(process), timeout_s):
            return
        late = ", ".join(str(state.index) for state in self.workers.waiting_for(process))
        if self._given_up:
            code, why = "drain_given_up", "the drain was given up"
        else:
            code, why = "drain_timeout", f"not within {timeout_s:g} s"
        self.recorder.note_missing(code, f"The {process} of worker {late} did not finish its drain: {why}.")

    def _wait(self, condition: Callable[[], bool], timeout_s: float = float("inf")) -> bool:
        """Wait for a condition, and let the run's seconds pass meanwhile; whether it came true in time."""
        deadline_s = self._monotonic_s() + timeout_s
        while not condition():
            left_s = deadline_s - self._monotonic_s()
            if self._given_up or left_s <= 0:
                return False
            self._transport.wait(max(0.0, min(_LOOK_S, left_s, self._next_second_s - self._monotonic_s())))
            while self._actions:
                self._actions.popleft()()
            self._costs.look(self._now_ns())
            self._watch()
            self.hand_rate.reshare()
            if self._monotonic_s() >= self._next_second_s:
                self._close_second()
        return True

    def _watch(self) -> None:
        """Note workers that are lost, and report those that have fallen silent."""
        for worker, state in self.workers.present.items():
            if self._transport.is_lost(worker):
                state.lost = True
                self.recorder.forget(worker)
                self._send(worker, None, messages.End())  # should it come back, what it makes is not counted
                self.recorder.note_missing(
                    "worker_lost", f"Worker {state.index} was lost, and what it had not yet reported with it."
                )
            elif self.recorder.times and not state.silent and state.silent_s > _SILENT_S:
                state.silent = True
                self.recorder.notices.append(
                    f"Worker {state.index} has not reported for {state.silent_s:.1f} s."
                )

    def _close_second(self) -> None:
        self._next_second_s = self._monotonic_s() + 1
        if cost := self._costs.cost():
            self.recorder.costs[None, "coordinator"] = cost
        snapshot = self.recorder.second()
        for listener in self._listeners:
            listener.second(snapshot)
        if not self.draining:
            self._compare_clocks()
            self._settle()

    def _compare_clocks(self) -> None:
        """Ask the workers on other hosts what their clocks say."""
        for worker in self._clocks.elsewhere:
            if worker in self.workers.present:
                self._send(worker, None, messages.AskClock(self._now_ns()))

    def _settle(self) -> None:
        """Tell the observers which pages of the ledger they need not remember any more."""
        settled = self.recorder.events.settle()
        if settled:
            for worker, state in self.workers.present.items():
                if state.share:
                    self._send(worker, "observer", messages.Settled(settled))

    def _send_begin(self, worker: str, state: WorkerState, start_ns: int) -> None:
        times = self.recorder.times
        if times:
            state.begun = True
            begin = messages.Begin(start_ns, times.measure_from_ns, times.end_ns)
            for process in state.processes:
                self._send(worker, process, begin)

    def _send(self, worker: str, process: ProcessName | None, message: Message) -> None:
        self._transport.send(worker, Parcel(self.number, 0, process, message.sealed()))

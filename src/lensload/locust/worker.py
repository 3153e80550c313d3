"""A worker's part in a run: it holds the crew, tells it who the audience is, and passes on what it says.

In a local run this stands beside the master in one process; `LocalRunner.send_message` carries the same messages.
"""

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message
from locust.runners import WorkerRunner

from lensload import clock
from lensload.errors import LensloadError
from lensload.locust import messages, stats_table
from lensload.locust.audience import SLICES
from lensload.processes.supervisor import Crew, CrewProcess

REPORT_EVERY_S = 1.0
_AUDIENCE_EVERY_S = 0.1
_ORDER_GRACE_S = 2.0

Post = Callable[[str, dict[str, Any]], None]


class Shift:
    """One run, as one worker sees it: from its configure message to the end of its crew.

    Args:
        environment: Locust's, whose table is filled.
        crew: not yet started.
        post: sends a message to the master.
        flush: brings the master's copy of Locust's table up to date.

    Attributes:
        over: set when the crew has ended.
        draining: set when the master has asked for the drain.
    """

    def __init__(self, environment: Environment, crew: Crew, post: Post, flush: Callable[[], None]) -> None:
        self.over = Event()
        self.draining = Event()
        self._environment = environment
        self._crew = crew
        self._post = post
        self._flush = flush
        self._user_rate = 0.0
        self._starting: gevent.Greenlet[..., None] | None = None
        self._begun = False
        self._ending = False
        self._reports = 0
        self._reported_s = self._told_s = time.monotonic()
        self._said: set[str] = set()

    def start(self, order: dict[str, Any]) -> None:
        """Start the crew as the master ordered."""
        self._user_rate = order["user_rate"]
        self._starting = gevent.spawn(self._work, order)

    def begin(self, times: dict[str, int]) -> None:
        """Start the schedule with the audience there is."""
        self._tell_audience()
        self._crew.begin(times["start_ns"], times["measure_from_ns"], times["end_ns"])
        self._begun = True

    def drain(self, process: str) -> None:
        """Ask the engine, or the observer, for its last word; `_work` hears it."""
        self.draining.set()
        for member in self._crew.processes:
            if member.name == process:
                member.send({"type": "drain"})

    def settle(self, keys: list[list[int]]) -> None:
        """Tell the observer which pages nobody needs to remember any more."""
        self._crew.settle(keys)

    def end(self) -> None:
        """End the crew, drained or not."""
        self._ending = True
        if self._starting:  # it may be waiting for processes that are never ready
            self._starting.kill(block=False)

    def leave(self, timeout_s: float) -> None:
        """Drain this crew alone and pass on the last words: this worker goes, the run goes on."""
        for process in ("engine", "observer"):
            self.drain(process)
            self._wait(lambda process=process: self._has_ended(process), timeout_s)
        self.end()
        self.over.wait(timeout_s)

    def _has_ended(self, process: str) -> bool:
        return all(member.ended for member in self._crew.processes if member.name == process)

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition() and not self._ending and time.monotonic() < deadline_s:
            gevent.sleep(0.05)

    def _work(self, order: dict[str, Any]) -> None:
        try:
            self._crew.start(order["engine"], order["observer"])
            self._post(messages.READY, {"conditions": self._crew.await_ready()})
            self._starting = None
            while not self._ending:
                self._crew.poll(0.1)
                self._round()
        except LensloadError as error:
            self._post(messages.REFUSED, {"exit_code": error.exit_code, "text": str(error)})
        finally:
            self._end()

    def _end(self) -> None:
        self._crew.poll()
        self._report()
        self._crew.kill()
        self._flush()
        self._post(messages.ENDED, {})
        self.over.set()

    def _round(self) -> None:
        now_s = time.monotonic()
        if self._begun and SLICES.changed and now_s - self._told_s >= _AUDIENCE_EVERY_S:
            self._tell_audience()
        if now_s - self._reported_s >= REPORT_EVERY_S:
            self._report()
        for process in self._crew.processes:
            self._pass_on(process)

    def _tell_audience(self) -> None:
        self._told_s = time.monotonic()
        self._crew.audience(SLICES.told(self._user_rate))

    def _report(self) -> None:
        """Pass on what is new, exactly once, and show it in Locust's table."""
        self._reported_s = time.monotonic()
        report = self._crew.take()
        stats_table.add(self._environment.stats, report.tally, time.time())
        self._reports += 1
        wire = {"tally": report.tally.to_wire(), "gauges": report.gauges, "notices": report.notices}
        wire["pages"] = report.pages
        self._post(messages.REPORT, {"n": self._reports, **wire})

    def _pass_on(self, process: CrewProcess) -> None:
        """Tell the master, once, of what has become of a process."""
        if process.scheduled and self._once(f"{process.name} scheduled"):
            self._post(messages.SCHEDULED, {})
        if process.drained is not None and self._once(f"{process.name} drained"):
            self._report()
            self._post(messages.DRAINED, {"process": process.name, **process.drained})
        died = process.died or (str(process.refusal) if process.refusal else None)
        if died and self._once(f"{process.name} died"):
            self._report()
            self._post(messages.DIED, {"process": process.name, "text": died})
        if process.refusal and self._once(f"{process.name} refused"):
            refusal = {"exit_code": process.refusal.exit_code, "text": str(process.refusal)}
            self._post(messages.REFUSED, refusal)

    def _once(self, what: str) -> bool:
        if what in self._said:
            return False
        self._said.add(what)
        return True


class Worker:
    """The worker's side of all runs of a Locust process.

    Args:
        environment: Locust's, whose runner carries the messages.
        make_crew: makes the crew of one run.
    """

    def __init__(self, environment: Environment, make_crew: Callable[[], Crew]) -> None:
        self._environment = environment
        self._make_crew = make_crew
        self._waiting_crew: Crew | None = None
        self._shift: Shift | None = None
        self._run = 0
        runner = environment.runner
        assert runner is not None  # noqa: S101  # Locust makes it before `init`
        self._runner = runner
        for name in messages.TO_WORKER:
            runner.register_message(name, self._hear)

    def launch(self) -> None:
        """Start a crew's processes for a run that is sure to come: their imports then cost it no time."""
        self._waiting_crew = self._make_crew()
        self._waiting_crew.launch()

    def join(self) -> None:
        """The test starts here: ask the master what to do."""
        self._runner.send_message(messages.JOIN, {"host": clock.host()})

    def leave(self, drain_timeout_s: float) -> None:
        """This process goes, by a signal: let the master drain the run if it is about to, else drain alone."""
        shift = self._shift
        if shift is None or shift.over.is_set():
            return
        shift.draining.wait(_ORDER_GRACE_S)
        if shift.draining.is_set():
            shift.over.wait(2 * drain_timeout_s + 5)
            # Locust's master would give our users to the others if we left before it says quit.
            self._runner.greenlet.join(timeout=_ORDER_GRACE_S)
        else:
            shift.leave(drain_timeout_s)

    def abandon(self) -> None:
        """End the crew now, drained or not."""
        if self._shift:
            self._shift.end()
        if self._waiting_crew:
            self._waiting_crew.kill()
            self._waiting_crew = None

    def _hear(self, environment: Environment, msg: Message) -> None:  # noqa: ARG002  # Locust's signature
        data = msg.data
        if msg.type == messages.CONFIGURE:
            self._begin_shift(data)
        if self._shift is None or data["run"] != self._run:
            return
        if msg.type == messages.CLOCK:
            answer = {"asked_ns": data["asked_ns"], "its_ns": clock.now_ns()}
            self._runner.send_message(messages.CLOCKED, {"run": self._run, **answer})
        elif msg.type == messages.BEGIN:
            self._shift.begin(data)
        elif msg.type == messages.SETTLED:
            self._shift.settle(data["pages"])
        elif msg.type == messages.DRAIN:
            self._shift.drain(data["process"])
        elif msg.type == messages.END:
            self._shift.end()

    def _begin_shift(self, order: dict[str, Any]) -> None:
        crew, self._waiting_crew = self._waiting_crew or self._make_crew(), None
        self.abandon()
        self._run = run = order["run"]

        def post(kind: str, data: dict[str, Any]) -> None:
            self._runner.send_message(kind, {"run": run, **data})

        self._shift = Shift(self._environment, crew, post, self._send_locust_stats)
        self._shift.start(order)

    def _send_locust_stats(self) -> None:
        """Bring the master's table up to date at once, and not three seconds later, when it may be gone."""
        if isinstance(self._runner, WorkerRunner):
            data: dict[str, Any] = {}
            self._environment.events.report_to_master.fire(client_id=self._runner.client_id, data=data)
            self._runner.send_message("stats", data)

"""One run as its master conducts it: orders out, reports in, the schedule, the drain, the result."""

import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from gevent.event import Event
from locust.runners import STATE_MISSING, LocalRunner, MasterRunner

from lensload import clock
from lensload.config.model import RunConfig
from lensload.coordinator.clock_sync import Clocks
from lensload.coordinator.recorder import Account, Times
from lensload.coordinator.workers import Member, Roster
from lensload.delivery import bitmap
from lensload.errors import LensloadError, RefusedError
from lensload.kafka.embedded import EmbeddedCluster
from lensload.locust import messages, options
from lensload.metrics.stats import Tally
from lensload.pacing.pacer import Pacer
from lensload.processes.child_process import error_of
from lensload.processes.supervisor import READY_BUDGET_S
from lensload.results import course
from lensload.results.environment import conditions
from lensload.results.run import Run
from lensload.verdict.evidence import RunFacts

_RUN_TAGS = 1 << 14
_READY_BUDGET_S = READY_BUDGET_S + 2  # and the way there and back
_SPAWN_BUDGET_S = 5.0
_LEAD_NS = 150_000_000  # from the decision to the first event due: every worker has been told by then
_SILENT_S = 2.5
_DRAIN_SLACK_S = 5.0
_ENDED_BUDGET_S = 3.0
_OVERDUE_NS = 10_000_000_000  # an engine gives up what is overdue after 1 s, so one that is later hangs


class Conduct:
    """One run, from its first order to its result.

    Args:
        runner: Locust's, which carries the orders and knows who is there.
        config: what is to be run.
        cluster: the embedded cluster, hosted here; None for a real one.
        poisson: arrivals are random.
        open_ended: the run has no end of its own: it goes on until somebody stops it.

    Attributes:
        account: what was counted.
        cut_short: somebody stopped the run before its end.
        stopped_ns: when the drain began; 0 before.
        spawned: to be set when Locust has spawned its users.
    """

    def __init__(
        self,
        runner: LocalRunner | MasterRunner,
        config: RunConfig,
        *,
        cluster: EmbeddedCluster | None,
        poisson: bool,
        open_ended: bool,
    ) -> None:
        self._open_ended = open_ended
        self.number = time.time_ns()
        self.account = Account()
        self.cut_short = False
        self.stopped_ns = 0
        self.spawned = Event()
        self.roster = Roster(_workers(runner))
        self._clocks = Clocks(clock.host())
        self._runner = runner
        self._config = config
        self._cluster = cluster
        self._poisson = poisson
        self._tag = random.randrange(_RUN_TAGS)
        self._news = Event()
        self._given_up = False
        self._refusal: LensloadError | None = None

    def hear(self, worker: str, kind: str, data: dict[str, Any]) -> None:
        """Take in a message of a worker; what is of another run is ignored."""
        member = self.roster.get(worker)
        if kind == messages.JOIN:
            if not self.stopped_ns:
                self._welcome(worker, data["host"])
        elif member is not None and data["run"] == self.number:
            self._take_in(worker, member, kind, data)
        self._news.set()

    def await_ready(self) -> None:
        """Wait until every worker's crew is ready.

        Raises:
            LensloadError: one refused, or was not ready in time.
        """
        if not self._wait(lambda: not self.roster.unready() or self._refusal is not None, _READY_BUDGET_S):
            late = ", ".join(str(member.index) for member in self.roster.unready())
            raise RefusedError(
                f"Worker {late} did not get ready within {_READY_BUDGET_S:g} s.",
                "See its log for what it waits for.",
            )
        self.check()

    def check(self) -> None:
        """Raise what a crew has refused with, if one has."""
        if self._refusal:
            raise self._refusal

    def begin(self, *, when_spawned: bool) -> None:
        """Fix the schedule and let all engines start; if `when_spawned`, with the whole audience at once."""
        if when_spawned:
            self.spawned.wait(_SPAWN_BUDGET_S)
        if self.stopped_ns:
            return
        start_ns = time.time_ns() + _LEAD_NS
        measure_from_ns = start_ns + round(self._config.load.warmup_s * 1e9)
        duration_s = self._config.load.duration_s
        end_ns = measure_from_ns + round(duration_s * 1e9) if duration_s else 0
        self.account.times = Times(start_ns, measure_from_ns, end_ns)
        for worker in self.roster.present:
            self._send_begin(worker, start_ns)

    def watch(self) -> None:
        """Note workers that Locust has lost, and tell of those that have fallen silent."""
        clients = self._runner.clients if isinstance(self._runner, MasterRunner) else None
        for worker, member in self.roster.present.items():
            client = clients.get(worker) if clients is not None else None
            if clients is not None and (client is None or client.state == STATE_MISSING):
                member.lost = True
                self.account.forget(worker)
                self._died(f"Worker {member.index} was lost, and what it had not yet reported with it.")
            elif self.account.times and not member.silent and member.silent_s > _SILENT_S:
                member.silent = True
                self.account.notices.append(
                    f"Worker {member.index} has not reported for {member.silent_s:.1f} s."
                )

    def compare_clocks(self) -> None:
        """Ask the workers on other hosts what their clocks say."""
        for worker in self._clocks.elsewhere:
            if worker in self.roster.present:
                self._send(worker, messages.CLOCK, {"asked_ns": clock.now_ns()})

    def is_over(self) -> bool:
        """Whether no engine produces any more, or one that still should have said so hangs."""
        times = self.account.times
        if times is None:
            return False
        hangs = 0 < times.end_ns < time.time_ns() - _OVERDUE_NS
        return hangs or self.roster.all_scheduled()

    def settle(self) -> None:
        """Tell the observers which pages of the account they need not remember any more."""
        settled = self.account.events.settle()
        if settled:
            for worker, member in self.roster.present.items():
                if member.share:
                    self._send(worker, messages.SETTLED, {"pages": [list(key) for key in settled]})

    def drain(self) -> None:
        """Let all engines finish first, then all observers read to the end; then end the crews."""
        self.stopped_ns = time.time_ns()
        times = self.account.times
        if times and times.end_ns and self.stopped_ns < times.end_ns and not self.roster.all_scheduled():
            self.cut_short = True
        for process in ("engine", "observer") if times else ():
            for worker in self.roster.present:
                self._send(worker, messages.DRAIN, {"process": process})
            self._await_last_words(process)
        self.end()

    def give_up(self) -> None:
        """Wait for the drain no longer; what has been reported so far is what there is."""
        if not self._given_up:
            self.account.died.append("The drain was given up: what had not been reported by then is missing.")
        self._given_up = True
        self._news.set()

    def end(self) -> None:
        """End the crews, drained or not, and wait until they are gone."""
        for worker in self.roster.present:
            self._send(worker, messages.END, {})
        self._given_up = False
        self._wait(lambda: not self.roster.present, _ENDED_BUDGET_S)

    def result(self) -> Run:
        """The run file's content, once drained."""
        self._check_asked()
        facts = RunFacts(
            embedded=self._cluster is not None,
            random_arrivals=self._poisson,
            workers=len(self.roster.members),
            cut_short=self.cut_short,
            open_ended=self._open_ended,
            clock_doubt_us=self._clocks.doubt_ns / 1e3,
            acks=self._config.producer.acks,
        )
        clocks = self._clocks.public(self.roster.numbers)
        cluster = {"embedded": self._cluster is not None, "bootstrap_servers": self._bootstrap_servers()}
        workers = [member.conditions or {} for member in self.roster.members]
        return course.build(
            self.account.tally,
            self.account.course(self.stopped_ns, facts),
            conditions(self._config.public(), cluster, workers=workers, clocks=clocks),
            thresholds=self._config.criteria,
            slos=self._config.criteria.slo,
        )

    def _check_asked(self) -> None:
        """In bench all of --rate is asked of the engines, or the run was not the one that was ordered."""
        times, due = self.account.times, self.account.due
        if not options.is_bench() or self.cut_short or not (times and times.end_ns) or due is None:
            return
        pacer = Pacer(self._config.load.profile, times.total_s or 1.0, times.start_ns, seed=0)
        pacer.set_rate(times.start_ns, self._config.load.rate)
        ordered = pacer.expected(times.end_ns) - pacer.expected(times.measure_from_ns)
        slack = 4 * ordered**0.5 if self._poisson else 1 + len(self.roster.members)
        if ordered - due > max(slack, 0.01 * ordered):
            self._died(
                f"Only {due:,.0f} of the {ordered:,.0f} events that --rate means were asked of the engines:"
                " some of the Locust users that carry it did not run."
            )

    def _welcome(self, worker: str, host: str) -> None:
        try:
            member = self.roster.join(worker)
        except RefusedError as error:
            self.account.notices.append(str(error))
            return
        self._clocks.meet(worker, host)
        observer = None
        if member.share:
            observer = self._configure(member) | {
                "share_index": member.share[0],
                "share_count": member.share[1],
            }
        order = {
            "engine": self._configure(member),
            "observer": observer,
            "user_rate": self._config.load.user_rate,
        }
        self._send(worker, messages.CONFIGURE, order)

    def _configure(self, member: Member) -> dict[str, Any]:
        return {
            "config": self._config.as_dict(),
            "bootstrap_servers": self._bootstrap_servers(),
            "registry_url": self._config.cluster.registry_url or "mock://lensload",
            "embedded": self._cluster is not None,
            "run_tag": self._tag,
            "lanes": member.lanes,
            "worker_index": member.index,
            "worker_count": self.roster.count,
        }

    def _bootstrap_servers(self) -> str:
        return (
            self._cluster.bootstrap_servers if self._cluster else self._config.cluster.bootstrap_servers or ""
        )

    def _take_in(self, worker: str, member: Member, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case messages.CLOCKED:
                self._clocks.hear(worker, data["asked_ns"], data["its_ns"], clock.now_ns())
            case messages.READY:
                member.conditions = data["conditions"]
                if self.account.times and not self.stopped_ns:  # it came late: the run is on
                    self._send_begin(worker, time.time_ns() + _LEAD_NS)
            case messages.REFUSED:
                self._refusal = self._refusal or error_of(data["exit_code"], data["text"])
            case messages.REPORT:
                self._report(worker, member, data)
            case messages.SCHEDULED:
                member.scheduled = True
            case messages.DIED:
                member.end(data["process"])
                self._died(_of(member, self.roster, data["text"]))
            case messages.DRAINED:
                member.end(data["process"])
                self.account.unflushed += data.get("unflushed", 0)
                until_ns = data.get("produced_until_ns", 0)
                self.account.produced_until_ns = max(self.account.produced_until_ns, until_ns)
                self.account.incomplete += not data.get("complete", True)
            case messages.ENDED:
                self._ended(worker, member)
            case _:
                pass

    def _report(self, worker: str, member: Member, data: Mapping[str, Any]) -> None:
        missing = member.reported(data["n"])
        if missing:
            self._died(f"{missing} reports of worker {member.index} never arrived.")
        if member.silent:
            member.silent = False
            self.account.notices.append(f"Worker {member.index} reports again.")
        notices = [_of(member, self.roster, text) for text in data["notices"]]
        self.account.add(worker, Tally.from_wire(data["tally"]), data["gauges"], notices)
        for process, told in data["pages"].items():
            for kind, taken in told:
                self.account.events.add(f"{worker} {process}", kind, bitmap.from_wire(taken))

    def _ended(self, worker: str, member: Member) -> None:
        member.left = True
        self.account.forget(worker)
        if not self.stopped_ns and self.account.times:
            self._died(f"Worker {member.index} left before the end of the run.")

    def _died(self, text: str) -> None:
        self.account.died.append(text)
        self.account.notices.append(text)

    def _await_last_words(self, process: str) -> None:
        timeout_s = self._config.load.drain_timeout_s + _DRAIN_SLACK_S
        if self._wait(lambda: not self.roster.waiting_for(process), timeout_s):
            return
        late = ", ".join(str(member.index) for member in self.roster.waiting_for(process))
        why = "the drain was given up" if self._given_up else f"not within {timeout_s:g} s"
        self._died(f"The {process} of worker {late} did not finish its drain: {why}.")

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            if self._given_up or time.monotonic() > deadline_s:
                return False
            self._news.wait(0.2)
            self._news.clear()
            self.watch()
        return True

    def _send_begin(self, worker: str, start_ns: int) -> None:
        times = self.account.times
        if times:
            later = {"measure_from_ns": max(start_ns, times.measure_from_ns), "end_ns": times.end_ns}
            self._send(worker, messages.BEGIN, {"start_ns": start_ns, **later})

    def _send(self, worker: str, kind: str, data: dict[str, Any]) -> None:
        self._runner.send_message(kind, {"run": self.number, **data}, client_id=worker)


def _workers(runner: LocalRunner | MasterRunner) -> list[str]:
    if isinstance(runner, LocalRunner):
        return ["local"]
    clients = runner.clients
    return [client.id for client in [*clients.ready, *clients.running, *clients.spawning]]


def _of(member: Member, roster: Roster, text: str) -> str:
    """A worker's text, with its number where there are several."""
    return f"worker {member.index}: {text}" if len(roster.members) > 1 else text

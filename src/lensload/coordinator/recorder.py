"""What a run adds up to: everything its workers reported, added up once, and its course second by second."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from lensload.config.model import REQUESTS
from lensload.coordinator.course import Course, Step, Times
from lensload.delivery.reconcile import Reconciliation
from lensload.delivery.streams import LENS, Streams
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.metrics.cost import Cost, ProcessCost
from lensload.metrics.groups import Group
from lensload.metrics.responses import Responses
from lensload.metrics.stats import Stats
from lensload.processes.messages import Drained, GeneratorDrained, GeneratorReport, ObserverDrained, Report
from lensload.results.audience import AudienceLog
from lensload.results.brokers import RecentBrokers
from lensload.results.build import Recording
from lensload.results.counted import WARMUP
from lensload.results.run import RateChange
from lensload.results.series import latencies_us, progress
from lensload.results.snapshot import Phase, Snapshot
from lensload.service.breakdown import responses
from lensload.service.groups import GroupLedger
from lensload.service.ledger import ReplyLedger
from lensload.verdict.evidence import Missing, MissingCode, RunFacts

_MOST_CHANGES: Final = 1_000  # of the rate: a script may steer for hours


@dataclass(slots=True)
class _MeanTarget:
    """The rates asked for that a generator reported of the measured time, each report once."""

    sum_per_s: float = 0.0
    count: int = 0
    last_ns: int = 0

    def add(self, report: GeneratorReport) -> None:
        if report.now_ns > self.last_ns:
            self.sum_per_s, self.count = self.sum_per_s + report.target_per_s, self.count + 1
            self.last_ns = report.now_ns


class Recorder:
    """What was counted in a run, and how it went.

    Args:
        now_ns: the wall clock, Unix nanoseconds.
        streams: how the run's events are numbered.

    Attributes:
        stats: everything so far, of all workers.
        audience: whom the generators play.
        events: which events were sent, failed and seen, as all processes tell.
        replies: the requests to a service under test, and its answers; None where lensload answers itself.
        groups: the consumer groups that are watched.
        times: the schedule, in whole milliseconds; None until it is fixed.
        stopped_ns: when the drain began, Unix nanoseconds; 0 before.
        notices: what was worth telling, in order.
        unflushed: events without a delivery report when their generator had drained.
        produced_until_ns: when the last event was handed to a producer, Unix nanoseconds.
        asked_until_ns: when the last generator's schedule ended: one that is told to stop goes on until it hears of it.
        missing: the parts of the run that did not report all that they measured.
        incomplete: observers that did not reach the partitions' ends.
        clock_step_ns: by how much a clock was set, the most that any process told.
        latest: what the last second added to the course of the run.
        came: what was reported in the last second, whenever it was due.
        rate_changes: changes of the rate by hand, the last thousand.
        costs: what each process has used so far, by its worker's number (None: the coordinator) and its name.
    """

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, streams: Streams = LENS) -> None:
        self._now_ns = now_ns
        self.stats = Stats()
        self.events = Reconciliation(streams)
        self.replies: ReplyLedger | None = None
        self.groups = GroupLedger()
        self.audience = AudienceLog()
        self.times: Times | None = None
        self.stopped_ns = 0
        self.notices: list[str] = []
        self.missing: list[Missing] = []
        self.unflushed = 0
        self.produced_until_ns = 0
        self.asked_until_ns = 0
        self.incomplete = 0
        self.clock_step_ns = 0
        self.latest = Step()
        self.came = Stats()
        self.rate_changes: list[RateChange] = []
        self.costs: dict[tuple[int | None, str], Cost] = {}
        self._changed = 0  # after the start: a rate that was set before is no change
        self._fresh = StatsBySecond()
        self._told = 0
        self._reports: dict[tuple[str, str], Report] = {}
        self._acked_per_s: dict[str, float] = {}
        self._course: Course | None = None
        self._brokers = RecentBrokers()
        self._targets: dict[str, _MeanTarget] = {}

    def add(self, worker: str, report: Report) -> Report:
        """Take in one report of a process of a worker; returns it without its stats, as it is kept."""
        self._fresh.add(report.stats)
        self.clock_step_ns = max(self.clock_step_ns, abs(report.clock_step_ns))
        before = self._reports.get((worker, type(report).__name__))
        self._reports[worker, type(report).__name__] = rest = report.without_stats()
        if isinstance(report, GeneratorReport):
            began_ns = before.now_ns if before else report.now_ns - NS_PER_S
            acked = sum(progress(stats)["acked"] for stats in report.stats)
            self._acked_per_s[worker] = acked * 1e9 / max(1, report.now_ns - began_ns)
            if self.times and self.times.is_measured(report.now_ns, self.stopped_ns):
                self._targets.setdefault(worker, _MeanTarget()).add(report)
        return rest

    def add_drained(self, message: Drained) -> None:
        """Take in the last message of a process."""
        self._fresh.add(message.stats)
        if isinstance(message, GeneratorDrained):
            self.unflushed += message.unflushed
            self.produced_until_ns = max(self.produced_until_ns, message.produced_until_ns)
            self.asked_until_ns = max(self.asked_until_ns, message.asked_until_ns)
        elif isinstance(message, ObserverDrained):
            self.incomplete += not message.complete

    def change_rate(self, rate_per_s: float | None) -> RateChange:
        """Note that the rate is changed by hand now; None: it is given back."""
        elapsed_s = self.times.elapsed_s(self._now_ns()) if self.times else 0.0
        change: RateChange = {"at_s": elapsed_s, "rate_per_s": rate_per_s, "took_s": None}
        self.rate_changes.append(change)
        self._changed += elapsed_s > 0
        if len(self.rate_changes) > _MOST_CHANGES:
            del self.rate_changes[0]
        return change

    def forget(self, worker: str) -> None:
        """Count the rates and the queue of a worker no more: it is gone."""
        self._reports = {key: report for key, report in self._reports.items() if key[0] != worker}
        self._acked_per_s.pop(worker, None)

    @property
    def _generators(self) -> list[GeneratorReport]:
        return [report for report in self._reports.values() if isinstance(report, GeneratorReport)]

    @property
    def target_per_s(self) -> float:
        """The rate asked for now, of all workers."""
        return sum(report.target_per_s for report in self._generators)

    @property
    def achieved_per_s(self) -> float:
        """Events produced per second, by the generators' last reports."""
        return sum(report.achieved_per_s for report in self._generators)

    @property
    def acked_per_s(self) -> float:
        """Events acknowledged per second, whenever they were due, by the generators' last reports."""
        return sum(self._acked_per_s.values())

    @property
    def queue(self) -> int:
        """Events in the producers' queues, by the generators' last reports."""
        return sum(report.queue for report in self._generators)

    @property
    def draining(self) -> bool:
        """The schedule has been stopped, and what is under way is waited for."""
        return self.stopped_ns > 0

    def stop(self) -> None:
        """The schedule stops now, if it has not yet."""
        self.stopped_ns = self.stopped_ns or self._now_ns()

    def note_missing(self, code: MissingCode, text: str) -> None:
        """Note that a part of the run did not report all that it measured: the cause, and a sentence."""
        self.missing.append(Missing(code, text))
        self.notices.append(text)

    def second(self) -> Snapshot:
        """Close a second: what has come since the last one goes into the course of the run, and becomes a snapshot."""
        now_ns = self._now_ns()
        phase: Phase = "starting"
        if self.draining:
            phase = "draining"
        elif self.times:
            phase = self.times.phase(now_ns)
        fresh, self.came = self._take()
        self._brokers.add(self.came)
        course = self._course_of()
        self.latest = Step()
        if course:
            reported_ns = min((report.now_ns for report in self._reports.values()), default=0)
            self.latest = course.take_in(
                fresh, now_ns=now_ns, reported_ns=reported_ns, stopped_ns=self.stopped_ns, queue=self.queue
            )
        return self._snapshot(phase, self.times.elapsed_s(now_ns) if self.times else 0.0, self.came)

    def recording(self, facts: RunFacts) -> Recording:
        """How the run went, once all of it has been taken in.

        Args:
            facts: what is known of the run beside its reports; what they say is filled in.
        """
        self.stop()
        fresh, _ = self._take()
        course = self._course_of()
        if course:
            asked_until_ns = min(self.asked_until_ns, self._now_ns())  # whatever another host's clock says
            self.latest = course.finish(fresh, max(self.stopped_ns, asked_until_ns))
        times = self.times
        measured_s = times.measured_s(self.stopped_ns) if times else 0.0
        reported = replace(
            facts,
            started_ns=times.start_ns if times else self.stopped_ns,
            measured_s=measured_s,
            spent_s=max(0, self.produced_until_ns - times.measure_from_ns) / 1e9 if times else 0.0,
            target_per_s=self._mean_target(measured_s),
            unflushed=self.unflushed,
            observer_complete=not self.incomplete,
            missing=tuple(self.missing),
            clock_step_s=self.clock_step_ns / 1e9,
            rate_changes=self._changed,
        )
        return Recording(
            facts=reported,
            notices=tuple(self.notices),
            series=course.series.rows() if course else (),
            slices=course.slices.finished() if course else (),
            coarse=course.slices.coarse() if course else (),
            findings=self.events.findings(),
            responses=self._responses(),
            groups=self._groups(),
            rate_changes=self.rate_changes,
            costs=self._process_costs(),
        )

    def so_far(self, facts: RunFacts) -> Recording | None:
        """How the run went until the generators' last reports; None while none of them has measured anything.

        What is still on its way is neither lost nor unflushed.
        """
        times, reports = self.times, self._generators
        until_ns = min((report.now_ns for report in reports), default=0)
        if not times or until_ns <= times.measure_from_ns:
            return None
        measured_s = times.measured_s(until_ns)
        known = replace(
            facts,
            started_ns=times.start_ns,
            measured_s=measured_s,
            target_per_s=sum(report.due for report in reports) / measured_s,
            missing=tuple(self.missing),
            clock_step_s=self.clock_step_ns / 1e9,
            rate_changes=self._changed,
        )
        return Recording(
            facts=known,
            findings={},
            responses=self._responses(now_ns=until_ns),
            groups=self._groups(),
            costs=self._process_costs(),
        )

    @property
    def all_answered(self) -> bool:
        """Every request that was acknowledged has been seen, and has an answer."""
        self._settle_replies()
        acked = sum(
            stats.counts.get(REQUESTS, {}).get(name, 0)
            for stats in (self.stats, *self._fresh)
            for name in ("acked", WARMUP + "acked")
        )
        return self.replies is None or self.replies.answered >= max(self.replies.requests, acked)

    def _settle_replies(self) -> None:
        if self.replies and self.times:
            self._fresh.origin_ns = self.times.measure_from_ns
            self.replies.settle(self._fresh)

    def _process_costs(self) -> list[ProcessCost]:
        """Worker by worker, and the coordinator's last."""
        ordered = sorted(
            self.costs.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0, item[0][1])
        )
        return [{"process": process, "worker": worker, **cost} for (worker, process), cost in ordered]

    def _groups(self) -> dict[str, Group]:
        times = self.times
        if times is None:
            return {}
        stopped_ns = self.stopped_ns or self._now_ns()
        over_ns = min(stopped_ns, times.end_ns or stopped_ns)
        return self.groups.result(times.start_ns, times.measure_from_ns, over_ns)

    def _responses(self, *, now_ns: int = 0) -> Responses | None:
        if self.replies is None or self.times is None:
            return None
        return responses(self.replies.result(self.times.measure_from_ns, now_ns=now_ns), self.stats)

    def _take(self) -> tuple[StatsBySecond, Stats]:
        """What has come since the last time, and the sum of it; it is counted now."""
        self._settle_replies()
        fresh = self._fresh.take()
        total = fresh.total()
        total.totals.pop(ASKED, None)  # it is of each second, and of the warm-up too
        self.stats.add(total)
        return fresh, total

    def _course_of(self) -> Course | None:
        """The course of the run; None until the schedule is fixed."""
        if self._course is None and self.times:
            self._course = Course(self.times)
        return self._course

    def _snapshot(self, phase: Phase, elapsed_s: float, fresh: Stats) -> Snapshot:
        notices, self._told = tuple(self.notices[self._told :]), len(self.notices)
        last = self._course.series.last if self._course and not self.draining else None
        return Snapshot(
            phase=phase,
            elapsed_s=elapsed_s,
            total_s=self.times.total_s if self.times else None,
            target_per_s=last.target_per_s if last else 0.0,
            achieved_per_s=last.counts["produced"] / last.length_s if last and last.length_s else 0.0,
            acked_per_s=0.0 if self.draining else self.acked_per_s,
            behind_us=max((report.behind_ns for report in self._generators), default=0) / 1e3,
            latency_us=latencies_us(fresh),
            queue=self.queue,
            group_lag_s={group: row["lag_s"] for group, row in self.groups.last().items()},
            slow_brokers=tuple(self._brokers.sentences()),
            notices=notices,
            **progress(self.stats),
        )

    def _mean_target(self, measured_s: float) -> float:
        """The generators' own count of what was due, if they keep one; else the mean of the rates they reported."""
        if "due" in self.stats.totals and measured_s > 0:
            return self.stats.totals["due"] / measured_s
        targets = self._targets.values()
        return sum(one.sum_per_s for one in targets) / max((one.count for one in targets), default=1)

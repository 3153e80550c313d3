"""What a run adds up to, second by second."""

from dataclasses import replace

import numpy as np
import pytest

from lensload.coordinator.course import Times
from lensload.coordinator.recorder import Recorder
from lensload.machine import Reading
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.metrics.cost import between
from lensload.processes.messages import GeneratorDrained, GeneratorReport, ObserverReport
from lensload.verdict.evidence import RunFacts

TOPIC = "user-interactions"
SECOND_NS = 1_000_000_000
START = Reading(0, 0, {}, 1, {}, {})


def by_second(
    produced: int = 0, *, second: int = 0, warm: int = 0, due: int = 0, asked: float = 0
) -> StatsBySecond:
    made = StatsBySecond()
    made.of(second).count(TOPIC, "produced", produced)
    made.of(-1).count(TOPIC, "warmup_produced", warm)
    made.of(second).record("ack", TOPIC, np.full(produced, 1_500_000, dtype=np.int64))
    made.of(second).add_total(ASKED, asked)
    if due:
        made.timeless.add_total("due", due)
    return made


def report(stats: StatsBySecond, now_ns: int, target_per_s: float, queue: int = 0) -> GeneratorReport:
    return GeneratorReport(stats, now_ns, 0, target_per_s, 0.0, queue, 0, 0)


class Clock:
    """A wall clock that a test sets, in seconds since a schedule of a second of warm-up and three of measuring began."""

    def __init__(self) -> None:
        self.start_ns = 1_772_600_000 * SECOND_NS
        self.times = Times(self.start_ns, self.start_ns + SECOND_NS, self.start_ns + 4 * SECOND_NS)
        self.at_s = 0.0

    def __call__(self) -> int:
        """Unix nanoseconds."""
        return self.start_ns + round(self.at_s * SECOND_NS)


def test_every_report_counts_once_in_the_total_and_in_the_second_in_which_its_events_were_due() -> None:
    """The sum of the series is the total, warm-up included, whatever came when; and no second is missing."""
    clock = Clock()
    run = Recorder(clock)
    run.times = clock.times
    clock.at_s = 2.1
    run.add("a", report(by_second(3, warm=2, asked=3), clock(), 10, 4))
    run.notices.append("look")
    run.add("b", report(by_second(4, asked=5), clock(), 20, 5))
    first = run.second()
    clock.at_s = 3.1
    run.add("a", report(by_second(5), clock(), 10))
    run.add("b", report(by_second(6, second=1, asked=6), clock(), 10))
    second = run.second()
    run.add("a", ObserverReport(by_second(1), clock(), 0))
    clock.at_s = 4.5
    run.stop()
    recording = run.recording(RunFacts(workers=2))
    assert (first.produced, second.produced) == (9, 20)
    assert (first.target_per_s, first.achieved_per_s, first.queue) == (8, 7, 9)
    assert (second.target_per_s, second.achieved_per_s) == (6, 6)
    assert first.percentiles_us("ack")[0] is None, "too few for a percentile"
    assert (first.notices, second.notices) == (("look",), ()), "a notice is told once"
    assert run.stats.counts[TOPIC] == {"produced": 19, "warmup_produced": 2}
    rows = recording.series
    assert [(row["at_s"], row["phase"]) for row in rows] == [
        (1.0, "warm-up"), (2.0, "measuring"), (3.0, "measuring"), (4.0, "measuring")
    ]  # fmt: skip
    assert [row["produced"] for row in rows] == [2, 13, 6, 0]
    assert [piece["produced"] for piece in recording.slices] == [13, 6, 0]
    assert recording.notices == ("look",)


def test_a_second_is_shown_once_all_have_reported_it_and_a_silent_one_is_not_waited_for() -> None:
    """A row that is shown early would show a load below its target, and one process that hangs must not hide the others."""
    clock = Clock()
    run = Recorder(clock)
    run.times = clock.times
    clock.at_s = 2.3
    run.add("a", report(by_second(3), clock(), 10))
    clock.at_s = 2.4
    run.add("b", report(by_second(4), clock() - SECOND_NS // 2, 10))
    assert len(run.second().latency_us) > 0
    assert [span.second for span in run.latest.opened] == [-1], "b has yet to report until 2 s"
    clock.at_s = 4.1
    run.add("a", report(by_second(3, second=2), clock(), 10))
    run.second()
    assert [span.second for span in run.latest.opened] == [0]


@pytest.mark.parametrize(
    ("stopped_s", "ends_s"),
    [(2.1, [1.0, 2.1]), (2.5, [1.0, 2.0, 2.5]), (0.05, [0.05]), (4.0, [1.0, 2.0, 3.0, 4.0]), (9.0, [1.0, 2.0, 3.0, 4.0])],
)  # fmt: skip
def test_the_last_row_ends_with_the_schedule(stopped_s: float, ends_s: list[float]) -> None:
    """Wherever a run is stopped, its last row ends there, and holds what was due until then; a moment is no row of its own."""
    clock = Clock()
    run = Recorder(clock)
    run.times = clock.times
    clock.at_s = stopped_s
    run.add("a", report(by_second(7, second=5, warm=2), clock(), 10))
    run.second()
    run.stop()
    rows = run.recording(RunFacts()).series
    assert [row["at_s"] for row in rows] == ends_s
    assert sum(row["produced"] for row in rows) == 9


def test_a_generator_that_hears_late_of_a_stop_has_the_rate_that_it_was_asked_for() -> None:
    """What it was asked for meanwhile makes the last row longer, not its target higher; its clock may be ahead."""
    clock = Clock()
    run = Recorder(clock)
    run.times = clock.times
    clock.at_s = 2.5
    run.stop()
    clock.at_s = 2.6
    run.add_drained(GeneratorDrained(by_second(60, second=1, asked=60), 0, clock(), clock() + SECOND_NS))
    last = run.recording(RunFacts()).series[-1]
    assert last["at_s"] == pytest.approx(2.6)
    assert last["target_per_s"] == pytest.approx(100)


def test_the_last_word_on_what_a_process_used_counts() -> None:
    """Each process has one cost in the run, its latest, in the order of the workers, and the coordinator comes last."""
    run = Recorder()
    early, late = (between(START, replace(START, at_ns=10**9, cpu_ns=ns)) for ns in (1, 10**8))
    run.costs = {(None, "coordinator"): late, (10, "generator"): early, (2, "observer"): early}
    run.costs[10, "generator"] = late
    run.costs[2, "generator"] = early
    costs = run.recording(RunFacts()).costs
    found = [(cost["worker"], cost["process"], cost["cpu_s"]) for cost in costs]
    assert found == [
        (2, "generator", 1e-9),
        (2, "observer", 1e-9),
        (10, "generator", 0.1),
        (None, "coordinator", 0.1),
    ]


def test_the_phases_of_a_run_are_told_apart() -> None:
    """Before the schedule there is nothing; then warm-up, measuring, draining."""
    clock = Clock()
    run = Recorder(clock)
    assert run.second().phase == "starting"
    run.times = clock.times
    clock.at_s = 0.5
    assert run.second().phase == "warm-up"
    clock.at_s = 2.0
    measuring = run.second()
    assert (measuring.phase, measuring.elapsed_s, measuring.total_s) == ("measuring", 2.0, 4.0)
    run.stop()
    assert run.second().phase == "draining"
    recording = run.recording(RunFacts(embedded=True, cut_short=True))
    assert [row["phase"] for row in recording.series] == ["warm-up", "measuring"]
    assert recording.facts.measured_s == pytest.approx(1)
    assert recording.facts.embedded
    assert recording.facts.cut_short


@pytest.mark.parametrize(("stopped_s", "end_s", "measured_s"), [(10, 0, 8), (10, 6, 4), (5, 6, 3), (1, 6, 0)])
def test_what_was_measured_ends_with_the_schedule_or_when_it_is_stopped(
    stopped_s: int, end_s: int, measured_s: int
) -> None:
    """The rates are over the time that was measured: from the warm-up's end, never below nothing."""
    times = Times(0, 2 * SECOND_NS, end_s * SECOND_NS)
    assert times.measured_s(stopped_s * SECOND_NS) == measured_s


def test_the_target_is_what_the_generators_say_was_due() -> None:
    """Where generators count what was due, the mean target is that, exactly, however the rate moved."""
    run = Recorder()
    run.times = Times(0, SECOND_NS, 5 * SECOND_NS)
    run.add("a", report(by_second(390, due=400), 2 * SECOND_NS, 17))
    run.add("b", report(by_second(800, due=800), 2 * SECOND_NS, 17))
    run.stopped_ns = 5 * SECOND_NS
    recording = run.recording(RunFacts(workers=2))
    assert recording.facts.target_per_s == 300


def test_without_a_count_the_target_is_the_mean_of_the_reported_rates() -> None:
    """Rates reported outside the measured time, or twice, do not weigh in."""
    run = Recorder()
    run.times = Times(0, 2 * SECOND_NS, 0)
    run.stopped_ns = 5 * SECOND_NS
    for at_s, rate in ((1, 5), (2, 100), (3, 300), (3, 300), (4, 500), (9, 1)):
        run.add("a", report(StatsBySecond(), at_s * SECOND_NS, rate))
        run.add("b", report(StatsBySecond(), at_s * SECOND_NS, 10))
    run.stopped_ns = 5 * SECOND_NS
    recording = run.recording(RunFacts(workers=2))
    assert recording.facts.target_per_s == 310

"""What a run adds up to, second by second."""

import time
from dataclasses import replace

import numpy as np
import pytest

from lensload.coordinator.recorder import Recorder, Times
from lensload.machine import Reading
from lensload.metrics.cost import between
from lensload.metrics.stats import Stats
from lensload.processes.messages import GeneratorReport, ObserverReport
from lensload.verdict.evidence import RunFacts

TOPIC = "user-interactions"
SECOND_NS = 1_000_000_000
START = Reading(0, 0, {}, 1, {}, {})


def stats(produced: int = 0, *, warm: int = 0, due: int = 0) -> Stats:
    made = Stats()
    made.count(TOPIC, "produced", produced)
    made.count(TOPIC, "warmup_produced", warm)
    made.record("ack", TOPIC, np.full(produced, 1_500_000, dtype=np.int64))
    if due:
        made.add_total("due", due)
    return made


def report(stats: Stats, now_ns: int, target_per_s: float, queue: int = 0) -> GeneratorReport:
    return GeneratorReport(stats, now_ns, 0, target_per_s, 0.0, queue, 0, 0)


def test_every_report_counts_once_in_the_total_and_in_one_second() -> None:
    """The sum of the series is the total, warm-up included, whatever came when."""
    run = Recorder()
    now_ns = time.time_ns()
    run.times = Times(now_ns - SECOND_NS, now_ns - SECOND_NS, 0)
    run.add("a", report(stats(3, warm=2), now_ns, 10, 4))
    run.notices.append("look")
    run.add("b", report(stats(4), now_ns, 20, 5))
    first = run.second()
    run.add("a", report(stats(5), now_ns, 10))
    second = run.second()
    run.add("a", ObserverReport(stats(1), now_ns, 0))
    run.stopped_ns = now_ns + SECOND_NS
    recording = run.recording(RunFacts(workers=2))
    assert (first.produced, second.produced) == (9, 14)
    assert (first.target_per_s, first.queue) == (30, 9)
    assert first.percentiles_us("ack")[0] is None, "too few for a percentile"
    assert (first.notices, second.notices) == (("look",), ()), "a notice is told once"
    assert run.stats.counts[TOPIC] == {"produced": 13, "warmup_produced": 2}
    assert [row["produced"] for row in recording.series] == [9, 5]
    assert recording.notices == ("look",)


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
    """Before the schedule there is no row; then warm-up, measuring, draining."""
    run = Recorder()
    assert run.second().phase == "starting"
    now_ns = time.time_ns()
    run.times = Times(now_ns - SECOND_NS, now_ns + SECOND_NS, now_ns + 2 * SECOND_NS)
    assert run.second().phase == "warm-up"
    run.times = Times(now_ns - 2 * SECOND_NS, now_ns - SECOND_NS, now_ns + 2 * SECOND_NS)
    measuring = run.second()
    assert measuring.phase == "measuring"
    assert measuring.elapsed_s == pytest.approx(2, abs=0.5)
    assert measuring.total_s == pytest.approx(4)
    run.stopped_ns = now_ns
    assert run.second().phase == "draining"
    recording = run.recording(RunFacts(embedded=True, cut_short=True))
    assert [row["phase"] for row in recording.series] == ["warm-up", "measuring", "draining"]
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
    run.add("a", report(stats(390, due=400), 2 * SECOND_NS, 17))
    run.add("b", report(stats(800, due=800), 2 * SECOND_NS, 17))
    run.stopped_ns = 5 * SECOND_NS
    recording = run.recording(RunFacts(workers=2))
    assert recording.facts.target_per_s == 300


def test_without_a_count_the_target_is_the_mean_of_the_reported_rates() -> None:
    """Rates reported outside the measured time, or twice, do not weigh in."""
    run = Recorder()
    run.times = Times(0, 2 * SECOND_NS, 0)
    run.stopped_ns = 5 * SECOND_NS
    for at_s, rate in ((1, 5), (2, 100), (3, 300), (3, 300), (4, 500), (9, 1)):
        run.add("a", report(Stats(), at_s * SECOND_NS, rate))
        run.add("b", report(Stats(), at_s * SECOND_NS, 10))
    run.stopped_ns = 5 * SECOND_NS
    recording = run.recording(RunFacts(workers=2))
    assert recording.facts.target_per_s == 310

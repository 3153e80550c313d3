"""An observer that does not keep up is named, in a run of real processes on the embedded cluster; a busy one is not."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensload.results.run import Run, total
from lensload.verdict.verdict import codes
from tests.support.locusts import Bench, check_whole, child_pids, wait_until

# The thresholds that a run has by default, which the tests' own environment lifts.
STRICT = ("--max-observer-lag", "1s", "--max-schedule-lag", "100ms")
SMALL = ("--audience-size", "500", "--catalogue-size", "200", "--warmup", "0s", *STRICT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run in, in which no process is left behind."""
    folder = tmp_path.resolve()
    yield folder
    wait_until(lambda: not child_pids(folder))


def stopped(pid: int, seconds: float) -> None:
    """Have a process stand still for some time."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)


def accused(run: Run) -> bool:
    """The verdict's reasons say that the observer fell behind."""
    return "observer_lag" in codes(run["reasons"])


def test_one_of_two_observers_frozen_for_a_while_is_named(folder: Path):
    """Half of the partitions are read up to four seconds late: the run does not pass, and says why."""
    load = ("--rate", "1000", "--duration", "9s", "--workers", "2")
    with Bench(folder, *SMALL, *load) as bench:
        bench.says("measuring")
        frozen, other = child_pids(folder, "lensload.observer.process")
        assert frozen != other
        stopped(frozen, 4)
        assert bench.ended() == 3, bench.log
        run = bench.run()
    check_whole(run)
    assert accused(run), run["reasons"]


def test_an_observer_that_is_slow_all_the_time_is_named(folder: Path):
    """An observer that works for a hundredth of each second falls behind more and more, on a fast machine too."""
    load = ("--rate", "20000", "--duration", "8s", "--topics", "user-interactions")
    with Bench(folder, *SMALL, *load) as bench:
        bench.says("measuring")
        (observer,) = child_pids(folder, "lensload.observer.process")
        until_s = time.monotonic() + 8
        while time.monotonic() < until_s:
            stopped(observer, 0.99)
            time.sleep(0.01)
        assert bench.ended() == 3, bench.log
        run = bench.run()
    assert accused(run), run["reasons"]


@pytest.mark.parametrize(
    ("module", "process"),
    [("lensload.observer.process", "observer"), ("lensload.generator.process", "generator")],
)
def test_a_process_that_is_frozen_for_good_makes_the_run_invalid(folder: Path, module: str, process: str):
    """Neither process is waited for without end, and what it did not report makes no pass."""
    load = ("--rate", "200", "--duration", "3s", "--drain-timeout", "1s")
    with Bench(folder, *SMALL, *load) as bench:
        bench.says("measuring")
        (frozen,) = child_pids(folder, module)
        os.kill(frozen, signal.SIGSTOP)
        assert bench.ended() == 3, bench.log
        run = bench.run()
    incomplete = [reason["text"] for reason in run["reasons"] if reason["code"] == "drain_timeout"]
    assert any(process in text for text in incomplete), run["reasons"]


def test_a_generator_that_is_frozen_is_not_the_observers_fault(folder: Path):
    """What a generator sends late is late in its schedule, and the observer that reads it at once is not accused."""
    with Bench(folder, *SMALL, "--rate", "500", "--duration", "6s") as bench:
        bench.says("measuring")
        (generator,) = child_pids(folder, "lensload.generator.process")
        stopped(generator, 3)
        assert bench.ended() == 3, bench.log
        run = bench.run()
    check_whole(run)
    assert "schedule_lag" in codes(run["reasons"]), run["reasons"]
    assert not accused(run)


def test_a_busy_run_that_keeps_up_is_not_accused(folder: Path):
    """A rate that two busy cores hardly carry may be late, but what was seen soon was seen soon."""
    with Bench(folder, *SMALL, "--rate", "30000", "--duration", "5s") as bench:
        assert bench.ended() in (0, 3), bench.log
        run = bench.run()
    assert total(run, "observed") > 0
    longest_us = run["latency_us"]["end_to_end"]["all"]["max"]
    assert longest_us > 1e6 or not accused(run)

"""What a run costs: a floor under the generator's speed, by CPU time, which other programs hardly change; and what is told."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lensload.kafka.embedded import EmbeddedCluster
from lensload.processes.messages import Ready, Scheduled
from lensload.report.cost import cost_line
from tests.integration.test_generator import SECOND, Hand
from tests.support.locusts import Bench

BARE_PRODUCE = Path(__file__).parents[2] / "benchmarks" / "bare_produce.py"
MOST_TIMES_BARE = 10
EVENT_BYTES = 330
MS = 1_000_000


@pytest.fixture
def hand(topic_prefix: str) -> Iterator[Hand]:
    with EmbeddedCluster() as cluster:
        started = Hand(cluster, topic_prefix)
        try:
            yield started
        finally:
            started.process.kill()


def ended_s() -> float:
    """CPU seconds of all children that have ended."""
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def cpu_s(hand: Hand) -> float:
    """CPU seconds of a generator so far, all threads."""
    times = psutil.Process(hand.process.pid).cpu_times()
    return times.user + times.system


def test_an_event_costs_the_generator_not_many_times_what_producing_it_does(hand: Hand):
    """Flat out, an event costs 10 times the CPU of a bare produce() with a delivery report at most; some 3 are usual."""
    hand.until(Ready)
    before_s = ended_s() + cpu_s(hand)  # what getting ready took
    start_ns = (time.time_ns() // MS + 100) * MS
    hand.begin(start_ns, 0, start_ns + SECOND, 1_000_000)
    hand.until(Scheduled)
    hand.drain()
    hand.process.close()
    spent_us = (ended_s() - before_s) / hand.count("acked") * 1e6
    bare = [
        sys.executable,
        str(BARE_PRODUCE),
        hand.bootstrap_servers,
        "bare",
        str(EVENT_BYTES),
        "200000",
        "1",
    ]
    bare_us = float(subprocess.check_output(bare).split()[1])
    assert hand.count("acked") > 20_000
    assert spent_us < MOST_TIMES_BARE * bare_us


def test_a_run_tells_what_it_cost(tmp_path: Path):
    """Each process has its processor time and memory in the run file and in the reports, no more than the system counted."""
    before_s = ended_s()
    outputs = ("--summary", str(tmp_path / "summary.md"), "--html", str(tmp_path / "report.html"))
    with Bench(
        tmp_path, "--rate", "2000", "--duration", "4s", "--warmup", "1s", "--workers", "2", *outputs
    ) as bench:
        bench.ended()
    run = bench.run()
    costs = run.get("cost", [])
    assert [(cost["worker"], cost["process"]) for cost in costs] == [
        (0, "generator"),
        (0, "observer"),
        (1, "generator"),
        (1, "observer"),
        (None, "coordinator"),
    ]
    assert sum(cost["cpu_s"] for cost in costs) < ended_s() - before_s
    for cost in costs:
        assert 0 < cost["busiest_thread_cores"] <= cost["cores"] + 0.02
        assert cost["measured_s"] > 0
        assert cost["peak_bytes"] > 20 << 20
    for process, kind in (("generator", "Produce"), ("observer", "Fetch")):
        sent = [cost["requests_per_s"].get(kind, 0) for cost in costs if cost["process"] == process]
        assert len(sent) == 2
        assert min(sent) > 0
    line = cost_line(run)
    assert line in (tmp_path / "summary.md").read_text()
    assert line in (tmp_path / "report.html").read_text()
    assert line in " ".join(bench.log.split())

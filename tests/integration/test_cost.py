"""What an event costs the generator: a floor under its speed, by CPU time, which other programs hardly change."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lensload.kafka.embedded import EmbeddedCluster
from lensload.processes.messages import Ready, Scheduled
from tests.integration.test_generator import SECOND, Hand

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

"""The reference recommender under test: how long its answers take is what it was made to take."""

import signal
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.results.run import Run
from lensload.results.run_file import read
from tests.calibration.benches import SMALL, above, busy, options, saturated
from tests.calibration.table import ROUNDS, Table
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench
from tests.support.recommenders import Recommender, beside
from tests.support.topic_reader import read_to_end

FROZEN_S = 2.0
FREEZE_RATE_PER_S = 500
WARMUP_S = 1
DELAY_S = 0.2
COMMIT_S = 0.5  # how often the reference recommender commits


def test_a_frozen_service_shows_its_arithmetic(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, table: Table
):
    """All requests due while the service stands still count with their waiting, and its group's lag is as old as that."""
    was_busy = busy()
    load = options(rate=FREEZE_RATE_PER_S, duration="8s", warmup=f"{WARMUP_S}s", linger_ms=1)
    with Recommender(tmp_path, kafka, registry, topic_prefix) as service:
        watch = ("--watch-group", service.group)
        arguments = (*SMALL, *beside(kafka, registry, topic_prefix), *load, *watch)
        with Bench(tmp_path.resolve(), *arguments) as bench:
            bench.says("measuring")
            time.sleep(2)
            service.process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)
            service.process.send_signal(signal.SIGCONT)
            assert bench.ended() == 0, bench.log
            run = read(bench.run_file)
        service.stop()
    answers: Any = run.get("responses")
    assert answers["unanswered"] == 0
    written = written_after_s(kafka, topic_prefix + "recommendation-responses", run)
    for level_s in (0.5, 1.0, 1.5):
        found, within = above(run, "response", level_s), round(FREEZE_RATE_PER_S * 0.1)
        said = f"service frozen for {FROZEN_S:g} s at {FREEZE_RATE_PER_S}/s: response above {level_s:g} s"
        arithmetic = round(FREEZE_RATE_PER_S * (FROZEN_S - level_s))
        table.beside(
            f"{said}, not counting its catching up", f"{arithmetic:,} events or more", f"{found:,} events"
        )
        assert found > arithmetic - within, "nothing is answered by a service that stands still"
        truth = int((written > level_s).sum())
        if (was_busy or busy() or saturated(run)) and abs(found - truth) > within:
            table.beside(
                f"{said}, by the records", f"{truth:,} events", f"{found:,} events", "", "machine too busy"
            )
            assert found > truth - within, "no answer is seen before it was written"
        else:
            table.near(f"{said}, by the records' own time stamps", truth, found, within, "events")
    check_lag(run, service.group, table)


def written_after_s(kafka: Kafka, topic: str, run: Run) -> NDArray[np.float64]:
    """How long after its request was due each answer of the measured time was written, by its record."""
    records = read_to_end(kafka.bootstrap_servers, [topic], 4)
    due_ns = ids.read(
        np.array([list((record.value() or b"")[6 : 6 + ids.TEXT_BYTES]) for record in records], np.uint8)
    ).due_ns
    stamps_s = np.array([record.timestamp()[1] for record in records]) / 1e3
    from_s = datetime.fromisoformat(run["started_at"]).timestamp() + WARMUP_S
    return (stamps_s - due_ns / 1e9)[due_ns / 1e9 >= from_s]


def check_lag(run: Run, group: str, table: Table) -> None:
    """The lag in seconds is the time for which nothing was committed, as far as one look a second can tell."""
    (found,) = (run.get("groups") or {}).values()
    most_s = found["lag_s"]["max"]
    table.beside(
        "the lag of its group in seconds, looked at each second",
        f"{FROZEN_S - 1:g} to {FROZEN_S + COMMIT_S:g} s",
        f"{most_s:.2f} s at most",
    )
    assert most_s > FROZEN_S - 1
    assert found["lag"]["max"] > FREEZE_RATE_PER_S * (FROZEN_S - 1)
    assert (found["state"], found["members"], found["rebalances"]) == ("STABLE", 1, 0), group


def test_a_planted_delay_comes_back(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, table: Table
):
    """The median response latency of a service that waits is that of one that does not, and the wait.

    Both are measured at once, so that whatever else the machine does it does to both; on a slow one they take each
    other's processors.
    """
    was_busy, prefixes = busy(), {delay_s: f"{topic_prefix}{delay_s}-" for delay_s in (0.0, DELAY_S)}
    load = options(rate=100, duration=f"{4 * ROUNDS}s", warmup="2s", linger_ms=1)
    with ExitStack() as stack:
        for delay_s, prefix in prefixes.items():
            folder = tmp_path.resolve() / prefix
            folder.mkdir()
            service = Recommender(folder, kafka, registry, prefix, "--delay", f"{delay_s}s")
            stack.enter_context(service)
        benches = [
            stack.enter_context(
                Bench(tmp_path.resolve() / prefix, *SMALL, *beside(kafka, registry, prefix), *load)
            )
            for prefix in prefixes.values()
        ]
        runs = [ended(bench) for bench in benches]
    medians_ms = [run["latency_us"]["response"]["all"]["p50"] / 1000 for run in runs]
    found_ms, truth_ms = medians_ms[1] - medians_ms[0], DELAY_S * 1000
    said, within_ms = f"service that waits for {truth_ms:g} ms", max(0.5, 0.02 * truth_ms)
    if (was_busy or busy() or saturated(*runs)) and abs(found_ms - truth_ms) > within_ms:
        table.beside(said, f"{truth_ms:.2f} ms", f"{found_ms:.2f} ms", "", "machine too busy")
        assert medians_ms[1] > truth_ms, "no answer comes before it was written"
    else:
        table.near(said, truth_ms, found_ms, within_ms, "ms")


def ended(bench: Bench) -> Run:
    """A run that passed, at its end."""
    assert bench.ended() == 0, bench.log
    return bench.run()

"""The live page's state, fed by a coordinator whose clock is a test's."""

import json
from functools import partial
from typing import Any

import numpy as np
import pytest

from lensload import clock
from lensload.config.model import RunConfig
from lensload.coordinator.coordinator import Coordinator
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.stats import Stats
from lensload.processes.messages import GeneratorReport
from lensload.results.series import Series
from lensload.web.chart_entries import MOST, STAGES, entry
from lensload.web.live import Live
from tests.support.courses import step
from tests.support.memory import bytes_held
from tests.support.transports import FakeTransport, FakeWorker, coordinated


def a_second(number: int, median_ms: float = 4.0) -> Stats:
    """What a second of 1,000 events leaves."""
    draws = np.random.default_rng(number)
    fresh = Stats()
    for name in ("produced", "acked", "observed"):
        fresh.count("user-interactions", name, 1_000)
    for stage in ("schedule_lag", "ack", "end_to_end"):
        took_ns = draws.lognormal(np.log(median_ms * 1e6), 0.5, 1_000).astype(np.int64)
        fresh.record(stage, "user-interactions", took_ns)
    return fresh


def entries(series: Series) -> list[dict[str, object]]:
    return [entry(second) for _, second in series.since(-1, -1)]


def run_on(transport: FakeTransport, duration_s: float = 3.0) -> tuple[Coordinator, Live]:
    live = Live(monotonic_s=transport.monotonic_s)
    coordinator = coordinated(transport, live, duration_s=duration_s)
    live.attach(coordinator, RunConfig().changed(duration_s=duration_s, warmup_s=1, drain_timeout_s=2))
    for worker in transport.fakes.values():
        worker.join(clock.host())
    return coordinator, live


def test_eight_hours_stay_bounded_and_lose_no_event() -> None:
    """A soak of eight hours sends a page no more than some minutes do, and its rates still add up to all events."""
    series, hours = Series(MOST, STAGES), 8 * 3_600
    busy, idle = [a_second(number) for number in range(4)], Stats()
    for number in range(hours):
        step(number, idle if number % 24 else busy[number % 4], 1_000.0).into(series)
    found = entries(series)
    assert len(found) <= MOST
    assert len(json.dumps(found)) < 300_000
    acked = sum(one["acked_per_s"] * (one["to_s"] - one["from_s"]) for one in found)  # pyright: ignore[reportOperatorIssue, reportCallIssue, reportArgumentType]
    assert acked == pytest.approx(hours / 24 * 1_000, rel=1e-3)
    assert (found[0]["from_s"], found[-1]["to_s"]) == (0.0, hours)
    middle = found[len(found) // 2]["latency_us"]
    assert middle["end_to_end"]["p50"] == pytest.approx(4_000, rel=0.1)  # pyright: ignore[reportIndexIssue]


def test_a_run_grows_neither_with_its_workers_reports_nor_with_its_hours() -> None:
    """Half of a run holds as much memory as all of it, in what counts and in what shows; a page's answers stay small."""
    workers, duration_s, most_bytes = 4, 1_600, 50_000  # sixteen bytes a report
    transport = FakeTransport(*(f"worker {number}" for number in range(workers)))
    coordinator, live = run_on(transport, duration_s)
    held: list[int] = []
    sent: list[int] = []

    def look() -> None:
        sent.append(len(json.dumps(live.as_json())))
        held.append(bytes_held(coordinator, live, without=transport))

    # The course is thinned out whenever it is full: at these times it is equally full.
    for part in (1, 2):
        transport.at(duration_s * part / 2, look)
    coordinator.await_ready()
    coordinator.begin()
    coordinator.await_end()
    assert [worker["state"] for worker in live.as_json()["workers"]] == ["reports"] * workers
    assert live.as_json()["total"]["observed"] >= 10 * workers * (duration_s - 3)
    assert max(sent) < 150_000
    assert held[1] < held[0] + most_bytes


def test_a_page_is_sent_what_is_new_alone_until_entries_are_merged() -> None:
    """Polling each second costs a second's worth; after a merge, which renumbers, everything is sent again."""
    series = Series(8, STAGES)
    for number in range(6):
        step(number, a_second(number)).into(series)
    generation, version = series.generation, series.version
    step(6, a_second(7)).into(series)
    assert [number for number, _ in series.since(generation, version)] == [6]
    for number in range(7, 12):
        step(number, a_second(number)).into(series)
    assert series.generation > generation
    assert [number for number, _ in series.since(generation, version)] == list(range(len(entries(series))))


def test_what_becomes_known_of_a_second_later_is_sent_with_it() -> None:
    """An acknowledgement that took three seconds shows in the second in which its event was due, on a page that had it."""
    series = Series(MOST, STAGES)
    for number in range(6):
        step(number, a_second(number)).into(series)
    version = series.version
    series.add(2, a_second(9))
    ((number, second),) = series.since(series.generation, version)
    assert (number, entry(second)["acked_per_s"]) == (2, 2_000.0)


def test_who_asks_for_the_first_time_sees_what_was_measured() -> None:
    """Counts and a verdict so far are there, at most some seconds old, though nobody had looked at the run before."""
    transport = FakeTransport("a")
    coordinator, live = run_on(transport, 30.0)
    seen: list[dict[str, Any]] = []
    transport.at(20.5, lambda: seen.append(live.as_json()))
    coordinator.await_ready()
    coordinator.begin()
    coordinator.await_end()
    assert seen[0]["verdict"]["verdict"]
    assert seen[0]["total"]["produced"] > 0


def test_the_state_follows_a_run_from_its_start_to_its_result() -> None:
    """Phases, workers and what would make the run invalid are shown while it is on, and its result at the end."""
    transport = FakeTransport("a", "b")
    coordinator, live = run_on(transport)
    assert live.as_json()["phase"] == "starting"
    phases: list[str] = []
    for tenth in range(1, 60):
        transport.at(tenth / 10, lambda: phases.append(live.as_json()["phase"]))
    transport.at(2.5, lambda: transport.lost.add("b"))
    coordinator.await_ready()
    coordinator.begin()
    coordinator.await_end()
    so_far = live.as_json()
    assert so_far["verdict"]["verdict"] == "invalid"
    assert not so_far["verdict"]["final"]
    assert "worker_lost" in [reason["code"] for reason in so_far["verdict"]["reasons"]]
    assert [worker["state"] for worker in so_far["workers"]] == ["reports", "lost"]
    coordinator.drain()
    run = coordinator.conclude()
    coordinator.close()
    assert {"starting", "warm-up", "measuring"} <= set(phases)
    over = live.as_json()
    assert (over["phase"], over["verdict"]["final"]) == ("over", True)
    assert over["verdict"]["reasons"] == run["reasons"]
    assert live.coordinator is None
    json.dumps(over, allow_nan=False)


def test_a_worker_that_hangs_shows_its_lag_and_its_processor() -> None:
    """A generator's lag, queue, memory and processor share between its last two reports stand beside each worker."""
    transport = FakeTransport("a")
    coordinator, live = run_on(transport)

    def report(cpu_ns: int) -> None:
        fake: FakeWorker = transport.fakes["a"]
        now_ns = transport.now_ns()
        fake.say(
            GeneratorReport(StatsBySecond(), now_ns, 0, 10.0, 9.0, 7, 2_000_000, 1 << 20, cpu_ns), "generator"
        )

    transport.fakes["a"].mute = {GeneratorReport}
    transport.at(1.5, transport.fakes["a"].mute.clear)
    transport.at(1.6, partial(report, 1_000_000_000))
    transport.at(1.8, partial(report, 1_050_000_000))
    transport.at(1.9, lambda: transport.fakes["a"].mute.add(GeneratorReport))
    transport.at(2.5, coordinator.halt)
    coordinator.await_ready()
    coordinator.begin()
    coordinator.await_end()
    (worker,) = live.as_json()["workers"]
    assert (worker["queue"], worker["behind_us"], worker["generator_bytes"]) == (7, 2_000.0, 1 << 20)
    assert worker["generator_cpu"] == pytest.approx(0.25)


def test_a_run_that_is_refused_says_why_on_the_page() -> None:
    """Somebody who started a run from the page reads there why there is none."""
    live = Live()
    live.failed("There is no cluster.", "Start one.")
    state = live.as_json()
    assert state["error"] == {"message": "There is no cluster.", "advice": "Start one."}
    assert state["result"] is None

"""Several runs as one: what was counted adds up, and how the runs differ becomes the interval."""

import json
import signal
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from lensload.metrics.stats import Stats
from lensload.results.build import Recording, build
from lensload.results.counted import stats_of
from lensload.results.environment import conditions
from lensload.results.merge import intervals, merged
from lensload.results.run import Run, total
from lensload.verdict.evidence import RunFacts
from lensload.verdict.verdict import codes, reason
from tests.support.locusts import Bench

TOPICS = ("user-interactions", "ab-test-events")


def some_stats(times: float) -> Stats:
    """Latencies that are all `times` what they are at 1."""
    stats = Stats()
    for topic in TOPICS:
        for name in ("produced", "acked", "observed"):
            stats.count(topic, name, 20_000)
        for stage in ("schedule_lag", "ack", "end_to_end"):
            stats.record(stage, topic, (np.arange(20_000) * 100 * times).astype(np.int64))
    return stats


def a_run(times: float = 1.0, **changed: Any) -> Run:
    recording = Recording(facts=RunFacts(started_ns=10**18, measured_s=10.0, target_per_s=4_000.0))
    return cast("Run", {**build(some_stats(times), recording, conditions({}, {})), **changed})


def test_what_was_counted_adds_up() -> None:
    """Counts, rates and percentiles of the whole are those of all events of all runs together."""
    runs = [a_run(times) for times in (1.0, 1.1, 1.3)]
    whole, together = merged(runs, ["a", "b", "c"], 3), Stats()
    for times in (1.0, 1.1, 1.3):
        together.add(some_stats(times))
    assert total(whole, "acked") == 3 * total(runs[0], "acked")
    assert whole["load"]["achieved_per_s"] == pytest.approx(4_000)
    for stage in ("ack", "end_to_end"):
        for topic in TOPICS:
            assert stats_of(whole).histograms[stage, topic] == together.histograms[stage, topic]
        assert whole["latency_us"][stage]["all"]["p99"] == together.histogram(stage).percentile_us(99)
    assert [repeat["run_file"] for repeat in whole["repeats"]] == ["a", "b", "c"]
    assert whole["verdict"] == "pass"


def test_the_interval_is_of_how_the_runs_differ() -> None:
    """Like runs give a narrow interval, unlike ones a wide one around their middle."""
    alike = intervals([some_stats(1.0)] * 3)["ack"]["all"]["p50"]
    unlike = intervals([some_stats(times) for times in (0.5, 1.0, 2.0)])["ack"]["all"]["p50"]
    assert alike["low_us"] == pytest.approx(alike["high_us"], rel=0.01)
    assert unlike["figure_us"] == pytest.approx(alike["figure_us"], rel=0.01)
    assert unlike["low_us"] < 0.5 * unlike["figure_us"]
    assert unlike["high_us"] > 2.0 * unlike["figure_us"]


def test_the_worst_verdict_is_the_whole_ones() -> None:
    """One bad repeat is not outvoted, and a reason says whose it is."""
    runs = [
        a_run(),
        a_run(verdict="fail", reasons=[reason("objective_missed", "fail", "It was slow.")]),
        a_run(),
    ]
    whole = merged(runs, ["a", "b", "c"], 3)
    assert (whole["verdict"], codes(whole["reasons"])) == ("fail", ["objective_missed"])
    assert "2" in whole["reasons"][0]["text"]


def test_fewer_than_were_asked_for_are_no_verdict() -> None:
    """What was interrupted is told, and does not pass."""
    whole = merged([a_run(), a_run()], ["a", "b"], 5)
    assert (whole["verdict"], codes(whole["reasons"])) == ("invalid", ["repeats_missing"])


def test_repeats_are_run_one_after_the_other(tmp_path: Path) -> None:
    """Each repeat is a run of its own with its own file, and the result holds them all, with intervals."""
    small = ("--rate", "1000", "--duration", "2s", "--warmup", "0s", "--audience-size", "500")
    with Bench(tmp_path.resolve(), *small, "--catalogue-size", "200", "--repeat", "2") as bench:
        assert bench.ended() == 0, bench.log
    whole = bench.run()
    each = [json.loads((tmp_path / f"run.{n}.json").read_text()) for n in (1, 2)]
    assert total(whole, "acked") == sum(total(run, "acked") for run in each) == 4_000
    assert whole["intervals"]["end_to_end"]["all"]["p50"]["method"] == "runs"
    assert "REPEATS: 2" in bench.log


def test_ctrl_c_ends_the_repeats(tmp_path: Path) -> None:
    """What was run until then is the result, it is invalid, and nothing else is begun."""
    with Bench(tmp_path.resolve(), "--rate", "200", "--duration", "60s", "--repeat", "3") as bench:
        bench.says("measuring")
        bench.press_ctrl_c()
        assert bench.ended() == 3, bench.log
    assert "repeats_missing" in codes(bench.run()["reasons"])
    assert "Repeat 2 of 3" not in bench.log
    assert "Traceback" not in bench.log


def test_a_container_that_is_stopped_ends_the_repeat_that_is_on(tmp_path: Path) -> None:
    """SIGTERM reaches the command alone: the run that is on is drained, its file is the result, and no other is begun."""
    with Bench(tmp_path.resolve(), "--rate", "200", "--duration", "10m", "--repeat", "3") as bench:
        bench.says("measuring")
        bench.process.send_signal(signal.SIGTERM)
        assert bench.ended() == 3, bench.log
        assert not bench.child_pids()
    assert "repeats_missing" in codes(bench.run()["reasons"])
    assert (tmp_path / "run.1.json").exists()
    assert "Repeat 2 of 3" not in bench.log

"""The course of a run takes a bounded amount of space however long it is, and loses no event."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.metrics import slices
from lensload.metrics.counts import PROGRESS
from lensload.metrics.slices import Slices
from lensload.metrics.stats import STAGES, Stats
from lensload.results import run_file, series
from lensload.results.build import Recording, build
from lensload.results.counted import stats_of
from lensload.results.run import Row, Run, total
from lensload.results.series import MOST, Series, row
from lensload.schema.definitions import TOPIC_NAMES
from lensload.verdict.evidence import RunFacts

TOPIC = "user-interactions"
HOURS_8_S = 8 * 3600
STEPS = 720  # in which the soak is told, each of 40 s: what they merge into is the same


def second(latencies_us: list[int]) -> Stats:
    """What came of some events in one second."""
    fresh = Stats()
    for name in PROGRESS:
        fresh.count(TOPIC, name, len(latencies_us))
    fresh.record("ack", TOPIC, np.array(latencies_us, np.int64) * 1_000)
    return fresh


def rows_of(seconds: list[tuple[Stats, float, int]], most: int, drained: int) -> list[Row]:
    """The rows of seconds, each with its rate and its queue; after the first `drained` of them the run drains."""
    found = Series(most)
    for number, (fresh, rate, queue) in enumerate(seconds):
        phase = "measuring" if number < drained else "draining"
        made = row(fresh, at_s=number + 1.0, phase=phase, target_per_s=rate, queue=queue)
        found.append(made, fresh)
    return found.rows()


some_seconds = st.lists(
    st.tuples(st.lists(st.integers(1, 10**6), max_size=60), st.floats(0, 1e5), st.integers(0, 99)),
    max_size=60,
)


@given(some_seconds, st.integers(2, 12), st.integers(0, 60))
def test_rows_add_up_however_they_are_merged(
    seconds: list[tuple[list[int], float, int]], most: int, drained: int
):
    """Counts and due events of all rows are the run's, the greatest queue is kept, and rows follow without gaps."""
    given_ = [(second(latencies_us), rate, queue) for latencies_us, rate, queue in seconds]
    found = rows_of(given_, most, drained)
    assert len(found) <= most
    for name in PROGRESS:
        assert sum(one[name] for one in found) == sum(len(latencies_us) for latencies_us, _, _ in seconds)
    lengths_s = [later["at_s"] - at_s for at_s, later in pairwise_from_0(found)]
    assert all(length_s > 0 for length_s in lengths_s)
    assert sum(lengths_s) == len(seconds)
    due = sum(one["target_per_s"] * length_s for one, length_s in zip(found, lengths_s, strict=True))
    assert due == pytest.approx(sum(rate for _, rate, _ in seconds), rel=1e-9)
    assert max((one["queue"] for one in found), default=0) == max((queue for *_, queue in seconds), default=0)


def pairwise_from_0(rows: list[Row]) -> list[tuple[float, Row]]:
    """When each row begins, and the row."""
    ends_s = [0.0, *(one["at_s"] for one in rows)]
    return [(begins_s, one) for (begins_s, _), one in zip(pairwise(ends_s), rows, strict=True)]


@given(st.lists(st.lists(st.integers(1, 10**6), min_size=20, max_size=60), min_size=5, max_size=12))
@settings(max_examples=30)
def test_a_merged_rows_percentiles_are_those_of_all_its_events(seconds: list[list[int]]):
    """They are not means of percentiles: they are what one row over all that time would have, to 3 %."""
    found = rows_of([(second(latencies_us), 1.0, 0) for latencies_us in seconds], 2, len(seconds))
    for begins_s, one in pairwise_from_0(found):
        whole = second([us for each in seconds[int(begins_s) : int(one["at_s"])] for us in each])
        told_us, true_us = one["latency_us"]["ack"]["p50"], whole.histogram("ack").summary()["p50"]
        assert told_us == pytest.approx(true_us, rel=0.035)


def test_rows_of_several_runs_are_bounded_too():
    """A file of many repeats counts every event, in no more rows than one run has, and tells no latency it cannot know."""
    one = rows_of([(second([5_000] * 30), 30.0, 1)] * 300, MOST, 300)
    found = series.joined([one] * 5)
    assert len(found) <= MOST
    assert sum(each["acked"] for each in found) == 5 * 300 * 30
    assert found[-1]["at_s"] == 5 * 300
    assert not any(each["latency_us"] for each in found)
    assert series.joined([one, one])[0] == one[0], "few enough are left as they are"


def often(stats: Stats, times: int) -> Stats:
    """A stats so many times."""
    whole = Stats()
    for bit in f"{times:b}":
        twice = Stats()
        for one in (whole, whole, *([stats] if bit == "1" else [])):
            twice.add(one)
        whole = twice
    return whole


def a_soak(all_stats: list[Stats], seconds: int, per_s: float) -> tuple[Run, Stats]:
    """A run of so many seconds in which these come again and again, and what was counted in it."""
    whole, parts, rows, times = Stats(), Slices(), Series(), STEPS // len(all_stats)
    made = [row(fresh, at_s=0.0, phase="measuring", target_per_s=per_s, queue=9_999) for fresh in all_stats]
    for number in range(STEPS):
        at_s, fresh = (number + 1.0007) * seconds / STEPS, all_stats[number % len(all_stats)]
        rows.append({**made[number % len(all_stats)], "at_s": at_s}, fresh)
        parts.close(fresh, since_s=0.0, at_s=at_s, phase="measuring")
    for fresh in all_stats:
        whole.add(often(fresh, times))
    facts = RunFacts(measured_s=float(seconds), target_per_s=per_s)
    recording = Recording(facts=facts, series=rows.rows(), slices=parts.finished())
    return build(whole, recording, {}), whole


@pytest.mark.parametrize(("spread", "fewest"), [(0.4, 60), (1.3, 30)])
def test_a_run_file_of_eight_hours_at_a_high_rate_is_below_2_mb(tmp_path: Path, spread: float, fewest: int):
    """All topics and stages, 100,000/s, also if latencies go from microseconds to seconds: every piece still adds up."""
    random, per_s, all_stats = np.random.default_rng(4), 100_000, list[Stats]()
    for level in 14.5 + random.normal(0, spread / 2, 10):
        fresh = Stats()
        for topic in TOPIC_NAMES:
            for name in PROGRESS:
                fresh.count(topic, name, per_s // 5)
            for at, stage in enumerate(STAGES):
                latencies_ns = random.lognormal(level + at / 3, spread, per_s // 5)
                fresh.record(stage, topic, latencies_ns.astype(np.int64))
        all_stats.append(often(fresh, HOURS_8_S // STEPS))
    run, whole = a_soak(all_stats, HOURS_8_S, per_s)
    run_file.write(tmp_path / "soak.json", run)
    assert (tmp_path / "soak.json").stat().st_size < 2_000_000
    again = run_file.read(tmp_path / "soak.json")
    assert fewest <= len(again["slices"]) <= slices.MOST
    assert sum(one["acked"] for one in again["series"]) == total(again, "acked") == HOURS_8_S * per_s
    assert sum(piece["acked"] for piece in again["slices"]) == total(again, "acked")
    for (stage, topic), of_run in stats_of(again).histograms.items():
        assert (of_run.coarse == whole.histogram(stage, topic).coarse).all()
        if stage in slices.STAGES_KEPT and topic == TOPIC:
            coarse = [slices.histogram(piece, stage, topic).coarse for piece in again["slices"]]
            assert (np.sum(coarse, axis=0) == of_run.coarse).all()

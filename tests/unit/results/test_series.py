"""The course of a run takes a bounded amount of space however long it is, and loses no event."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.coordinator.course import Step
from lensload.metrics import slices
from lensload.metrics.counts import PROGRESS
from lensload.metrics.slices import Slices
from lensload.metrics.stats import STAGES, Stats
from lensload.metrics.time_series import Span
from lensload.results import run_file, series
from lensload.results.build import Recording, build
from lensload.results.counted import stats_of
from lensload.results.run import Row, Run, total
from lensload.results.series import MOST, Series
from lensload.schema.definitions import TOPIC_NAMES
from lensload.verdict.evidence import RunFacts
from tests.support.courses import of_second

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


def rows_of(
    seconds: list[tuple[Stats, float, int]], most: int, warm: int, later: dict[int, Stats] | None = None
) -> list[Row]:
    """The rows of seconds, each with its rate and its queue, the first `warm` of warm-up; then what came later of some."""
    found = Series(most)
    for number, (fresh, rate, queue) in enumerate(seconds):
        phase = "warm-up" if number < warm else "measuring"
        span = Span(number - warm, float(number), number + 1.0, phase)
        Step((span,), of_second(number - warm, fresh, rate), queue).into(found)
    for number, fresh in (later or {}).items():
        found.add(number - warm, fresh)
    return found.rows()


some_seconds = st.lists(
    st.tuples(st.lists(st.integers(1, 10**6), max_size=60), st.floats(0, 1e5), st.integers(0, 99)),
    max_size=60,
)


@given(
    some_seconds,
    st.integers(2, 12),
    st.integers(0, 60),
    st.dictionaries(st.integers(-3, 70), st.integers(0, 9)),
)
def test_rows_add_up_however_they_are_merged(
    seconds: list[tuple[list[int], float, int]], most: int, warm: int, later: dict[int, int]
):
    """Counts and due events of all rows are the run's, whatever came late; the greatest queue is kept; there are no gaps."""
    given_ = [(second(latencies_us), rate, queue) for latencies_us, rate, queue in seconds]
    found = rows_of(given_, most, warm, {number: second([5] * count) for number, count in later.items()})
    assert len(found) <= most
    late = sum(later.values()) if seconds else 0
    for name in PROGRESS:
        assert sum(one[name] for one in found) == late + sum(
            len(latencies_us) for latencies_us, *_ in seconds
        )
    lengths_s = [later_["at_s"] - at_s for at_s, later_ in pairwise_from_0(found)]
    assert all(length_s > 0 for length_s in lengths_s)
    assert sum(lengths_s) == len(seconds)
    due = sum(one["target_per_s"] * length_s for one, length_s in zip(found, lengths_s, strict=True))
    assert due == pytest.approx(sum(rate for _, rate, _ in seconds), rel=1e-9, abs=1e-4)
    assert max((one["queue"] for one in found), default=0) == max((queue for *_, queue in seconds), default=0)


@given(
    st.lists(st.lists(st.integers(1, 10**6), min_size=20, max_size=40), min_size=1, max_size=50), st.data()
)
@settings(max_examples=30)
def test_what_becomes_known_later_is_as_if_known_at_once(seconds: list[list[int]], data: st.DataObject):
    """A row's counts are the same in whatever order its events became known; its percentiles too, to 3 % of an old one's."""
    place = data.draw(st.integers(0, len(seconds) - 1))
    split = data.draw(st.integers(0, len(seconds[place])))
    early = [*seconds[:place], seconds[place][:split], *seconds[place + 1 :]]
    at_once = rows_of([(second(us), 1.0, 0) for us in seconds], MOST, 0)
    later = {place: second(seconds[place][split:])}
    in_time = rows_of([(second(us), 1.0, 0) for us in early], MOST, 0, later)
    for one, other in zip(at_once, in_time, strict=True):
        assert [one[name] for name in PROGRESS] == [other[name] for name in PROGRESS]
        for figure in ("p50", "max"):
            assert one["latency_us"]["ack"][figure] == pytest.approx(
                other["latency_us"]["ack"][figure], rel=0.035
            )
    if len(seconds) - place <= 30:
        assert at_once[place] == in_time[place], "of the latest half minute all is known exactly"


def pairwise_from_0(rows: list[Row]) -> list[tuple[float, Row]]:
    """When each row begins, and the row."""
    ends_s = [0.0, *(one["at_s"] for one in rows)]
    return [(begins_s, one) for (begins_s, _), one in zip(pairwise(ends_s), rows, strict=True)]


@given(st.lists(st.lists(st.integers(1, 10**6), min_size=20, max_size=60), min_size=5, max_size=12))
@settings(max_examples=30)
def test_a_merged_rows_percentiles_are_those_of_all_its_events(seconds: list[list[int]]):
    """They are not means of percentiles: they are what one row over all that time would have, to 3 %."""
    found = rows_of([(second(latencies_us), 1.0, 0) for latencies_us in seconds], 2, 0)
    for begins_s, one in pairwise_from_0(found):
        whole = second([us for each in seconds[int(begins_s) : int(one["at_s"])] for us in each])
        told_us, true_us = one["latency_us"]["ack"]["p50"], whole.histogram("ack").summary()["p50"]
        assert told_us == pytest.approx(true_us, rel=0.035)


def test_rows_of_several_runs_are_bounded_too():
    """A file of many repeats counts every event, in no more rows than one run has, and tells no latency it cannot know."""
    one = rows_of([(second([5_000] * 30), 30.0, 1)] * 300, MOST, 0)
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
    for number in range(STEPS):
        from_s, to_s = (at * seconds / STEPS for at in (number, number + 1))
        span = Span(number, from_s, to_s, "measuring")
        fresh = of_second(number, all_stats[number % len(all_stats)], per_s * (to_s - from_s))
        Step((span,), fresh, 9_999).into(rows, parts)
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

"""The slices of a run: whatever came when, they add up to the run, and there are never too many of them."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.coordinator.recorder import Recorder, Times
from lensload.metrics import slices
from lensload.metrics.counts import PROGRESS, count_of
from lensload.metrics.histogram import Histogram
from lensload.metrics.slices import STAGES_KEPT, Slice, Slices
from lensload.metrics.stats import Stats
from lensload.processes.messages import ObserverReport
from lensload.results.build import build
from lensload.results.counted import stats_of
from lensload.verdict.evidence import RunFacts

SECOND_NS = 1_000_000_000
TOPICS = ("user-interactions", "ab-test-events")


def second(latencies_us: list[int], topic: str = TOPICS[0]) -> Stats:
    """What came of some events of a topic in one second, after as many of the warm-up."""
    stats = Stats()
    for name in PROGRESS:
        stats.count(topic, name, len(latencies_us))
        stats.count(topic, f"warmup_{name}", len(latencies_us))
    for stage in (*STAGES_KEPT, "encode"):
        if latencies_us:
            stats.record(stage, topic, np.array(latencies_us, np.int64) * 1_000)
    return stats


def sums(found: list[Slice]) -> dict[tuple[str, str], Histogram]:
    merged: dict[tuple[str, str], Histogram] = {}
    for piece in found:
        for stage, by_topic in piece["histograms"].items():
            for topic in by_topic:
                merged.setdefault((stage, topic), Histogram()).add(slices.histogram(piece, stage, topic))
    return merged


some_seconds = st.lists(
    st.tuples(st.lists(st.integers(0, 10**7), max_size=20), st.sampled_from(TOPICS)), max_size=40
)


@given(some_seconds, st.integers(1, 8), st.integers(0, 40))
@settings(max_examples=40)
def test_slices_add_up_to_the_whole(seconds: list[tuple[list[int], str]], most: int, drained: int):
    """However often neighbours were merged, no event is lost, none is counted twice, and there are no gaps."""
    found, whole = Slices(most), Stats()
    for number, (latencies_us, topic) in enumerate(seconds):
        fresh = second(latencies_us, topic)
        whole.add(fresh)
        phase = "measuring" if number < drained else "draining"
        found.close(fresh, since_s=0.0, at_s=number + 1.0, phase=phase)
    rest = second([5, 6])
    whole.add(rest)
    found.add_rest(rest)
    parts = found.finished()
    assert len(parts) <= most + 1
    for name in PROGRESS:
        assert sum(count_of(part, name) for part in parts) == sum(by[name] for by in whole.counts.values())
    merged = sums(parts)
    assert set(merged) == {key for key in whole.histograms if key[0] in STAGES_KEPT}
    for key, one in merged.items():
        assert (one.coarse == whole.histograms[key].coarse).all()
    assert all(one["to_s"] == next_["from_s"] for one, next_ in pairwise(parts))


def test_neighbours_are_merged_when_there_are_too_many():
    """A soak of hours keeps a bounded number of slices, all but the last of one length."""
    found = Slices(most=8)
    for number in range(1_000):
        found.close(second([100]), since_s=0.0, at_s=number + 1.0, phase="measuring")
    lengths = [part["to_s"] - part["from_s"] for part in found.finished()]
    assert 4 <= len(lengths) <= 8
    assert set(lengths[:-1]) == {128}
    assert sum(lengths) == 1_000


def test_the_drain_stands_apart():
    """What arrives after the schedule's end is not mixed into the measured time, however long that was."""
    found = Slices(most=4)
    for number in range(9):
        phase = "measuring" if number < 7 else "draining"
        found.close(second([100]), since_s=0.0, at_s=number + 1.0, phase=phase)
    parts = found.finished()
    assert sum(part["produced"] for part in parts if part["phase"] == "measuring") == 7
    assert sum(part["produced"] for part in parts if part["phase"] == "draining") == 2


def test_a_recorder_closes_a_slice_a_second_and_leaves_the_warm_up_out():
    """The run file has the slices; they begin with the measured time, and hold nothing of the warm-up."""
    run = Recorder()
    now_ns = time.time_ns()
    run.times = Times(now_ns - SECOND_NS, now_ns + 60 * SECOND_NS, 0)
    warm = Stats()
    warm.count(TOPICS[0], "warmup_produced", 7)
    run.add("a", ObserverReport(warm, now_ns, 0))
    run.second()
    run.times = Times(now_ns - 3 * SECOND_NS, now_ns - 2 * SECOND_NS, 0)
    run.add("a", ObserverReport(second([100, 200]), now_ns, 0))
    run.second()
    run.add("a", ObserverReport(second([300]), now_ns, 0))
    run.stopped_ns = now_ns
    recording = run.recording(RunFacts(embedded=True))
    built = build(run.stats, recording, {})
    (piece,) = built["slices"]
    assert (piece["phase"], piece["from_s"], piece["produced"]) == ("measuring", 1.0, 3)
    assert piece["to_s"] == pytest.approx(3, abs=0.9)
    whole = stats_of(built).histograms
    for stage in STAGES_KEPT:
        assert (slices.histogram(piece, stage).coarse == whole[stage, TOPICS[0]].coarse).all()


@given(some_seconds, st.integers(1, 9))
@settings(max_examples=12)
def test_slices_of_several_runs_add_up_in_one_file(seconds: list[tuple[list[int], str]], times: int):
    """A file of many repeats has every event once, no more slices than one run, and times that go on."""
    found = Slices()
    for number, (latencies_us, topic) in enumerate(seconds):
        found.close(second(latencies_us, topic), since_s=0.0, at_s=number + 1.0, phase="measuring")
    one = found.finished()
    together = slices.joined([one] * times)
    assert len(together) <= slices.MOST
    for name in PROGRESS:
        assert sum(count_of(part, name) for part in together) == times * sum(
            count_of(part, name) for part in one
        )
    assert {key: (h.coarse // times).tolist() for key, h in sums(together).items()} == {
        key: h.coarse.tolist() for key, h in sums(one).items()
    }
    assert all(part["to_s"] == next_["from_s"] for part, next_ in pairwise(together))
    assert not seconds or together[-1]["to_s"] == times * len(seconds)

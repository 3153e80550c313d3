"""The slices of a run: whatever came when, they add up to the run, and there are never too many of them."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.coordinator.course import Step
from lensload.metrics import slices
from lensload.metrics.counts import PROGRESS, count_of
from lensload.metrics.histogram import Histogram
from lensload.metrics.slices import STAGES_KEPT, Slice, Slices
from lensload.metrics.stats import Stats
from lensload.metrics.time_series import Span
from tests.support.courses import measured, of_second, slices_of, step

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


@given(some_seconds, st.integers(1, 8), st.dictionaries(st.integers(-3, 50), st.integers(1, 9)))
@settings(max_examples=40)
def test_slices_add_up_to_the_whole(seconds: list[tuple[list[int], str]], most: int, later: dict[int, int]):
    """However often neighbours were merged, and whatever came late, every event counts once, and there are no gaps."""
    found, whole = Slices(most), Stats()
    for number, (latencies_us, topic) in enumerate(seconds):
        fresh = second(latencies_us, topic)
        whole.add(fresh)
        step(number, fresh).into(found)
    for number, count in later.items() if seconds else ():
        fresh = second([5] * count)
        whole.add(fresh)
        found.add(number, fresh)
    parts = found.finished()
    assert len(parts) <= most
    for name in PROGRESS:
        assert sum(count_of(part, name) for part in parts) == sum(by[name] for by in whole.counts.values())
    merged = sums(parts)
    assert set(merged) == {key for key in whole.histograms if key[0] in STAGES_KEPT}
    for key, one in merged.items():
        assert (one.coarse == whole.histograms[key].coarse).all()
    assert all(one["to_s"] == next_["from_s"] for one, next_ in pairwise(parts))


def test_neighbours_are_merged_when_there_are_too_many():
    """A soak of hours keeps a bounded number of slices, all but the last of one length."""
    found = slices_of([second([100])] * 1_000, most=8)
    lengths = [part["to_s"] - part["from_s"] for part in found.finished()]
    assert 4 <= len(lengths) <= 8
    assert set(lengths[:-1]) == {128}
    assert sum(lengths) == 1_000


def test_the_warm_up_is_in_no_slice():
    """Slices begin where measuring does, and what is known of the warm-up's events is in none of them."""
    found = Slices()
    Step((Span(-1, 0.0, 1.0, "warm-up"), measured(0)), of_second(0, second([100, 200]))).into(found)
    (piece,) = found.finished()
    assert (piece["from_s"], piece["to_s"], piece["produced"]) == (0.0, 1.0, 2)


@given(some_seconds, st.integers(1, 9))
@settings(max_examples=12)
def test_slices_of_several_runs_add_up_in_one_file(seconds: list[tuple[list[int], str]], times: int):
    """A file of many repeats has every event once, no more slices than one run, and times that go on."""
    one = slices_of([second(latencies_us, topic) for latencies_us, topic in seconds]).finished()
    together = slices.joined([one] * times).finished()
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

"""Intervals hold what they promise: on autocorrelated data, from blocks and from several runs."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lensload.metrics.confidence import (
    Blocked,
    change,
    drawn_again,
    interval,
    stretch,
    student,
)
from lensload.metrics.histogram import PERCENTS, Histogram
from tests.support.planted_runs import drift


def blocked(levels: np.ndarray[tuple[int], np.dtype[np.float64]], random: np.random.Generator) -> Blocked:
    """Blocks of 200 latencies each, log-normal about e to the level."""
    return of_values([np.exp(random.normal(level, 0.3, 200)).astype(np.int64) for level in levels])


def of_values(blocks_ns: Sequence[NDArray[np.int64]]) -> Blocked:
    """Blocks of these latencies."""
    parts = [Histogram() for _ in blocks_ns]
    for part, values_ns in zip(parts, blocks_ns, strict=True):
        part.record(values_ns)
    return Blocked.of(parts)


def alone(run: Blocked, statistic: str) -> tuple[float, float]:
    """The interval of a figure of one run, by its blocks."""
    error, freedom = run.error(statistic)
    figure_ns = 1e3 * (run.whole.figure_us(statistic) or 0.0)
    reach = np.exp(student(0.95, freedom) * error)
    return figure_ns / reach, figure_ns * reach


@pytest.mark.parametrize(
    ("level", "freedom", "expected"),
    [(0.95, 1, 12.7062), (0.95, 4, 2.7764), (0.99, 8, 3.3554), (0.90, 2, 2.9200), (0.95, 1e6, 1.9600)],
)
def test_student_is_the_one_of_the_tables(level: float, freedom: float, expected: float):
    """The quantiles are those of any table of Student's t."""
    assert student(level, freedom) == pytest.approx(expected, rel=3e-4)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300), st.sampled_from(["p50", "p90", "p99"]))
def test_a_figure_is_the_histograms_own(values_ns: list[int], statistic: str):
    """What is resampled is the run's own percentile to a coarse bucket, however it is cut."""
    found = of_values([np.array(values_ns[at : at + 50]) for at in range(0, len(values_ns), 50)])
    figure_ns = 1e3 * (found.whole.percentile_us(PERCENTS[statistic]) or 0.0)
    (again_ns,) = found.figures_ns(statistic, np.ones((1, len(found.counts))))
    assert again_ns == pytest.approx(figure_ns, rel=0.07, abs=64)


@pytest.mark.parametrize("within", [0.003, 0.03, 0.3])
@pytest.mark.parametrize("statistic", ["mean", "p50", "p90", "p99", "p999"])
def test_coarse_blocks_know_the_error_as_well_as_the_latencies_themselves(within: float, statistic: str):
    """Also where blocks differ by much less than a bucket is wide, the resampled figures spread as they should."""
    values_ns, weights, logs = resampled(within)
    spread = np.log(of_values(values_ns).figures_ns(statistic, weights)).std()
    assert spread == pytest.approx(np.std(logs[statistic]), rel=0.1)


@cache
def resampled(within: float) -> tuple[list[NDArray[np.int64]], NDArray[np.float64], dict[str, list[float]]]:
    """Blocks of latencies, which of them each resample has, and the logarithms of its statistics, from the latencies."""
    random = np.random.default_rng(8)
    levels = np.log(1e7) + within * drift(40, 0.6, random)
    values_ns = [np.exp(random.normal(level, 0.4, 2_000)).astype(np.int64) for level in levels]
    weights, percents = drawn_again(40, 4, 200, random), ("p50", "p90", "p99", "p999")
    logs: dict[str, list[float]] = {name: [] for name in ("mean", *percents)}
    for line in weights:
        again_ns = np.repeat(values_ns, line.astype(int), axis=0)
        logs["mean"].append(float(np.log(again_ns.mean())))
        figures_ns = np.percentile(again_ns, [PERCENTS[name] for name in percents], overwrite_input=True)
        for name, log in zip(percents, np.log(figures_ns).tolist(), strict=True):
            logs[name].append(log)
    return values_ns, weights, logs


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 9))
def test_each_resample_has_as_many_blocks(blocks: int, length: int, seed: int):
    """A resample is as long as the run, and every block is as likely as any other."""
    weights = drawn_again(blocks, min(length, blocks), 50, np.random.default_rng(seed))
    assert weights.shape == (50, blocks)
    assert (weights.sum(axis=1) == blocks).all()


def test_longer_memory_asks_for_longer_stretches():
    """Of independent blocks few go together, of autocorrelated ones many."""
    random = np.random.default_rng(3)
    lengths = [np.mean([stretch(drift(120, phi, random)) for _ in range(40)]) for phi in (0.0, 0.5, 0.8)]
    assert lengths[0] < 7 < lengths[1] < lengths[2] < 40


def test_blocks_of_one_run_hold_the_truth():
    """Of 95 % intervals from one autocorrelated run, about 95 of 100 hold the true median; independent ones would not."""
    random, held = np.random.default_rng(5), 0
    for _ in range(100):
        run = blocked(np.log(1e7) + 0.1 * drift(60, 0.6, random), random)
        low, high = alone(run, "p50")
        held += low <= 1e7 <= high
    assert held >= 86


@pytest.mark.parametrize("statistic", ["mean", "p50"])
def test_stretches_without_an_event_are_no_figure(statistic: str):
    """Of a run in which next to nothing arrived most of the time, only what did arrive says how it varies."""
    random = np.random.default_rng(2)
    silent = [np.array([], np.int64)] * 40
    heard = [np.exp(random.normal(16, 0.3, 50)).astype(np.int64) for _ in range(5)]
    error, freedom = of_values([*heard, *silent]).error(statistic)
    assert 0 < error < 0.3
    assert freedom >= 1


def test_several_runs_hold_the_truth_that_no_single_one_shows():
    """Where runs differ by 10 %, intervals over five of them hold the true median; those of single runs do not."""
    random = np.random.default_rng(6)
    several, single = 0, 0
    for _ in range(100):
        runs = [blocked(np.full(5, np.log(1e7) + 0.1 * random.normal()), random) for _ in range(5)]
        found, (low, high) = interval([run.whole for run in runs], "p50"), alone(runs[0], "p50")
        assert found is not None
        several += found.low <= 1e7 <= found.high
        single += low <= 1e7 <= high
    assert several >= 88
    assert single < 50


def test_what_is_not_carried_has_no_interval():
    """A p99 of 200 events, or one run alone, gives none; and two blocks say nothing of how a run varies."""
    random = np.random.default_rng(0)
    run = blocked(np.full(1, 15.0), random).whole
    assert interval([run, run], "p99") is None
    assert interval([run], "p50") is None
    assert blocked(np.full(2, 15.0), random).error("p50")[0] == float("inf")
    assert interval([], "p50") is None


def test_a_change_without_spread_is_what_it_is():
    """Several runs that agree exactly leave no doubt; one on each side leaves the allowance."""
    sure = change([10.0, 10.0], [12.0, 12.0])
    assert (sure.low, sure.figure, sure.high) == pytest.approx((1.2, 1.2, 1.2))
    alone = change([10.0], [12.0], ((0.0, 1.0), (0.0, 1.0)), run_to_run=0.05)
    assert alone.low == pytest.approx(1.2 * np.exp(-1.96 * 0.05 * 2**0.5), rel=1e-3)

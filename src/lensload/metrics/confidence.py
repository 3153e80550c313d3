"""How certain a figure is: intervals from the blocks of one run, or from several runs.

Latencies of one run are no independent samples: a slow moment is slow for all that happens in it. So within a run
whole stretches of its time are drawn again, with replacement: the circular block bootstrap (Politis and Romano 1992),
with stretches as long as the autocorrelation asks (Politis and White 2004, corrected by Patton, Politis and White
2009).

That sees only what varied within the run. What differs from run to run of the same thing (where the threads land, who
else is on the machine) is often more, and shows in no single run. With several runs their own spread is therefore
what counts: Student's t over the logarithms of the runs' figures. It holds the level from two runs on, where drawing
runs again would take three runs for a population.

All is done on logarithms, for changes are ratios, and the spread of a latency grows with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, log, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.histogram import Histogram, coarse_bounds
from lensload.metrics.percentiles import percent_of

Floats = NDArray[np.float64]
Method = Literal["runs", "blocks"]
Errors = tuple[tuple[float, float], tuple[float, float]]
"""Standard error and degrees of freedom of the logarithm of a figure, in each of two runs."""

LEVEL: Final = 0.95
PRIOR_FREEDOM: Final = 3.0
RESAMPLES: Final = 500  # a standard error from so many is off by 3 %
_FEWEST_BLOCKS: Final = 4
_LEAST_NS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and where it lies at some level of confidence.

    Attributes:
        figure: of one run its own; of several the geometric mean of theirs.
        low: the lower end.
        high: the upper end.
        level: of confidence, such as 0.95.
        method: "runs": from the spread of several runs; "blocks": from the blocks of one.
        spread: one standard deviation of the logarithm of one run's figure, which the interval rests on.
    """

    figure: float
    low: float
    high: float
    level: float
    method: Method
    spread: float


@dataclass(frozen=True, slots=True)
class Blocked:
    """The latencies of one stage and topic in one run: as a whole, and block by block.

    Only how much figures vary is taken from the blocks, whose buckets are coarse.

    Attributes:
        whole: all of them.
        lowest_ns: the buckets that are in use in any block: the lowest value of each, rising.
        highest_ns: the highest value of each.
        counts: how many latencies a block (line) has in each of them (column).
    """

    whole: Histogram
    lowest_ns: Floats
    highest_ns: Floats
    counts: Floats

    @classmethod
    def of(cls, blocks: Sequence[Histogram]) -> "Blocked":
        """Of the histograms of a run's blocks, in the order of time."""
        lowest, highest = coarse_bounds()
        counts = np.array([one.coarse for one in blocks], np.float64)
        used = np.flatnonzero(counts.sum(axis=0))
        whole = Histogram()
        for block in blocks:
            whole.add(block)
        bounds = np.maximum(lowest[used], _LEAST_NS), highest[used].astype(np.float64)
        return cls(whole, *bounds, counts[:, used])

    def figures_ns(self, statistic: str, weights: Floats) -> Floats:
        """About the same where each block counts as often as a line of `weights` says; one figure a line.

        Within a bucket latencies are taken to lie evenly (on a logarithmic scale), so that a change much smaller than
        the bucket shows as well.
        """
        totals = weights @ self.counts.sum(axis=1)
        if statistic == "mean":
            return weights @ (self.counts @ self._middles_ns) / np.maximum(totals, 1)
        ranks = np.maximum(np.floor((percent_of(statistic) or 0.0) / 100 * totals + 0.5), 1)
        # Each line's bucket by halving: to add up all buckets of all lines would be a hundred times the work.
        up_to = np.cumsum(self.counts, axis=1)
        low, high = np.zeros(len(weights), np.int64), np.full(len(weights), self.highest_ns.size - 1)
        while (low < high).any():
            middle = (low + high) // 2
            reached = np.einsum("ij,ji->i", weights, up_to[:, middle]) >= ranks
            low, high = np.where(reached, low, middle + 1), np.where(reached, middle, high)
        inside = np.einsum("ij,ji->i", weights, self.counts[:, low])
        beyond = np.einsum("ij,ji->i", weights, up_to[:, low]) - ranks
        share = np.clip(1 - beyond / np.maximum(inside, 1), 0, 1)
        return self.lowest_ns[low] * (self.highest_ns[low] / self.lowest_ns[low]) ** share

    def error(self, statistic: str) -> tuple[float, float]:
        """The standard error of a statistic's logarithm, from the blocks, and its degrees of freedom.

        Infinite, with one degree, where there are too few blocks to tell.
        """
        blocks = np.count_nonzero(self.counts.sum(axis=1))
        if blocks < _FEWEST_BLOCKS:
            return float("inf"), 1.0
        length = stretch(self._influence(statistic))
        weights = drawn_again(len(self.counts), length, RESAMPLES, np.random.default_rng(0))
        weights = weights[weights @ self.counts.sum(axis=1) > 0]  # stretches without an event have no figure
        logs = np.log(np.maximum(self.figures_ns(statistic, weights), _LEAST_NS))
        stretches = blocks / length
        # What is drawn from n things spreads as if divided by n, not n - 1.
        return float(logs.std()) * sqrt(stretches / max(stretches - 1, 0.5)), max(stretches - 1, 1.0)

    def _influence(self, statistic: str) -> Floats:
        """By how much each block pulls at the statistic: its autocorrelation is the one that matters."""
        if statistic == "mean":
            return self.counts @ (self._middles_ns - 1e3 * (self.whole.mean_us or 0.0))
        percent = percent_of(statistic) or 0.0
        beyond = self.highest_ns > 1e3 * (self.whole.percentile_us(percent) or 0.0)
        return self.counts[:, beyond].sum(axis=1) - (1 - percent / 100) * self.counts.sum(axis=1)

    @property
    def _middles_ns(self) -> Floats:
        return (self.lowest_ns + self.highest_ns) / 2


def interval(runs: Sequence[Histogram], statistic: str, *, level: float = LEVEL) -> Interval | None:
    """A statistic in nanoseconds and its interval, from how several runs differ.

    Args:
        runs: the latencies of each run, of the same stage and topic.
        statistic: "mean" or a percentile (`percent_of`).
        level: how sure the interval is to hold the true value.

    Returns:
        None for fewer than two runs, or where one has too few latencies for the statistic.
    """
    figures_us = [run.figure_us(statistic) for run in runs]
    logs = [log(max(1e3 * figure_us, _LEAST_NS)) for figure_us in figures_us if figure_us is not None]
    if len(logs) < max(2, len(runs)):
        return None
    spread = float(np.std(logs, ddof=1))
    middle, reach = sum(logs) / len(logs), student(level, len(logs) - 1.0) * spread / sqrt(len(logs))
    return Interval(exp(middle), exp(middle - reach), exp(middle + reach), level, "runs", spread)


def change(
    base: Sequence[float],
    new: Sequence[float],
    within: Errors | None = None,
    *,
    level: float = LEVEL,
    run_to_run: float = 0.0,
) -> Interval:
    """The ratio of a figure in some runs to that in others, and its interval.

    With more than two runs in all: Student's t with the pooled spread of both sides, which also serves one new run
    against several earlier ones. A spread from three or four runs is itself hardly known, and taken alone would hide a
    tenfold change; so `run_to_run` counts as if it had been found in `PRIOR_FREEDOM` differences more (the moderated t of
    Smyth 2004), which decides little once there are many runs. With one on each side: the errors from within the runs, and an allowance for
    what differs between runs, which then nobody can see.

    Args:
        base: the figure of each earlier run, above 0.
        new: that of each later run.
        within: the errors from the blocks of the two runs, if there are only two.
        level: how sure the interval is to hold the true ratio.
        run_to_run: by what share figures of like runs are expected to differ (one standard deviation).
    """
    logs = [np.log(np.maximum(side, _LEAST_NS * 1e-9)) for side in (base, new)]
    ratio = float(logs[1].mean() - logs[0].mean())
    freedom = len(base) + len(new) - 2.0
    if freedom:
        squares = sum(float(((side - side.mean()) ** 2).sum()) for side in logs)
        freedom += PRIOR_FREEDOM
        spread = sqrt((squares + PRIOR_FREEDOM * run_to_run**2) / freedom)
        error = spread * sqrt(1 / len(base) + 1 / len(new))
    else:
        parts = [(run_to_run, 1e6), (run_to_run, 1e6), *(within or ())]
        error, freedom = _sum(parts)
        spread = error / sqrt(2)
    reach = student(level, freedom) * error if np.isfinite(error) else 700.0
    reach = min(reach, 700.0)  # beyond which exp() has no figure
    method: Method = "runs" if len(base) + len(new) > 2 else "blocks"
    low, high = exp(max(ratio - reach, -700)), exp(min(ratio + reach, 700))
    return Interval(exp(ratio), low, high, level, method, spread)


def reach_of(runs: int, spread: float, level: float) -> float:
    """How far the interval of a change would reach to either side, on logarithms, with so many runs on each side.

    Args:
        runs: on each side, two or more.
        spread: what `Interval.spread` says.
        level: of confidence.
    """
    return student(level, 2 * runs - 2 + PRIOR_FREEDOM) * spread * sqrt(2 / runs)


@cache
def student(level: float, freedom: float) -> float:
    """How many standard errors an interval reaches to either side: Student's t.

    With t = sqrt(freedom) * tan(angle) the density is cos(angle) ** (freedom - 1), whose integral is a sum.
    """
    angles = np.linspace(0, np.pi / 2, 1 << 16)
    freedom = min(freedom, 1e4)
    density = np.cos(angles) ** (freedom - 1)
    area = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return sqrt(freedom) * float(np.tan(np.interp(level, area / area[-1], angles)))


def drawn_again(blocks: int, length: int, times: int, random: np.random.Generator) -> Floats:
    """How often each block is drawn, in so many resamples (lines) of stretches of `length` neighbours.

    The last block's neighbour is the first, so that each is as likely as any other.
    """
    starts = random.integers(0, blocks, (times, -(-blocks // length)))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(times, -1)[:, :blocks] % blocks
    weights = np.zeros((times, blocks))
    np.add.at(weights, (np.arange(times)[:, None], drawn), 1)
    return weights


def stretch(series: Floats) -> int:
    """How many neighbours a stretch of the circular block bootstrap should have, by the series' autocorrelation.

    Politis and White's rule: correlations are counted up to twice the lag after which none stands out, by a
    window that is flat and then falls. At least the cube root of the series, for in few blocks no correlation stands
    out; at most a third of it, or little would be left to draw from.
    """
    n = series.size
    centred = series - series.mean()
    products = np.array([float(centred[: n - lag] @ centred[lag:]) / n for lag in range(n)])
    least = min(int(np.ceil(n ** (1 / 3) - 1e-9)), max(1, n // 3))
    if n < _FEWEST_BLOCKS or products[0] <= 0:
        return least
    run = max(5, int(sqrt(np.log10(n))))
    most = min(n - 1, int(sqrt(n)) + 1 + run)
    stands_out = np.abs(products[1 : most + 1] / products[0]) > 2 * sqrt(np.log10(n) / n)
    last = int(np.flatnonzero(stands_out)[-1]) + 1 if stands_out.any() else 0
    lags = np.arange(1, min(2 * last, n - 1) + 1)
    window = np.minimum(1.0, 2 * (1 - lags / max(2 * last, 1)))
    bias = 2 * float((window * lags * products[lags]).sum())
    spread = products[0] + 2 * float((window * products[lags]).sum())
    if spread <= 0:
        return least
    length = (2 * bias**2 / (4 / 3 * spread**2)) ** (1 / 3) * n ** (1 / 3)
    return int(np.clip(np.ceil(length), least, max(1, n // 3)))


def _sum(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The standard error of a difference from those of its parts, with Satterthwaite's degrees of freedom."""
    variance = sum(error**2 for error, _ in parts)
    if not variance or not np.isfinite(variance):
        return sqrt(variance), 1.0
    return sqrt(variance), variance**2 / sum(error**4 / freedom for error, freedom in parts if error)

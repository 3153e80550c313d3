"""Distributions by their quantiles: tables made once, between whose entries a uniform number is a straight line.

A table costs a multiplication and an addition a draw, and gives the same bits on every machine, which the exponentials and
logarithms of vector units do not. Its outermost steps, in which tails bend, have tables of their own.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 1024
_OUTERMOST: Final = 2.0**-26  # no draw is further out: a tail ends there
_LARGEST: Final = 1e300  # so that a step between two entries is a number too


class Quantiles:
    """A distribution to draw from.

    Args:
        inverse: its quantile function, of a probability above 0 and below 1.
    """

    def __init__(self, inverse: Callable[[float], float]) -> None:
        middle = [place / _STEPS for place in range(_STEPS + 1)]
        low = [each / _STEPS for each in middle]
        tables = (middle, low, [1 - each for each in reversed(low)])
        inside = (min(max(each, _OUTERMOST), 1 - _OUTERMOST) for table in tables for each in table)
        table = np.array([inverse(each) for each in inside]).reshape(3, _STEPS + 1)
        self._table = np.clip(table, -_LARGEST, _LARGEST)

    def at(self, chance: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantile of each uniform chance in [0, 1)."""
        scaled = chance * _STEPS
        result = _between(self._table[0], scaled)
        low, high = scaled < 1, scaled >= _STEPS - 1
        result[low] = _between(self._table[1], scaled[low] * _STEPS)
        result[high] = _between(self._table[2], (scaled[high] - (_STEPS - 1)) * _STEPS)
        return result


def _between(table: NDArray[np.float64], scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    step = scaled.astype(np.int64)
    below = table[step]
    return below + (scaled - step) * (table[step + 1] - below)


def normal(mean: float, sd: float) -> Quantiles:
    """The normal distribution."""
    standard = NormalDist().inv_cdf
    return Quantiles(lambda chance: mean + sd * standard(chance))


def lognormal(median: float, sigma: float) -> Quantiles:
    """The lognormal distribution."""
    standard = NormalDist().inv_cdf
    return Quantiles(lambda chance: median * math.exp(sigma * standard(chance)))


def exponential(mean: float) -> Quantiles:
    """The exponential distribution."""
    return Quantiles(lambda chance: -mean * math.log1p(-chance))


def uniform(low: float, high: float) -> Quantiles:
    """The uniform distribution."""
    return Quantiles(lambda chance: low + chance * (high - low))

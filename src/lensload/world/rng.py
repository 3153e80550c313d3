"""Chance as a pure function: numbers drawn from (seed, lane, session, …), never from a generator's state.

Whoever asks for draw k of session s of lane l gets the same answer, in any order, in any process. That is
what lets one worker or sixteen make the same events. The mixing function is the finaliser of SplitMix64
(Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), applied to keys that are
themselves mixed.
"""

from hashlib import blake2b
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = (np.uint64(bits) for bits in (30, 27, 31, 11))
_UNIT: Final = 2.0**-53
# What each draw number adds to a key: multiples of an odd constant, with SplitMix64's own increment.
_DRAW_OFFSETS: Final = np.arange(64, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95) + _GOLDEN
_NORMAL_LEVELS: Final = 4096
# Quantiles at the middles of 4096 equal shares: |z| <= 3.7, and no tail further out than a day needs.
NORMAL: Final = np.array(
    [NormalDist().inv_cdf((level + 0.5) / _NORMAL_LEVELS) for level in range(_NORMAL_LEVELS)]
)


def mixed(values: NDArray[np.uint64]) -> Keys:
    """Each value scattered over all 64 bits; equal values give equal keys, near ones far keys."""
    return _finished(values + _GOLDEN)


def _finished(z: NDArray[np.uint64]) -> Keys:
    """SplitMix64's finaliser, in place."""
    z ^= z >> _30
    z *= _MIX_1
    z ^= z >> _27
    z *= _MIX_2
    z ^= z >> _31
    return z


def keys(parents: Keys, children: NDArray[np.integer]) -> Keys:
    """A key for child number `children[i]` of `parents[i]`; shapes broadcast."""
    return mixed(parents ^ mixed(children.astype(np.uint64)))


def root(seed: int, name: str) -> Keys:
    """The key, shape (1,), under which everything called `name` is drawn for `seed`."""
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    return mixed(mixed(np.array([seed % (1 << 64)], dtype=np.uint64)) ^ np.uint64(digest))


def uniform(of: Keys, draw: int) -> NDArray[np.float64]:
    """Uniform in [0, 1), 53 bits: draw number `draw`, 0 to 63, of each key."""
    return _unit(bits(of, draw))


def bits(of: Keys, draw: int) -> Keys:
    """64 random bits: draw number `draw`, 0 to 63, of each key."""
    return _finished(of + _DRAW_OFFSETS[draw])


def uniforms(of: Keys, first: int, count: int) -> NDArray[np.float64]:
    """Draws number `first` to `first + count - 1` of each key, shape (keys, count)."""
    return _unit(_finished(of[:, None] + _DRAW_OFFSETS[first : first + count]))


def normal(of: Keys, draw: int) -> NDArray[np.float64]:
    """Standard normal, by quantiles in 4096 steps: draw number `draw` of each key."""
    return as_normal(uniform(of, draw))


def as_normal(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal by uniform chance in [0, 1), in 4096 steps."""
    return NORMAL[(chance * _NORMAL_LEVELS).astype(np.int64)]


def _unit(of: Keys) -> NDArray[np.float64]:
    # As signed numbers, which convert to doubles faster.
    return (of >> _11).view(np.int64).astype(np.float64) * _UNIT


class Wheel:
    """Weighted choices in constant time: Walker's alias method, with several wheels side by side.

    Vose's construction ("A linear algorithm for generating random numbers with a given distribution", IEEE
    Transactions on Software Engineering 17, 1991). One uniform number picks and decides.

    Args:
        weights: one array of non-negative weights (not all 0) a wheel.
    """

    def __init__(self, weights: list[NDArray[np.float64]]) -> None:
        self._sizes = np.array([len(wheel) for wheel in weights])
        self._offsets = np.concatenate(([0], np.cumsum(self._sizes)[:-1]))
        tables = [_alias(wheel) for wheel in weights]
        self._keep = np.concatenate([keep for keep, _ in tables])
        self._alias = np.concatenate([alias for _, alias in tables])

    def spin(self, wheel: NDArray[np.integer] | int, chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """The choice, an index into the wheel's weights, that uniform `chance` in [0, 1) makes on `wheel`."""
        scaled = chance * self._sizes[wheel]
        slot = scaled.astype(np.int64)
        place = slot + self._offsets[wheel]
        return np.where(scaled - slot < self._keep[place], slot, self._alias[place])


def _alias(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    count = len(weights)
    scaled = weights * (count / weights.sum())
    keep, alias = np.ones(count), np.arange(count)
    small = [i for i in range(count) if scaled[i] < 1]
    large = [i for i in range(count) if scaled[i] >= 1]
    left = scaled.tolist()
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], alias[low] = left[low], high
        left[high] -= 1 - left[low]
        if left[high] < 1:
            small.append(large.pop())
    return keep, alias

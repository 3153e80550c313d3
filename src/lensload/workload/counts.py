"""How many of something there are: children of an event, items of a list, characters of a text."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng

Counts: TypeAlias = tuple[int, int] | Mapping[int, float]
"""From the least to the most, each alike often; or numbers with their weights."""


def bounds(counts: Counts) -> tuple[int, int]:
    """The least and the most."""
    return counts if isinstance(counts, tuple) else (min(counts), max(counts))


def mean(counts: Counts) -> float:
    """How many they are on average."""
    if isinstance(counts, tuple):
        return sum(counts) / 2
    return sum(count * weight for count, weight in counts.items()) / sum(counts.values())


def draw(counts: Counts) -> Callable[[NDArray[np.float64]], NDArray[np.int64]]:
    """What makes the numbers of uniform chances in [0, 1)."""
    if isinstance(counts, tuple):
        low, high = counts
        return lambda chance: low + (chance * (high - low + 1)).astype(np.int64)
    numbers = np.array(list(counts), dtype=np.int64)
    wheel = rng.Wheel([np.array(list(counts.values()), dtype=np.float64)])
    return lambda chance: numbers[wheel.spin(0, chance)]

"""The course of a run as the page's charts read it: one entry a second, longer ones of a long run."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.histogram import coarse_bounds
from lensload.metrics.time_series import Coarse
from lensload.results.series import Second

MOST: Final = 300
STAGES: Final = ("schedule_lag", "ack", "end_to_end", "response")
HEAT_STAGE: Final = "end_to_end"
ROWS_A_DECADE: Final = 8

_PERCENTILES: Final = ("p50", "p99", "p999")


def entry(second: Second) -> dict[str, Any]:
    """A second, or some, as the page reads it; rates are per second of the entry."""
    length_s = max(second.length_s, 1e-3)
    return {
        "from_s": round(second.from_s, 2),
        "to_s": round(second.to_s, 2),
        "phase": second.phase,
        "target_per_s": round(second.target_per_s, 1),
        **{f"{name}_per_s": round(count / length_s, 1) for name, count in second.counts.items()},
        "queue": second.queue,
        "latency_us": _rounded(second.latency_us(_PERCENTILES)),
        "heat": _heat(second.coarse.get(HEAT_STAGE)),
    }


def _rounded(latency_us: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float | None]]:
    """To four digits: more would only make the page's poll longer."""
    return {
        stage: {name: None if us is None else float(f"{us:.4g}") for name, us in figures.items()}
        for stage, figures in latency_us.items()
    }


def _heat(coarse: Coarse | None) -> list[list[int]]:
    """Pairs of a row and how many events it has; row r is of latencies from 10**(r / ROWS_A_DECADE) us on."""
    if coarse is None:
        return []
    rows = _rows()
    counts = np.bincount(rows, coarse, int(rows[-1]) + 1).astype(np.int64)
    return [[int(row), int(counts[row])] for row in np.flatnonzero(counts)]


@cache
def _rows() -> NDArray[np.int64]:
    """The row of the heat map of each coarse bucket; what took less than 1 us is in row 0."""
    lowest, highest = coarse_bounds()
    middle_us = np.maximum((lowest + highest) / 2_000, 1.0)
    return np.floor(np.log10(middle_us) * ROWS_A_DECADE).astype(np.int64)

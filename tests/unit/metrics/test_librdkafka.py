"""librdkafka's own windows: what is merged from them is exact where it can be, and an upper bound elsewhere."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.librdkafka import CLIENT, enter_window
from lensload.metrics.stats import Stats

NAMES = {"p50": 50, "p75": 75, "p90": 90, "p95": 95, "p99": 99, "p99_99": 99.99}
samples = st.lists(st.integers(0, 5_000_000), min_size=1, max_size=300)


def window(values: list[int]) -> dict[str, int]:
    """What librdkafka tells of these samples."""
    told = {name: int(np.percentile(values, percent, method="higher")) for name, percent in NAMES.items()}
    return {"cnt": len(values), "sum": sum(values), "min": min(values), "max": max(values), **told}


@given(st.lists(samples, min_size=1, max_size=4))
def test_windows_add_up(windows: list[list[int]]) -> None:
    """Count, sum and maximum over all windows are exact, and no percentile is below the true one."""
    stats = Stats()
    for values in windows:
        enter_window(json.dumps({"brokers": {"b/0": {"int_latency": window(values)}}}), stats)
    found, every = stats.histogram("queue", CLIENT), [value for values in windows for value in values]
    assert (found.count, found.sum_ns, found.max_ns) == (len(every), sum(every) * 1_000, max(every) * 1_000)
    for percent in (50, 90, 99):
        exact_us = sorted(every)[found.rank(percent) - 1]  # HDR rounds a percentile to a whole rank
        assert (found.percentile_us(percent) or 0) >= exact_us * 0.999


def test_a_window_without_samples_says_nothing() -> None:
    """A broker that was not spoken to does not make a latency of 0."""
    stats = Stats()
    empty = {"cnt": 0, "sum": 0, "min": 0, "max": 0, **dict.fromkeys(NAMES, 0)}
    enter_window(json.dumps({"brokers": {"b/0": {"rtt": empty}}}), stats)
    assert stats.histograms == {}

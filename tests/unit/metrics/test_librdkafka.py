"""librdkafka's own windows: what is merged from them is exact where it can be, and an upper bound elsewhere."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.librdkafka import CLIENT, RequestRates, enter_window
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
        enter_window({"brokers": {"b/0": {"int_latency": window(values)}}}, stats)
    found, every = stats.histogram("queue", CLIENT), [value for values in windows for value in values]
    assert (found.count, found.sum_ns, found.max_ns) == (len(every), sum(every) * 1_000, max(every) * 1_000)
    for percent in (50, 90, 99):
        exact_us = sorted(every)[found.rank(percent) - 1]  # HDR rounds a percentile to a whole rank
        assert (found.percentile_us(percent) or 0) >= exact_us * 0.999


@given(
    st.lists(
        st.tuples(
            st.integers(1, 10**7),
            st.dictionaries(st.sampled_from(["Produce", "Fetch"]), st.integers(0, 10**6)),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_requests_are_counted_from_the_first_statistics_on(steps: list[tuple[int, dict[str, int]]]) -> None:
    """However the time is divided, and on whichever broker, a rate is what was sent since the first over the time since."""
    rates = RequestRates()
    at_us, sent = 10**9, Counter({"Produce": 5, "Metadata": 3})
    for length_us, more in steps:
        at_us += length_us
        sent.update(more)
        brokers = {
            "b/0": {"req": {"Produce": sent["Produce"]}},
            "b/1": {"req": {**sent, "Produce": 0}},
            "new": {},
        }
        rates.record({"ts": at_us, "brokers": brokers})
    rates.end()
    rates.record({"ts": at_us + 1, "brokers": {"b/0": {"req": {"Produce": 10**9}}}})
    measured_us = sum(length_us for length_us, _ in steps[1:])
    expected = Counter[str]()
    for _, more in steps[1:]:
        expected.update(more)
    assert rates.per_s() == pytest.approx({kind: n / measured_us * 1e6 for kind, n in expected.items() if n})


def test_a_window_without_samples_says_nothing() -> None:
    """A broker that was not spoken to does not make a latency of 0."""
    stats = Stats()
    empty = {"cnt": 0, "sum": 0, "min": 0, "max": 0, **dict.fromkeys(NAMES, 0)}
    enter_window({"brokers": {"b/0": {"rtt": empty}}}, stats)
    assert stats.histograms == {}

"""What librdkafka says of itself once a second: how long events wait in it, how long requests take.

Fields and units: librdkafka's STATISTICS.md. It tells of each window the count, the sum, the least, the greatest and six
percentiles, per broker. Windows are merged as histograms in which each value stands at the upper end of its percentile's
range: counts, means and maxima are exact, percentiles are upper bounds.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lensload.metrics.histogram import Histogram
from lensload.metrics.stats import Stats

CLIENT: Final = "all"
"""The topic under which they are recorded: librdkafka tells by broker, not by topic."""

INTERVAL_MS: Final = 1_000

# Our name of each of librdkafka's windows, and how many ns its unit has.
_WINDOWS: Final = {
    "queue": ("int_latency", 1_000),
    "output_buffer": ("outbuf_latency", 1_000),
    "round_trip": ("rtt", 1_000),
    "throttle": ("throttle", 1_000_000),
}
STAGES: Final = tuple(_WINDOWS)
_PERCENTILES: Final = (
    ("p50", 50.0),
    ("p75", 75.0),
    ("p90", 90.0),
    ("p95", 95.0),
    ("p99", 99.0),
    ("p99_99", 99.99),
)


def enter_window(text: str, stats: Stats) -> None:
    """Enter one window of a producer's statistics, as `STAGES` under the topic `CLIENT`.

    Args:
        text: the JSON that `stats_cb` gets.
        stats: of the time of the window.
    """
    for broker in json.loads(text).get("brokers", {}).values():
        for stage, (name, ns) in _WINDOWS.items():
            window = broker.get(name)
            if window and window["cnt"]:
                stats.merge(stage, CLIENT, histogram_of(window, ns))


def histogram_of(window: Mapping[str, Any], unit_ns: int) -> Histogram:
    """One of librdkafka's windows as a histogram: its percentiles are upper bounds, the rest is exact.

    Args:
        window: cnt, sum, min, max and p50 to p99_99.
        unit_ns: the unit they are in, nanoseconds.
    """
    histogram = Histogram()
    for value, count in _steps(window):
        histogram.record_repeated(value * unit_ns, count)
    histogram.sum_ns = int(window["sum"]) * unit_ns
    histogram.min_ns = min(histogram.min_ns, int(window["min"]) * unit_ns)
    return histogram


def _steps(window: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Values, and how many of the window's stand for each: those between two percentiles at the upper one."""
    total, told, highest = int(window["cnt"]), 0, int(window["max"])
    for name, percent in _PERCENTILES:
        upto = int(total * percent / 100)
        yield min(int(window[name]), highest), upto - told
        told = upto
    yield highest, total - told

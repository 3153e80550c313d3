"""What librdkafka says of itself once a second: how long events wait in it, how long requests take.

Fields and units: librdkafka's STATISTICS.md. It tells of each window the count, the sum, the least, the greatest and six
percentiles, per broker. Windows are merged as histograms in which each value stands at the upper end of its percentile's
range: counts, means and maxima are exact, percentiles are upper bounds.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

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


# Microseconds on a monotonic clock, and requests by kind since the client began.
_Sent: TypeAlias = tuple[int, Counter[str]]


class RequestRates:
    """How many requests a client sends, by kind, from the first of its statistics to the last."""

    def __init__(self) -> None:
        self._first: _Sent | None = None
        self._last: _Sent | None = None
        self._over = False

    def record(self, statistics: Mapping[str, Any]) -> None:
        """Take in what `stats_cb` gets, parsed."""
        if self._over:
            return
        counts: Counter[str] = Counter()
        for broker in statistics.get("brokers", {}).values():
            counts.update(broker.get("req", {}))
        self._last = (int(statistics.get("ts", 0)), counts)
        self._first = self._first or self._last

    def end(self) -> None:
        """The measured time is over: what comes later does not count."""
        self._over = True

    def per_s(self) -> dict[str, float]:
        """Requests a second by kind, as Kafka's protocol names them; empty where less than two statistics have come."""
        if self._first is None or self._last is None or self._last[0] <= self._first[0]:
            return {}
        (from_us, before), (to_us, after) = self._first, self._last
        sent = {kind: count - before[kind] for kind, count in after.items()}
        return {kind: count / (to_us - from_us) * 1e6 for kind, count in sorted(sent.items()) if count > 0}


def enter_window(statistics: Mapping[str, Any], stats: Stats) -> None:
    """Enter one window of a producer's statistics, as `STAGES` under the topic `CLIENT`.

    Args:
        statistics: what `stats_cb` gets, parsed.
        stats: of the time of the window.
    """
    for broker in statistics.get("brokers", {}).values():
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

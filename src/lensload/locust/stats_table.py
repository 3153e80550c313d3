"""Locust's own table, filled where the run is coordinated: a view for people; the run file is the record.

Stages stand where Locust has methods, topics where it has names. Times are in milliseconds with 3 significant
digits, so that 0.234 ms does not become 0. Only the acks add to the Aggregated row, so that its requests a second
are events a second.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from locust import stats as locust_stats
from locust.stats import RequestStats, StatsEntry, StatsError

from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.metrics.histogram import Histogram, bucket_bounds
from lensload.metrics.stats import Stats
from lensload.results.snapshot import Snapshot

COUNTED_STAGE = "ack"
SHOWN_STAGES = ("schedule_lag", "encode", "ack", "end_to_end")
"""In the order of an event's way. Samples and librdkafka's windows are in the run file, and on the live page."""

ALL_TOPICS = "(all topics)"
_SUMMED = ("schedule_lag", "ack", "end_to_end")


def keep_fractions() -> None:
    """Let Locust's page show the least and the greatest time with fractions too, which it rounds to whole ms."""
    locust_stats.proper_round = _rounded  # pyright: ignore[reportAttributeAccessIssue, reportPrivateImportUsage]


def keep_order() -> None:
    """Let Locust list a topic's stages in the order of an event's way; its page then keeps topics together."""
    usual = locust_stats.sort_stats

    def ordered(stats: dict[Any, Any]) -> list[Any]:
        if any(not isinstance(key, tuple) or key[1] not in SHOWN_STAGES for key in stats):
            return usual(stats)
        return [stats[key] for key in sorted(stats, key=lambda key: (key[0], SHOWN_STAGES.index(key[1])))]

    locust_stats.sort_stats = ordered


class StatsTable(Listener):
    """Adds what a run measures to Locust's statistics, once a second: Locust adds slowly, and workers may be many."""

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats
        self._recorder: Recorder | None = None
        self._begun = False

    def started(self, recorder: Recorder) -> None:
        """What this counts is shown."""
        self._recorder = recorder

    def second(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - the listeners'
        """Add what has come in the second that is over."""
        if self._recorder:
            self.add(self._recorder.came)

    def add(self, fresh: Stats) -> None:
        """Add what is new, as having happened now."""
        now_s = time.time()
        if not self._begun and any(histogram.count for histogram in fresh.histograms.values()):
            self._begun = True
            # Else Locust's rate of the whole run would count starting and the warm-up as a time without events.
            self._stats.total.start_time = now_s - 1
        for (stage, topic), histogram in fresh.histograms.items():
            if histogram.count and stage in SHOWN_STAGES:
                size = fresh.counts.get(topic, {}).get("bytes", 0) if stage == COUNTED_STAGE else 0
                entry = _entry(self._stats, stage, topic, histogram, now_s)
                entry.total_content_length = size
                _extend(self._stats, entry)
                if stage in _SUMMED:
                    entry.name = ALL_TOPICS
                    self._stats.entries[ALL_TOPICS, stage].extend(entry)
        failed: dict[str, int] = {}
        for (topic, text), count in fresh.errors.items():
            _add_error(self._stats, topic, text, count, now_s)
            failed[topic] = failed.get(topic, 0) + count
        for topic, count in failed.items():
            _extend(self._stats, _failures(self._stats, topic, count, now_s))


def _extend(stats: RequestStats, entry: StatsEntry) -> None:
    stats.entries[entry.name, entry.method].extend(entry)
    if entry.method == COUNTED_STAGE:
        stats.total.extend(entry)


def _entry(stats: RequestStats, stage: str, topic: str, histogram: Histogram, now_s: float) -> StatsEntry:
    """A second of one stage and topic, as Locust would have it after as many requests."""
    entry = StatsEntry(stats, topic, stage)
    entry.num_requests = histogram.count
    entry.total_response_time = histogram.sum_ns / 1e6  # pyright: ignore[reportAttributeAccessIssue]
    entry.min_response_time = _three_digits(histogram.min_ns / 1e6)  # pyright: ignore[reportAttributeAccessIssue]
    entry.max_response_time = _three_digits(histogram.max_ns / 1e6)  # pyright: ignore[reportAttributeAccessIssue]
    entry.response_times.update(_response_times(histogram))  # pyright: ignore[reportArgumentType, reportCallIssue]
    entry.num_reqs_per_sec[int(now_s)] = histogram.count
    entry.last_request_timestamp = now_s
    return entry


def _failures(stats: RequestStats, topic: str, count: int, now_s: float) -> StatsEntry:
    """Requests that failed, and so have no time."""
    entry = StatsEntry(stats, topic, COUNTED_STAGE)
    entry.num_requests = entry.num_none_requests = entry.num_failures = count
    entry.num_reqs_per_sec[int(now_s)] = count
    entry.num_fail_per_sec[int(now_s)] = count
    entry.last_request_timestamp = now_s
    return entry


def _add_error(stats: RequestStats, topic: str, text: str, count: int, now_s: float) -> None:
    key = StatsError.create_key(COUNTED_STAGE, topic, text)
    error = stats.errors.setdefault(key, StatsError(COUNTED_STAGE, topic, text, first_seen=now_s))
    error.occurrences += count
    error.last_seen = now_s


def _response_times(histogram: Histogram) -> Mapping[float, int]:
    indices, counts = histogram.filled
    times: dict[float, int] = {}
    for index, count in zip(indices.tolist(), counts.tolist(), strict=True):
        key = _bucket_ms(index)
        times[key] = times.get(key, 0) + count
    return times


@cache
def _bucket_ms(index: int) -> float:
    return _three_digits(int(bucket_bounds(np.array([index]))[1][0]) / 1e6)


def _rounded(value: float, digits: int = 0) -> float:  # noqa: ARG001  # Locust's signature
    return _three_digits(value)


def _three_digits(value: float) -> float:
    return float(f"{value:.3g}")

"""The groups under test over a run: what observers saw of them second by second, and what it comes to."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final

import numpy as np

from lensload.ids import NS_PER_S
from lensload.metrics.groups import Group, GroupRow, Lag, TopicLag
from lensload.service.group_watch import Sample

BEHIND_S: Final = 1.0
"""A group that is further behind than this has yet to recover; commits are seldom further apart."""

_FEWEST: Final = 5  # seconds for a slope


class GroupLedger:
    """What all observers saw of the groups. Each looks at its own partitions, so that records add up."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[int, list[Sample]]] = defaultdict(lambda: defaultdict(list))

    def add(self, samples: Iterable[Sample]) -> None:
        """Take in what an observer reports."""
        for sample in samples:
            self._seconds[sample[0]][sample[1] // NS_PER_S].append(sample)

    def last(self) -> dict[str, GroupRow]:
        """Each group as it was seen last."""
        return {group: _row(seconds[max(seconds)], 0) for group, seconds in self._seconds.items() if seconds}

    def result(self, start_ns: int, measure_from_ns: int, end_ns: int) -> dict[str, Group]:
        """The groups over the measured time and the drain.

        Args:
            start_ns: when the schedule began, Unix ns.
            measure_from_ns: when measuring began.
            end_ns: when the schedule was over.
        """
        found: dict[str, Group] = {}
        for group, seconds in self._seconds.items():
            rows = [_row(samples, start_ns) for _, samples in sorted(seconds.items())]
            from_s, to_s = (measure_from_ns - start_ns) / 1e9, (end_ns - start_ns) / 1e9
            measured = [row for row in rows if row["at_s"] >= from_s]
            if measured:
                found[group] = _group(measured, [row for row in measured if row["at_s"] <= to_s])
        return found


def _row(samples: Sequence[Sample], start_ns: int) -> GroupRow:
    topics: dict[str, tuple[int, float]] = {}
    for _, _, lags, *_ in samples:
        for topic, (records, seconds) in lags.items():
            before = topics.get(topic, (0, 0.0))
            topics[topic] = before[0] + records, max(before[1], seconds)
    state, members, rebalanced = next((each[3:] for each in samples if each[3]), ("", 0, False))
    return {
        "at_s": round((samples[0][1] - start_ns) / 1e9, 3),
        "lag": sum(records for records, _ in topics.values()),
        "lag_s": max((seconds for _, seconds in topics.values()), default=0.0),
        "topics": {topic: list(lag) for topic, lag in topics.items()},
        "state": state,
        "members": members,
        "rebalanced": rebalanced,
    }


def _group(rows: Sequence[GroupRow], scheduled: Sequence[GroupRow]) -> Group:
    slope = _slope([row["at_s"] for row in scheduled], [row["lag"] for row in scheduled])
    topics = sorted({topic for row in rows for topic in row["topics"]})
    flags = [row["rebalanced"] for row in rows]
    return {
        "lag": _lag([row["lag"] for row in rows]),
        "lag_s": _lag([row["lag_s"] for row in rows]),
        "topics": {topic: _of_topic(rows, topic) for topic in topics},
        "slope_per_s": slope[0] if slope else None,
        "slope_low": slope[1] if slope else None,
        "slope_high": slope[2] if slope else None,
        "recovered_after_s": _recovered_after_s(rows),
        # A rebalance may be seen in several seconds on end.
        "rebalances": sum(now and not before for before, now in zip([False, *flags], flags, strict=False)),
        "members": rows[-1]["members"],
        "state": rows[-1]["state"],
        "series": list(rows),
    }


def _of_topic(rows: Sequence[GroupRow], topic: str) -> TopicLag:
    records, seconds = zip(*(row["topics"].get(topic, (0, 0.0)) for row in rows), strict=True)
    return {"lag": _lag(records), "lag_s": _lag(seconds)}


def _lag(values: Sequence[float]) -> Lag:
    return {"max": float(max(values)), "mean": float(sum(values) / len(values)), "last": float(values[-1])}


def _slope(at_s: Sequence[float], lag: Sequence[float]) -> tuple[float, float, float] | None:
    """By how much the lag grows a second, by least squares, and the ends of its 95 % interval."""
    if len(at_s) < _FEWEST:
        return None
    x, y = np.array(at_s) - np.mean(at_s), np.array(lag, np.float64) - np.mean(lag)
    spread = float((x**2).sum())
    slope = float((x * y).sum()) / spread
    error = sqrt(float(((y - slope * x) ** 2).sum()) / (len(x) - 2) / spread)
    half = 2.0 * error + 3.0 * error / len(x)  # Student's t within a few percent from 5 seconds on
    return slope, slope - half, slope + half


def _recovered_after_s(rows: Sequence[GroupRow]) -> float | None:
    longest_s, since_s = 0.0, None
    for row in rows:
        if row["lag_s"] > BEHIND_S:
            since_s = row["at_s"] if since_s is None else since_s
        elif since_s is not None:
            longest_s, since_s = max(longest_s, row["at_s"] - since_s), None
    return longest_s if since_s is None else None

"""Which broker of several is slower than the others."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from lensload.metrics.histogram import PERCENTS, coarse_bounds
from lensload.metrics.leaders import BY_LEADER
from lensload.metrics.percentiles import carries
from lensload.metrics.stages import MEANINGS
from lensload.metrics.stats import Stats
from lensload.metrics.time_series import Coarse, add_coarse
from lensload.results.run import Run
from lensload.verdict.figures import shown

RECENT_S: Final = 10
"""Over how many seconds brokers are compared while a run is on."""

_TIMES: Final = 2.0  # slower than the slowest of the others, to be worth a sentence
_LEAST_US: Final = 1_000.0
_STATISTICS: Final = ("p99", "p90", "p50")
_STAGE_OF: Final = {by_leader: stage for stage, by_leader in BY_LEADER.items()}


def sentences(run: Run) -> list[str]:
    """The broker that is slower than all others, a sentence for each stage; none where they are about as fast."""
    return list(_slower(run.get("brokers", {})))


class RecentBrokers:
    """Latencies by broker of the last RECENT_S seconds, known to 6 %."""

    def __init__(self) -> None:
        self._seconds: deque[dict[tuple[str, str], Coarse]] = deque(maxlen=RECENT_S)

    def add(self, fresh: Stats) -> None:
        """Take in what was counted in a second."""
        self._seconds.append(
            {key: one.coarse for key, one in fresh.histograms.items() if key[0] in _STAGE_OF}
        )

    def sentences(self) -> list[str]:
        """As those of a run; none where there is one broker, or none is known."""
        sums: dict[tuple[str, str], Coarse] = {}
        for second in self._seconds:
            add_coarse(sums, second)
        brokers: dict[str, dict[str, dict[str, float | None]]] = {}
        for (by_leader, broker), counts in sums.items():
            brokers.setdefault(broker, {})[_STAGE_OF[by_leader]] = _percentiles(counts)
        return list(_slower(brokers, f" in the last {RECENT_S} s"))


def _percentiles(counts: Coarse) -> dict[str, float | None]:
    reached, highest_ns = np.cumsum(counts), coarse_bounds()[1]
    count = int(reached[-1])
    return {
        name: float(highest_ns[np.searchsorted(reached, count * PERCENTS[name] / 100)]) / 1e3
        if carries(count, PERCENTS[name])
        else None
        for name in _STATISTICS
    }


def _slower(brokers: Mapping[str, Mapping[str, Mapping[str, Any]]], when: str = "") -> Iterator[str]:
    for stage in BY_LEADER:
        measured = {broker: by_stage[stage] for broker, by_stage in brokers.items() if stage in by_stage}
        for statistic in _STATISTICS:
            figures = {
                broker: float(one[statistic])
                for broker, one in measured.items()
                if one[statistic] is not None
            }
            if len(figures) < 2 or len(figures) < len(measured):
                continue  # too few events of some broker for this one
            (slowest, figure_us), (_, next_us) = sorted(figures.items(), key=lambda item: -item[1])[:2]
            if figure_us >= _TIMES * next_us and figure_us - next_us >= _LEAST_US:
                others = "the others" if len(figures) > 2 else "the other"
                yield (
                    f"Broker {slowest}: {MEANINGS[stage].label} {statistic} {shown(figure_us, 'us')}{when}, {others}"
                    f" {shown(next_us, 'us')}{' at most' if len(figures) > 2 else ''}."
                )
            break

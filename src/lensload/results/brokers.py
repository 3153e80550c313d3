"""Which broker of several is slower than the others."""

from collections.abc import Iterator
from typing import Final

from lensload.metrics.leaders import BY_LEADER
from lensload.metrics.stages import MEANINGS
from lensload.results.run import Run
from lensload.verdict.figures import shown

_TIMES: Final = 2.0  # slower than the slowest of the others, to be worth a sentence
_LEAST_US: Final = 1_000.0
_STATISTICS: Final = ("p99", "p90", "p50")


def sentences(run: Run) -> list[str]:
    """The broker that is slower than all others, a sentence for each stage; none where they are about as fast."""
    return list(_slower(run))


def _slower(run: Run) -> Iterator[str]:
    brokers = run.get("brokers", {})
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
                    f"Broker {slowest}: {MEANINGS[stage].label} {statistic} {shown(figure_us, 'us')}, {others}"
                    f" {shown(next_us, 'us')}{' at most' if len(figures) > 2 else ''}."
                )
            break

"""Which statistics a table of latencies shows: the usual ones, and those that the run's objectives are of."""

from collections.abc import Sequence

from lensload.metrics.percentiles import percent_of
from lensload.results.run import Run
from lensload.verdict.slo import Slo


def statistics_of(run: Run, usual: Sequence[str]) -> list[str]:
    """Names of statistics: `usual`, and the percentiles of the run's objectives in their places among them."""
    asked = [Slo.parse(outcome["expression"]).figure.kind for outcome in run["slos"]]
    names = dict.fromkeys([*usual, *(name for name in asked if percent_of(name) is not None)])
    places = {"mean": -1.0, "max": 101.0}
    return sorted(names, key=lambda name: places.get(name, percent_of(name) or 0.0))

"""Which percentiles a table of latencies shows: the usual ones, and those that the run's objectives are of."""

from collections.abc import Sequence

from lensload.metrics.percentiles import percent_of
from lensload.results.run import Run
from lensload.verdict.slo import Slo


def percentiles_of(run: Run, usual: Sequence[str]) -> list[str]:
    """The names of the percentiles, in ascending order; `usual` are always among them."""
    asked = [Slo.parse(outcome["expression"]).figure.kind for outcome in run["slos"]]
    names = dict.fromkeys([*usual, *(name for name in asked if percent_of(name) is not None)])
    return sorted(names, key=lambda name: percent_of(name) or 100.0)

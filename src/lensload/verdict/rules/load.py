"""Rules about the load: whether it was made at the rate and at the times that were asked for."""

from collections.abc import Iterable
from math import sqrt
from typing import Final

from lensload.verdict.evidence import Evidence, LagShare, RunFacts
from lensload.verdict.figures import shown
from lensload.verdict.rules.rule import Rules, Text, number, share
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()


@RULES.add("load_not_reached", "invalid", "Lower the rate, or add workers or cores.", limit="generator")
def _load_not_reached(run: Evidence, thresholds: Thresholds) -> Text:
    """Fewer events were produced than were due."""
    produced, due = run.counts["produced"], run.facts.due
    short = due - produced > max(due * (1 - thresholds.min_achieved), _chance(run.facts))
    return (
        produced > 0
        and short
        and f"Only {share(produced, due)} of the load was produced ({produced:,} of {due:,.0f} events)."
    )


def _chance(facts: RunFacts) -> float:
    """By how many events a run may differ from what was due without anything being wrong: by chance, or by rounding."""
    return 4 * sqrt(facts.due) if facts.random_arrivals else 1 + facts.workers


@RULES.add("schedule_lag", "invalid", "Lower the rate, or add workers or cores.", limit="generator")
def _schedule_lag(run: Evidence, thresholds: Thresholds) -> Text:
    """Events were handed over too long after they were due."""
    name, lag_us = _highest(run.latencies.schedule_lag_us)
    most_ms = thresholds.max_schedule_lag_s * 1e3
    # Without a schedule nothing is late: the lag is what making and encoding take.
    return (
        not run.facts.flat_out
        and thresholds.is_late(lag_us)
        and (
            f"The schedule lag is {lag_us / 1e3:,.0f} ms at {name}, more than {most_ms:,.0f} ms{_since(run)}:"
            " the latencies are the client's."
        )
    )


@RULES.add(
    "lag_decides",
    "invalid",
    "The generator's machine missed the objective, not the cluster: lower the rate, or add workers or cores.",
    limit="generator",
)
def _lag_decides(run: Evidence, thresholds: Thresholds) -> Text:
    """The generator's own lag is a large part of the figure that an objective is about, and decides it."""
    return _lag_of(share for share in run.lag_shares if share.decides and _large(share, thresholds))


@RULES.add("lag_share", "remark", "Read the figure as the cluster's and the generator's together.")
def _lagshare(run: Evidence, thresholds: Thresholds) -> Text:
    """The generator's own lag is a large part of the figure that an objective is about, and does not decide it."""
    return _lag_of(share for share in run.lag_shares if not share.decides and _large(share, thresholds))


def _large(share: LagShare, thresholds: Thresholds) -> bool:
    return share.of_the_smaller > thresholds.max_lag_share


def _lag_of(shares: Iterable[LagShare]) -> Text:
    return " ".join(
        f"The generator's own lag is {shown(share.lag_us, 'us')} of the {shown(share.figure_us, 'us')} that"
        f" '{share.expression}' is about."
        for share in shares
    )


def _highest(percentiles: dict[str, float]) -> tuple[str, float]:
    """The highest percentile that the sample carries, up to p99; ("", 0) where it carries none."""
    return next(
        ((name, percentiles[name]) for name in ("p99", "p90", "p50") if name in percentiles), ("", 0.0)
    )


def _since(run: Evidence) -> str:
    """From when the generator was behind, by how much at worst, and for how long."""
    latencies = run.latencies
    if latencies.late_from_s is None:
        return ""
    return (
        f" (from {latencies.late_from_s:,.0f} s on, in {latencies.late_s:,} of {run.facts.measured_s:,.0f} s;"
        f" {latencies.worst_lag_us / 1e3:,.0f} ms at worst)"
    )


@RULES.add("queue_full", "invalid", "Lower the rate, or give the cluster more.", limit="cluster")
def _queue_full(run: Evidence, _: Thresholds) -> Text:
    """The producer's queue was full, so that the cluster held back the schedule."""
    # From the first time on the cluster holds the schedule back, which an open loop exists to prevent.
    full = 0 if run.facts.flat_out else run.total("queue_full")
    return full > 0 and (
        f"The producer's queue was full {number(full, 'time')}: the cluster held the schedule back."
    )

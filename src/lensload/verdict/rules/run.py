"""Rules about the run as a whole: whether it went on to its end, and whether anything was measured."""

from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, number
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()


@RULES.add(
    "cut_short", "invalid", "The figures are of that time; for a verdict, let the run go on to its end."
)
def _cut_short(run: Evidence, _: Thresholds) -> Text:
    """Somebody stopped a run of a given duration before its end."""
    cut_short = run.facts.cut_short and not run.facts.open_ended
    return cut_short and f"The run was cut short: only {run.facts.measured_s:,.1f} s were measured."


@RULES.add("nothing_due", "invalid", "Run longer, or raise the rate.")
def _nothing_due(run: Evidence, _: Thresholds) -> Text:
    """No event was due after the warm-up."""
    nothing = not run.counts["produced"] and run.facts.due < 1
    return nothing and "Nothing was measured: no event was due after the warm-up."


@RULES.add("nothing_produced", "invalid", "Lower the rate, or add workers or cores.", limit="generator")
def _nothing_produced(run: Evidence, _: Thresholds) -> Text:
    """Events were due, and none was produced."""
    nothing = not run.counts["produced"] and run.facts.due >= 1
    overdue = run.total("warmup_overdue")
    late = overdue and (
        f" The generator was behind by more than the warm-up, and produced {number(overdue, 'event')} of that in the"
        " measured time: the rate that it reached is of these."
    )
    return nothing and f"Nothing was measured: events were due, and none was produced.{late or ''}"


@RULES.add("nothing_acked", "invalid", "See the errors and notices for why.", limit="cluster")
def _nothing_acked(run: Evidence, _: Thresholds) -> Text:
    """Events were produced, and the cluster acknowledged none."""
    produced, acked = run.counts["produced"], run.counts["acked"]
    nothing = produced > 0 and not acked
    return nothing and f"Nothing was measured: the cluster acknowledged none of {produced:,} events."


@RULES.add("nothing_observed", "invalid", "See the notices of the observer.", limit="generator")
def _nothing_observed(run: Evidence, _: Thresholds) -> Text:
    """Events were acknowledged, and the observer saw none."""
    acked, observed = run.counts["acked"], run.counts["observed"]
    nothing = acked > 0 and not observed
    return nothing and f"Nothing was measured: the observer saw none of {acked:,} acknowledged events."


@RULES.add(
    "too_short",
    "invalid",
    "Measure longer (--duration), or say with --min-measured or --min-events that so much is enough.",
)
def _too_short(run: Evidence, thresholds: Thresholds) -> Text:
    """The run was measured for too short a time, or has too few events, for a verdict."""
    produced, measured_s = run.counts["produced"], run.facts.measured_s
    short = measured_s < thresholds.min_measured_s or produced < thresholds.min_events
    return (
        produced > 0
        and short
        and (
            f"{number(produced, 'event').capitalize()} in {measured_s:,.1f} s show too little for a verdict: it takes"
            f" {thresholds.min_measured_s:g} s and {number(thresholds.min_events, 'event')}."
        )
    )


@RULES.add("stopped", "remark")
def _stopped(run: Evidence, _: Thresholds) -> Text:
    """Somebody stopped a run that had no end of its own."""
    stopped = run.facts.cut_short and run.facts.open_ended
    return stopped and f"The run was stopped after {run.facts.measured_s:,.1f} s of measuring."


@RULES.add("rate_changed", "remark", "For figures of one rate, make a run at that rate alone.")
def _rate_changed(run: Evidence, _: Thresholds) -> Text:
    """The rate was changed by hand during the run."""
    changes = run.facts.rate_changes
    times = "once" if changes == 1 else f"{changes:,} times"
    return changes > 0 and f"The rate was changed by hand {times}: the figures are of all the rates together."

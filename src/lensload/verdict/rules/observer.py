"""Rules about the observer: whether it kept up, and read all that was to be read."""

from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, number
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()


@RULES.add(
    "observer_lag",
    "invalid",
    "Lower the rate, or add workers or cores; if the cluster holds consumers back (a quota), raise --max-observer-lag.",
    limit="generator",
)
def _observer_lag(run: Evidence, thresholds: Thresholds) -> Text:
    """The observer read events long after they were acknowledged, so that end-to-end latency is its own."""
    judged = run.facts.acks == "all" and not run.outage and not run.facts.flat_out
    behind = judged and behind_by(run, thresholds)
    return behind and f"The observer fell behind by {behind}."


def behind_by(run: Evidence, thresholds: Thresholds) -> Text:
    """By how much events were seen later than acknowledged, if that is too much, and between which figures."""
    lag = run.latencies.observer_lag
    # An observer whose clock is ahead of a generator's is not behind.
    lag_s = (lag.lag_us - run.facts.clock_doubt_us) / 1e6 if lag else 0.0
    return (
        lag is not None
        and lag_s > thresholds.max_observer_lag_s
        and (
            f"{lag_s:,.1f} s: end-to-end latency is {lag.end_to_end_us / 1e6:,.3f} s at {lag.percentile}, ack latency"
            f" {lag.ack_us / 1e6:,.3f} s (allowed is a difference of {thresholds.max_observer_lag_s:g} s)"
        )
    )


@RULES.add(
    "deleted_before_read",
    "invalid",
    "Raise the topics' retention, or lower the rate; and let nobody delete records during a run.",
    limit="generator",
)
def _deleted_before_read(run: Evidence, _: Thresholds) -> Text:
    """The broker deleted records before the observer read them."""
    deleted = 0 if run.facts.embedded else run.total("deleted_before_read")
    return deleted > 0 and (
        f"The observer lost its place: {number(deleted, 'record')} had been deleted before it read them."
    )


RULES.add_total(
    "read_again",
    "read_again",
    "record",
    "The observer lost its place: it read {count} again, as after a broker that came back with less than it had"
    " acknowledged.",
    "See the brokers' logs for a truncated partition.",
)


@RULES.add("observer_incomplete", "invalid", "Raise --drain-timeout, or lower the rate.", limit="generator")
def _observer_incomplete(run: Evidence, _: Thresholds) -> Text:
    """The observer did not reach the ends of the partitions."""
    return not run.facts.observer_complete and (
        "The observer did not reach the ends of the partitions, so end-to-end latency lacks its slowest events."
    )


@RULES.add("embedded_overrun", "invalid", "Lower the rate.", limit="generator")
def _embedded_overrun(run: Evidence, _: Thresholds) -> Text:
    """The observer missed events that the embedded cluster no longer had."""
    missed = max(run.counts["lost"], run.total("deleted_before_read")) if run.facts.embedded else 0
    return missed > 0 and (
        f"The observer missed {number(missed, 'event')} that the embedded cluster had acknowledged: it keeps 5 MiB a"
        " partition, so an observer that falls behind misses what was never lost."
    )


@RULES.add("observer_lag_unattributed", "remark", "Use acks=all to find out which of the two it is.")
def _observer_lag_unattributed(run: Evidence, thresholds: Thresholds) -> Text:
    """Events were read long after they were due, and without acks=all it is not known by whose fault."""
    behind = run.facts.acks != "all" and behind_by(run, thresholds)
    return behind and (
        f"Events were read late by {behind}. With acks={run.facts.acks} an acknowledgement does not mean that they"
        " could be read, so this is the cluster's or the observer's."
    )


@RULES.add("observer_lag_outage", "remark")
def _observer_lag_outage(run: Evidence, thresholds: Thresholds) -> Text:
    """Events were read late because the cluster could not be reached in between."""
    behind = run.facts.acks == "all" and run.outage and behind_by(run, thresholds)
    return behind and (
        f"Events were read late by {behind}. Producer and observer both lost the cluster in between (see the"
        " notices), and what was acknowledged before can be read only after."
    )

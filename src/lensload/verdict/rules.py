"""The rules that a run is judged by: each has a code, a severity and a text, and says what limits the run if it holds.

To add one, write a function that returns its text where it holds and something false where it does not, decorate it with
its code, severity and advice, and put it where its reason is to be read: reasons come in the order of the rules here, the
gravest severity first.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isinf, sqrt
from typing import Final, Literal

from lensload.metrics.counts import count_of
from lensload.metrics.responses import WRONG_ANSWERS
from lensload.verdict.evidence import Evidence, LagShare, RunFacts
from lensload.verdict.figures import shown
from lensload.verdict.thresholds import DEFAULTS, Thresholds
from lensload.verdict.verdict import Limit, Reason, Severity, Verdict, codes, gravest_first, reason, worst

Text = str | bool | None
"""What happened, with the figures; anything false where the rule does not hold."""

Holds = Callable[[Evidence, Thresholds], Text]

_MAX_NEGATIVE: Final = 0.01  # of a stage's latencies: fewer move no p99
_MAX_CLOCK_STEP_S: Final = 0.001  # NTP slews a clock, which is no step: more is somebody's doing


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for which a run is invalid or bad, or is worth a remark.

    Attributes:
        code: its name for programs.
        severity: what it makes of a run.
        text: what happened, if it holds.
        advice: what to do about it.
        limit: what could not keep up with the rate, where that is the cause; None: the rate is not the cause.
    """

    code: str
    severity: Severity
    text: Holds
    advice: str
    limit: Limit | None


RULES: Final[list[Rule]] = []

GIVEN: Final = ("run_incomplete", "objective_missed", "repeats_missing")
"""The codes of reasons that are no rule's: each has its text from elsewhere."""


def judge(evidence: Evidence, thresholds: Thresholds = DEFAULTS, missed: Sequence[Reason] = ()) -> Verdict:
    """The verdict on a run: invalid if anything makes it so, else fail, else pass.

    Args:
        evidence: what was counted.
        thresholds: what the verdict goes by.
        missed: a reason for each objective that does not hold; any fails the run.
    """
    texts = [(rule, rule.text(evidence, thresholds)) for rule in RULES]
    reasons = [
        *(reason("run_incomplete", "invalid", f"{text.rstrip('.')}.") for text in evidence.facts.died),
        *(reason(rule.code, rule.severity, str(text), rule.advice) for rule, text in texts if text),
        *missed,
    ]
    verdict, limited_by = worst(reasons), None
    if verdict == "invalid":
        limited_by = _limit(codes(reasons, "invalid"), embedded=evidence.facts.embedded)
    return {"verdict": verdict, "reasons": gravest_first(reasons), "limited_by": limited_by}


def _limit(invalid: list[str], *, embedded: bool) -> Limit | None:
    """What could not keep up in a run that is invalid for these codes; None if for one of them that is not the rate.

    The embedded cluster is a part of the generator's own process.
    """
    by_code = {rule.code: rule.limit for rule in RULES}
    limits = {by_code.get(code) for code in invalid}
    if None in limits:
        return None
    return "cluster" if "cluster" in limits and not embedded else "generator"


def _rule(
    code: str, severity: Severity, advice: str = "", limit: Limit | None = None
) -> Callable[[Holds], Holds]:
    def add(text: Holds) -> Holds:
        RULES.append(Rule(code, severity, text, advice, limit))
        return text

    return add


def _counted(code: str, severity: Literal["fail", "remark"], text: str) -> None:
    """A rule that holds where any event was counted under its code."""

    def holds(run: Evidence, _: Thresholds) -> Text:
        count = count_of(run.counts, code)
        return bool(count) and f"{_number(count, 'event').capitalize()} {text}."

    _rule(code, severity)(holds)


def _summed(code: str, total: str, noun: str, text: str, advice: str, limit: Limit | None = None) -> None:
    """A rule that makes a run invalid where a total of it is not 0; `{count}` in the text is that, with its noun."""

    def holds(run: Evidence, _: Thresholds) -> Text:
        count = run.total(total)
        return bool(count) and text.format(count=_number(count, noun))

    _rule(code, "invalid", advice, limit)(holds)


@_rule("cut_short", "invalid", "The figures are of that time; for a verdict, let the run go on to its end.")
def _cut_short(run: Evidence, _: Thresholds) -> Text:
    cut_short = run.facts.cut_short and not run.facts.open_ended
    return cut_short and f"The run was cut short: only {run.facts.measured_s:,.1f} s were measured."


@_rule("nothing_due", "invalid", "Run longer, or raise the rate.")
def _nothing_due(run: Evidence, _: Thresholds) -> Text:
    nothing = not run.counts["produced"] and run.facts.due < 1
    return nothing and "Nothing was measured: no event was due after the warm-up."


@_rule("nothing_produced", "invalid", "Lower the rate.", limit="generator")
def _nothing_produced(run: Evidence, _: Thresholds) -> Text:
    nothing = not run.counts["produced"] and run.facts.due >= 1
    return nothing and "Nothing was measured: events were due, and none was produced."


@_rule("nothing_acked", "invalid", "See the errors and notices for why.", limit="cluster")
def _nothing_acked(run: Evidence, _: Thresholds) -> Text:
    produced, acked = run.counts["produced"], run.counts["acked"]
    nothing = produced > 0 and not acked
    return nothing and f"Nothing was measured: the cluster acknowledged none of {produced:,} events."


@_rule("nothing_observed", "invalid", "See the notices of the observer.", limit="generator")
def _nothing_observed(run: Evidence, _: Thresholds) -> Text:
    acked, observed = run.counts["acked"], run.counts["observed"]
    nothing = acked > 0 and not observed
    return nothing and f"Nothing was measured: the observer saw none of {acked:,} acknowledged events."


@_rule(
    "too_short",
    "invalid",
    "Measure longer (--duration), or say with --min-measured or --min-events that so much is enough.",
)
def _too_short(run: Evidence, thresholds: Thresholds) -> Text:
    produced, measured_s = run.counts["produced"], run.facts.measured_s
    short = measured_s < thresholds.min_measured_s or produced < thresholds.min_events
    return (
        produced > 0
        and short
        and (
            f"{_number(produced, 'event').capitalize()} in {measured_s:,.1f} s show too little for a verdict: it takes"
            f" {thresholds.min_measured_s:g} s and {_number(thresholds.min_events, 'event')}."
        )
    )


@_rule("load_not_reached", "invalid", "Lower the rate, or add workers or cores.", limit="generator")
def _load_not_reached(run: Evidence, thresholds: Thresholds) -> Text:
    produced, due = run.counts["produced"], run.facts.due
    short = due - produced > max(due * (1 - thresholds.min_achieved), _chance(run.facts))
    return (
        produced > 0
        and short
        and f"Only {_share(produced, due)} of the load was produced ({produced:,} of {due:,.0f} events)."
    )


def _chance(facts: RunFacts) -> float:
    """By how many events a run may differ from what was due without anything being wrong: by chance, or by rounding."""
    return 4 * sqrt(facts.due) if facts.random_arrivals else 1 + facts.workers


@_rule("schedule_lag", "invalid", "Lower the rate, or add workers or cores.", limit="generator")
def _schedule_lag(run: Evidence, thresholds: Thresholds) -> Text:
    name, lag_us = _highest(run.latencies.schedule_lag_us)
    most_ms = thresholds.max_schedule_lag_s * 1e3
    return thresholds.is_late(lag_us) and (
        f"The schedule lag is {lag_us / 1e3:,.0f} ms at {name}, more than {most_ms:,.0f} ms{_since(run)}:"
        " the latencies are the client's."
    )


@_rule(
    "lag_decides",
    "invalid",
    "The generator's machine missed the objective, not the cluster: lower the rate, or add workers or cores.",
    limit="generator",
)
def _lag_decides(run: Evidence, thresholds: Thresholds) -> Text:
    return _lag_of(share for share in run.lag_shares if share.decides and _large(share, thresholds))


@_rule("lag_share", "remark", "Read the figure as the cluster's and the generator's together.")
def _lag_share(run: Evidence, thresholds: Thresholds) -> Text:
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


# From the first time on the cluster holds the schedule back, which an open loop exists to prevent.
_summed(
    "queue_full",
    "queue_full",
    "time",
    "The producer's queue was full {count}: the cluster held the schedule back.",
    "Lower the rate, or give the cluster more.",
    limit="cluster",
)


@_rule("clock_step", "invalid", "Let NTP slew the clock instead (chronyd does), and run again.")
def _clock_step(run: Evidence, _: Thresholds) -> Text:
    step_s = run.facts.clock_step_s
    return step_s > _MAX_CLOCK_STEP_S and (
        f"A clock was set by {step_s * 1e3:,.1f} ms during the run: all latencies across that step are off by"
        " so much."
    )


@_rule(
    "clock_doubt", "invalid", "Synchronise the hosts (PTP, or chronyd towards one of them), or run on one."
)
def _clock_doubt(run: Evidence, thresholds: Thresholds) -> Text:
    median_us, doubt_us = run.latencies.end_to_end_p50_us, run.facts.clock_doubt_us
    if isinf(doubt_us):
        return "The clock of a host was never read: nobody knows how far it is from the others."
    return (
        median_us is not None
        and doubt_us > thresholds.max_clock_doubt * median_us
        and (
            f"The clocks of the hosts may be {doubt_us:,.0f} us apart, and the end-to-end median is"
            f" {median_us:,.0f} us: end-to-end latency is a clock's error as much as the cluster's."
        )
    )


@_rule("negative_latency", "invalid", "Synchronise the clocks, and run again.")
def _negative_latency(run: Evidence, _: Thresholds) -> Text:
    negative = run.latencies.negative_fraction
    return negative > _MAX_NEGATIVE and (
        f"{_share(negative, 1)} of the latencies of a stage are below 0: a clock stepped, or the clocks of two"
        " machines differ."
    )


@_rule(
    "unflushed",
    "invalid",
    "Bring the broker back if the notices miss one; else raise --drain-timeout, or lower the rate.",
    limit="cluster",
)
def _unflushed(run: Evidence, _: Thresholds) -> Text:
    # Not one is allowed, for those that are missing are the slowest.
    unflushed = run.facts.unflushed
    return unflushed > 0 and (
        f"The fate of {_number(unflushed, 'event')} is unknown: no delivery report came before the drain ended."
    )


@_rule(
    "observer_lag",
    "invalid",
    "Lower the rate, or add workers or cores; if the cluster holds consumers back (a quota), raise --max-observer-lag.",
    limit="generator",
)
def _observer_lag(run: Evidence, thresholds: Thresholds) -> Text:
    behind = run.facts.acks == "all" and not run.outage and _behind(run, thresholds)
    return behind and f"The observer fell behind by {behind}."


def _behind(run: Evidence, thresholds: Thresholds) -> Text:
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


@_rule(
    "deleted_before_read",
    "invalid",
    "Raise the topics' retention, or lower the rate; and let nobody delete records during a run.",
    limit="generator",
)
def _deleted_before_read(run: Evidence, _: Thresholds) -> Text:
    deleted = 0 if run.facts.embedded else run.total("deleted_before_read")
    return deleted > 0 and (
        f"The observer lost its place: {_number(deleted, 'record')} had been deleted before it read them."
    )


_summed(
    "read_again",
    "read_again",
    "record",
    "The observer lost its place: it read {count} again, as after a broker that came back with less than it had"
    " acknowledged.",
    "See the brokers' logs for a truncated partition.",
)


@_rule("observer_incomplete", "invalid", "Raise --drain-timeout, or lower the rate.", limit="generator")
def _observer_incomplete(run: Evidence, _: Thresholds) -> Text:
    return not run.facts.observer_complete and (
        "The observer did not reach the ends of the partitions, so end-to-end latency lacks its slowest events."
    )


# Not one is allowed: what is measured after it is not what LENS sends.
_summed(
    "serializer_mismatch",
    "mismatched",
    "event",
    "The Confluent serializer writes {count} of the sample differently.",
    "Report it as a bug of lensload, unless a schema was changed under it.",
)


@_rule("embedded_overrun", "invalid", "Lower the rate.", limit="generator")
def _embedded_overrun(run: Evidence, _: Thresholds) -> Text:
    missed = max(run.counts["lost"], run.total("deleted_before_read")) if run.facts.embedded else 0
    return missed > 0 and (
        f"The observer missed {_number(missed, 'event')} that the embedded cluster had acknowledged: it keeps 5 MiB a"
        " partition, so an observer that falls behind misses what was never lost."
    )


@_rule("failed", "fail", "See the errors for why.")
def _failed(run: Evidence, thresholds: Thresholds) -> Text:
    failed, produced = run.counts["failed"], run.counts["produced"]
    return failed > thresholds.max_failed * produced and (
        f"The cluster did not take {_number(failed, 'event')} ({_share(failed, produced)} of those produced)."
    )


@_rule("lost", "fail")
def _lost(run: Evidence, thresholds: Thresholds) -> Text:
    lost, acked = run.counts["lost"], run.counts["acked"]
    conclusive = run.facts.accounted and not run.facts.embedded
    return (
        conclusive
        and lost > thresholds.max_lost * acked
        and (
            f"{_number(lost, 'event').capitalize()} ({_share(lost, acked)} of those acknowledged) never arrived at the"
            " observer."
        )
    )


_counted("corrupt", "fail", "arrived, but not as sent")


@_rule(
    "no_answers",
    "fail",
    "Is the service reading recommendation-requests from the latest offset, and does it answer on the topic that is"
    " observed (--responses-topic)? The notices say which groups were found.",
)
def _no_answers(run: Evidence, _: Thresholds) -> Text:
    found = run.responses
    if found is None or found["answered"] or not found["requests"]:
        return None
    return f"There were no answers at all to {_number(found['requests'], 'request')}."


@_rule("stopped", "remark")
def _stopped(run: Evidence, _: Thresholds) -> Text:
    stopped = run.facts.cut_short and run.facts.open_ended
    return stopped and f"The run was stopped after {run.facts.measured_s:,.1f} s of measuring."


@_rule("rate_changed", "remark", "For figures of one rate, make a run at that rate alone.")
def _rate_changed(run: Evidence, _: Thresholds) -> Text:
    changes = run.facts.rate_changes
    times = "once" if changes == 1 else f"{changes:,} times"
    return changes > 0 and f"The rate was changed by hand {times}: the figures are of all the rates together."


@_rule("observer_lag_unattributed", "remark", "Use acks=all to find out which of the two it is.")
def _observer_lag_unattributed(run: Evidence, thresholds: Thresholds) -> Text:
    behind = run.facts.acks != "all" and _behind(run, thresholds)
    return behind and (
        f"Events were read late by {behind}. With acks={run.facts.acks} an acknowledgement does not mean that they"
        " could be read, so this is the cluster's or the observer's."
    )


@_rule("observer_lag_outage", "remark")
def _observer_lag_outage(run: Evidence, thresholds: Thresholds) -> Text:
    behind = run.facts.acks == "all" and run.outage and _behind(run, thresholds)
    return behind and (
        f"Events were read late by {behind}. Producer and observer both lost the cluster in between (see the"
        " notices), and what was acknowledged before can be read only after."
    )


_counted(
    "unknown",
    "remark",
    "were acknowledged, and whether they arrived is not known: the process that knew it ended, or did not read to the end",
)
_counted("duplicated", "remark", "arrived more than once")
_counted("reordered", "remark", "arrived behind a later one of their partition")
_counted(
    "failed_but_delivered",
    "remark",
    "arrived without an acknowledgement: some of those counted as failed were written",
)


@_rule("answers_wrong", "remark", "Make objectives of those that matter, such as --slo 'misdirected == 0'.")
def _answers_wrong(run: Evidence, _: Thresholds) -> Text:
    found = run.responses
    if found is None or not found["answered"]:
        return None
    wrong = [f"{found[name]:,} {in_words}" for name, in_words in WRONG_ANSWERS.items() if found[name]]
    return bool(wrong) and f"Of {_number(found['requests'], 'request')}: {', '.join(wrong)}."


CODES: Final = (*(rule.code for rule in RULES), *GIVEN)
"""All codes that a reason may have."""


def _share(part: float, whole: float) -> str:
    """A percentage that never rounds to 0 or 100 what is neither."""
    percent = 100 * part / whole
    digits = 1
    while digits < 6 and part not in (0, whole) and float(f"{percent:.{digits}f}") in (0.0, 100.0):
        digits += 1
    return f"{percent:.{digits}f} %"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

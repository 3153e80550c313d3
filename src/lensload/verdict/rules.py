"""Whether a run's figures can be trusted, and whether what they say is good: pure, over plain values."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from lensload.errors import InvalidRunError
from lensload.metrics.observer_lag import ObserverLag
from lensload.verdict.thresholds import DEFAULTS, Thresholds

Judgement = Literal["pass", "fail", "invalid"]
Limit = Literal["generator", "cluster"]

EXIT_CODES: dict[Judgement, int] = {"pass": 0, "fail": 1, "invalid": InvalidRunError.exit_code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a verdict is made from: the sums of the measured part of a run, over all topics.

    Attributes:
        measured_s: the length of the schedule that was measured, without warm-up and drain.
        target_per_s: the mean rate that the schedule asked for in that time.
        random_arrivals: the schedule is Poisson, so its count differs from its mean by chance.
        workers: how many schedules ran beside each other, each of which rounds to whole events.
        produced: events handed to the producer.
        acked: events the cluster acknowledged.
        failed: events it did not.
        observed: distinct events the observer saw.
        lost: acknowledged and not seen.
        duplicated: seen again.
        reordered: seen behind a later one of their partition.
        corrupt: seen, but not as they were sent.
        written: told to have failed, or never told of, and seen all the same.
        schedule_lag_us: percentile name to schedule lag, of those ("p50", "p90", "p99") that the sample can
            carry.
        late_from_s: when the schedule lag first was above the threshold, from the start of measuring; None: never for
            a whole second.
        late_s: for how many seconds it was.
        worst_lag_us: the greatest schedule lag.
        observer_lag: how far it was from the acknowledgement to the observer, at the percentile at which it was farthest;
            None where too few events were seen.
        acks: which replicas had an event when it was acknowledged: "all", "1" (the leader) or "0" (none).
        outage: producers and observers both complained of the cluster, as when a broker goes away.
        gone: records that had been deleted before the observer read them.
        read_again: records that it read a second time because it had lost its place.
        clock_step_s: by how much a clock was set during the run, the largest of all processes.
        clock_doubt_us: how far the clocks of the hosts may be apart; 0 on one host.
        end_to_end_p50_us: the end-to-end median; None where too few events were seen.
        negative_fraction: of the latencies of the stage that has most such, how many lay below 0.
        queue_full: how often the producer's queue was full.
        unflushed: events without a delivery report when the drain ended.
        mismatched: sampled events that the Confluent serializer wrote differently.
        observer_complete: the observer reached the end of every partition.
        embedded: the cluster was librdkafka's mock.
        died: what ended before it should have, one text for each process.
        cut_short: somebody stopped the run before its end.
        open_ended: the run had no end of its own, so that stopping it is how it ends.
    """

    measured_s: float
    target_per_s: float
    produced: int
    acked: int
    observed: int
    failed: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    corrupt: int = 0
    written: int = 0
    schedule_lag_us: dict[str, float]
    late_from_s: float | None = None
    late_s: int = 0
    worst_lag_us: float = 0.0
    observer_lag: ObserverLag | None = None
    acks: str = "all"
    outage: bool = False
    gone: int = 0
    read_again: int = 0
    clock_step_s: float = 0.0
    clock_doubt_us: float = 0.0
    end_to_end_p50_us: float | None = None
    negative_fraction: float = 0.0
    queue_full: int = 0
    unflushed: int = 0
    mismatched: int = 0
    observer_complete: bool = True
    embedded: bool = False
    random_arrivals: bool = False
    workers: int = 1
    died: tuple[str, ...] = ()
    cut_short: bool = False
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run is worth.

    Attributes:
        verdict: "invalid" (do not use the figures), "fail" (trust them: they are bad) or "pass".
        reasons: sentences, the gravest first; on a pass, what is worth knowing all the same.
        limited_by: of an invalid run, what could not keep up with the rate: the generator (the machine that produces
            and observes) or the cluster. None: neither, such as after a clock step or a crash.
    """

    verdict: Judgement
    reasons: tuple[str, ...]
    limited_by: Limit | None = None

    @property
    def exit_code(self) -> int:
        """What the command ends with: 0, 1 or 3."""
        return EXIT_CODES[self.verdict]


def judge(evidence: Evidence, thresholds: Thresholds = DEFAULTS, missed: tuple[str, ...] = ()) -> Verdict:
    """The verdict on a run: invalid if anything makes it so, else fail, else pass.

    Args:
        evidence: what was counted.
        thresholds: what the verdict goes by.
        missed: a sentence for each objective that does not hold; any fails the run.
    """
    invalid = [*_unmeasured(evidence), *(f"{text.rstrip('.')}." for text in evidence.died)]
    if not evidence.produced:
        return Verdict(
            "invalid", (*invalid, *_remarks(evidence, thresholds)), _limited_by(evidence, thresholds)
        )
    invalid += [*_off_schedule(evidence, thresholds), *_clocks(evidence, thresholds)]
    invalid += [*_unaccounted(evidence, thresholds)]
    failures = [*_failures(evidence, thresholds), *missed]
    verdict: Judgement = "invalid" if invalid else "fail" if failures else "pass"
    limited_by = _limited_by(evidence, thresholds) if invalid else None
    return Verdict(verdict, (*invalid, *failures, *_remarks(evidence, thresholds)), limited_by)


def _limited_by(evidence: Evidence, thresholds: Thresholds) -> Limit | None:
    """What could not keep up in an invalid run.

    By elimination, so that no rule is written twice: what is neither a failure of another kind nor held back by the
    cluster is a generator or an observer that was too slow.
    """
    nothing_due = evidence.target_per_s * evidence.measured_s < 1
    stopped = evidence.died or (evidence.cut_short and not evidence.open_ended)
    untrue = evidence.negative_fraction > thresholds.max_negative or any(_clocks(evidence, thresholds))
    altered = evidence.mismatched > thresholds.max_mismatched or evidence.read_again
    if nothing_due or stopped or untrue or altered:
        return None
    waiting = evidence.queue_full > thresholds.max_queue_full or evidence.unflushed > thresholds.max_unflushed
    refused = evidence.produced and not evidence.acked
    # The embedded cluster is a part of the generator's own process.
    return "cluster" if (waiting or refused) and not evidence.embedded else "generator"


def _unmeasured(evidence: Evidence) -> Iterator[str]:
    """Why there is nothing to judge, or not what was asked for."""
    if evidence.cut_short and not evidence.open_ended:
        yield (
            f"The run was cut short: only {evidence.measured_s:,.1f} s were measured."
            " The figures are of that time; for a verdict, let it run to its end."
        )
    if not evidence.produced:
        yield (
            "Nothing was measured: no event was due after the warm-up. Run longer, or raise the rate."
            if evidence.target_per_s * evidence.measured_s < 1
            else "Nothing was measured: events were due, and none was produced. Lower the rate."
        )
    elif not evidence.acked:
        yield f"Nothing was measured: the cluster acknowledged none of {evidence.produced:,} events."
    elif not evidence.observed:
        yield f"Nothing was measured: the observer saw none of {evidence.acked:,} acknowledged events."


def _off_schedule(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    """Why this was not the load that was asked for."""
    due = evidence.target_per_s * evidence.measured_s
    chance = 4 * sqrt(due) if evidence.random_arrivals else 1 + evidence.workers
    if due - evidence.produced > max(due * (1 - thresholds.min_achieved), chance):
        yield (
            f"Only {_share(evidence.produced, due)} of the load was produced"
            f" ({evidence.produced:,} of {due:,.0f} events). Lower the rate, or add workers or cores."
        )
    name, lag_us = _highest(evidence.schedule_lag_us)
    if lag_us > thresholds.max_schedule_lag_s * 1e6:
        yield (
            f"The schedule lag is {lag_us / 1e3:,.0f} ms at {name}, more than"
            f" {thresholds.max_schedule_lag_s * 1e3:,.0f} ms{_since(evidence)}: the latencies are the client's."
            " Lower the rate, or add workers or cores."
        )
    if evidence.queue_full > thresholds.max_queue_full:
        yield (
            f"The producer's queue was full {_times(evidence.queue_full)}: the"
            f" {'embedded ' if evidence.embedded else ''}cluster held the schedule back."
            " Lower the rate, or give the cluster more."
        )


def _since(evidence: Evidence) -> str:
    """From when the generator was behind, by how much at worst, and for how long."""
    if evidence.late_from_s is None:
        return ""
    return (
        f" (from {evidence.late_from_s:,.0f} s on, in {evidence.late_s:,} of {evidence.measured_s:,.0f} s;"
        f" {evidence.worst_lag_us / 1e3:,.0f} ms at worst)"
    )


def _clocks(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    """Why times cannot be compared."""
    if evidence.clock_step_s > thresholds.max_clock_step_s:
        yield (
            f"A clock was set by {evidence.clock_step_s * 1e3:,.1f} ms during the run: all latencies across that step"
            " are off by so much. Let NTP slew it instead (chronyd does), and run again."
        )
    median_us = evidence.end_to_end_p50_us
    if median_us is not None and evidence.clock_doubt_us > thresholds.max_clock_doubt * median_us:
        yield (
            f"The clocks of the hosts may be {evidence.clock_doubt_us:,.0f} us apart, and the end-to-end median is"
            f" {median_us:,.0f} us: end-to-end latency is a clock's error as much as the cluster's. Synchronise the"
            " hosts (PTP, or chronyd towards one of them), or run on one."
        )


def _unaccounted(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    """Why the account of events, their times, or what was sent, does not hold."""
    if evidence.negative_fraction > thresholds.max_negative:
        yield (
            f"{_share(evidence.negative_fraction, 1)} of the latencies of a stage lie below 0: a clock stepped, or"
            " the clocks of two machines differ. Synchronise them, and run again."
        )
    if evidence.unflushed > thresholds.max_unflushed:
        yield (
            f"The fate of {_events(evidence.unflushed)} is unknown: no delivery report came before the drain"
            " ended. Bring the broker back if the notices miss one; else raise --drain-timeout, or lower the rate."
        )
    behind = _behind(evidence, thresholds)
    if behind and evidence.acks == "all" and not evidence.outage:
        yield (
            f"The observer fell behind by {behind}. Lower the rate, or add workers or cores; if the cluster holds"
            " consumers back (a quota), raise --max-observer-lag."
        )
    if evidence.gone and not evidence.embedded:
        yield (
            f"The observer lost its place: {_records(evidence.gone)} had been deleted before it read them. Raise the"
            " topics' retention, or lower the rate; and let nobody delete records during a run."
        )
    if evidence.read_again:
        yield (
            f"The observer lost its place: it read {_records(evidence.read_again)} again, as after a broker that came"
            " back with less than it had acknowledged. See the brokers' logs for a truncated partition."
        )
    if not evidence.observer_complete:
        yield (
            "The observer did not reach the ends of the partitions, so end-to-end latency lacks its slowest"
            " events and some of the lost ones may only be late. Raise --drain-timeout, or lower the rate."
        )
    if evidence.mismatched > thresholds.max_mismatched:
        yield (
            f"The Confluent serializer writes {_events(evidence.mismatched)} of the sample differently:"
            " this is a bug in lensload, or a schema was changed under it."
        )
    if evidence.embedded and (evidence.lost or evidence.gone):
        yield (
            f"The observer missed {_events(max(evidence.lost, evidence.gone))} that the embedded cluster had acknowledged: it keeps"
            " 5 MiB a partition, so an observer that falls behind misses what was never lost. Lower the rate."
        )


def _behind(evidence: Evidence, thresholds: Thresholds) -> str:
    """By how much events were seen later than acknowledged, if that is too much, and between which figures."""
    lag = evidence.observer_lag
    # An observer whose clock is ahead of an engine's is not behind.
    lag_s = (lag.lag_us - evidence.clock_doubt_us) / 1e6 if lag else 0.0
    if lag is None or lag_s <= thresholds.max_observer_lag_s:
        return ""
    return (
        f"{lag_s:,.1f} s: end-to-end latency is {lag.end_to_end_us / 1e6:,.3f} s at {lag.percentile}, ack latency"
        f" {lag.ack_us / 1e6:,.3f} s (allowed is a difference of {thresholds.max_observer_lag_s:g} s)"
    )


def _failures(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    """What the cluster did wrong, in figures that can be trusted."""
    if evidence.failed > thresholds.max_failed * evidence.produced:
        yield (
            f"The cluster did not take {_events(evidence.failed)}"
            f" ({_share(evidence.failed, evidence.produced)} of those produced): see the errors."
        )
    conclusive = evidence.observer_complete and not evidence.embedded
    if conclusive and evidence.lost > thresholds.max_lost * evidence.acked:
        yield (
            f"{_events(evidence.lost).capitalize()} ({_share(evidence.lost, evidence.acked)} of those"
            " acknowledged) never arrived at the observer."
        )
    if evidence.corrupt:
        yield f"{_events(evidence.corrupt).capitalize()} arrived, but not as sent."


def _remarks(evidence: Evidence, thresholds: Thresholds) -> Iterator[str]:
    """What changes no verdict, and should be known."""
    if evidence.cut_short and evidence.open_ended:
        yield f"The run was cut short: {evidence.measured_s:,.1f} s were measured."
    behind = _behind(evidence, thresholds)
    if behind and evidence.acks != "all":
        yield (
            f"Events were read late by {behind}. With acks={evidence.acks} an acknowledgement does not mean that they"
            " could be read, so this is the cluster's or the observer's; with acks=all it can be told."
        )
    elif behind and evidence.outage:
        yield (
            f"Events were read late by {behind}. Producer and observer both lost the cluster in between (see the"
            " notices), and what was acknowledged before can be read only after."
        )
    if evidence.duplicated:
        yield f"{_events(evidence.duplicated).capitalize()} arrived more than once."
    if evidence.reordered:
        yield f"{_events(evidence.reordered).capitalize()} arrived behind a later one of their partition."
    if evidence.written:
        yield (
            f"{_events(evidence.written).capitalize()} arrived without an acknowledgement:"
            " some of those counted as failed were written."
        )


def _highest(percentiles: dict[str, float]) -> tuple[str, float]:
    """The highest percentile that the sample carries, up to p99; ("", 0) where it carries none."""
    for name in ("p99", "p90", "p50"):
        if name in percentiles:
            return name, percentiles[name]
    return "", 0.0


def _share(part: float, whole: float) -> str:
    """A percentage that never rounds to 0 or 100 what is neither."""
    percent = 100 * part / whole
    digits = 1
    while digits < 6 and part not in (0, whole) and float(f"{percent:.{digits}f}") in (0.0, 100.0):
        digits += 1
    return f"{percent:.{digits}f} %"


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count:,} events"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"

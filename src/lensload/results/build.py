"""What was recorded of a run, and the run that is built from it and from what was counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal, cast

from typing_extensions import TypedDict

from lensload.delivery.reconcile import Findings
from lensload.metrics import librdkafka
from lensload.metrics.cost import ProcessCost
from lensload.metrics.counts import Counts, count_of, sums
from lensload.metrics.groups import Group
from lensload.metrics.observer_lag import observer_lag
from lensload.metrics.responses import Responses
from lensload.metrics.slices import CoarseSlice, Slice
from lensload.metrics.stats import Stats
from lensload.results.breakdown import breakdown
from lensload.results.counted import WARMUP, sections, summaries, warmup
from lensload.results.run import FORMAT, Load, RateChange, Row, Run, Summary, summary, with_lengths
from lensload.results.slowest import Slowest, slowest
from lensload.results.slowest import sentence as slow_sentence
from lensload.verdict.evidence import Evidence, LagShare, Latencies, RunFacts
from lensload.verdict.judge import judge
from lensload.verdict.slo import Outcome, Slo, sentence
from lensload.verdict.thresholds import DEFAULTS, Thresholds
from lensload.verdict.verdict import Judgement, Limit, Reason, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How a run went, beside what was counted.

    Attributes:
        facts: what its verdict goes by.
        notices: what was worth telling while it ran, in order.
        series: one row for each second, longer ones of a long run.
        slices: the measured time in pieces that add up to what was counted.
        coarse: the same, with their coarse counts.
        findings: what the accounts of the events differ in, by topic; None when nobody kept them.
        responses: what became of the requests to a service under test; None where lensload answered itself.
        groups: the consumer groups that were watched, by name.
        rate_changes: changes of the rate by hand.
        costs: what each process used in the measured time.
    """

    facts: RunFacts
    notices: tuple[str, ...] = ()
    series: Sequence[Row] = ()
    slices: Sequence[Slice] = ()
    coarse: Sequence[CoarseSlice] = ()
    findings: Mapping[str, Findings] | None = None
    responses: Responses | None = None
    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])
    rate_changes: Sequence[RateChange] = ()
    costs: Sequence[ProcessCost] = ()

    def of_topic(self, topic: str) -> Findings | None:
        """What is known of a topic's events one by one; None when nobody kept account of them."""
        return None if self.findings is None else self.findings.get(topic, Findings())


class Judged(TypedDict):
    """What was measured and what it is worth; the fields are those of `Run`."""

    verdict: Judgement
    reasons: list[Reason]
    limited_by: Limit | None
    slos: list[Outcome]
    load: Load
    topics: dict[str, Counts]
    latency_us: dict[str, dict[str, Summary]]
    responses: Responses | None
    slowest: list[Slowest]


def judged(
    stats: Stats,
    recording: Recording,
    thresholds: Thresholds = DEFAULTS,
    slos: Sequence[Slo] = (),
    linger_ms: float | None = None,
) -> Judged:
    """What was measured and what it is worth, be the run over or not; arguments as of `build`."""
    topics = {
        topic: _counts(counts, recording.of_topic(topic), recording.facts)
        for topic, counts in sorted(stats.counts.items())
    }
    latency, load = summaries(stats), _load(stats, recording.facts, topics)
    service = {"responses": recording.responses, "groups": recording.groups}
    known = {"topics": topics, "load": load, "latency_us": _with_asked(latency, stats, slos), **service}
    outcomes = [(slo, slo.judge(known)) for slo in slos]
    slow = slowest(recording.coarse, known, outcomes)
    evidence = _evidence(stats, recording, topics, latency, thresholds)
    shares = tuple(share for slo, outcome in outcomes if (share := _lag_share(slo, outcome, known)))
    return {
        **judge(replace(evidence, lag_shares=shares), thresholds, _missed(outcomes, slow, linger_ms)),
        "slos": [outcome for _, outcome in outcomes],
        "load": load,
        "topics": topics,
        "latency_us": latency,
        "responses": recording.responses,
        "slowest": slow,
    }


def _with_asked(
    latency: Mapping[str, Mapping[str, Summary]], stats: Stats, slos: Sequence[Slo]
) -> dict[str, dict[str, Summary]]:
    """The latencies, with each statistic that an objective names and no summary has.

    Of a run that is over they come from its histograms. Encoding those takes 20 ms, and live views ask each second.
    """
    found = {stage: dict(by_topic) for stage, by_topic in latency.items()}
    for figure in (slo.figure for slo in slos if slo.figure.stage):
        for stage in {figure.stage, "schedule_lag"}:
            known = found[stage].get(figure.topic)
            if known is not None and figure.kind not in known:
                value_us = stats.histogram(stage, figure.topic).figure_us(figure.kind)
                found[stage][figure.topic] = {**known, figure.kind: value_us}
    return found


def _missed(
    outcomes: Sequence[tuple[Slo, Outcome]], slow: Sequence[Slowest], linger_ms: float | None
) -> list[Reason]:
    """A reason for each objective that is missed; of a latency with what its slowest events waited for."""
    advice = {one["figure"]: slow_sentence(one, linger_ms) for one in slow}
    return [
        reason("objective_missed", "fail", sentence(outcome), advice.get(slo.figure.name, ""))
        for slo, outcome in outcomes
        if not outcome["held"]
    ]


def build(
    stats: Stats,
    recording: Recording,
    conditions: Mapping[str, Any],
    thresholds: Thresholds = DEFAULTS,
    slos: Sequence[Slo] = (),
) -> Run:
    """The run file of what was counted, with its verdict.

    Args:
        stats: everything of the whole run, of all processes. Its total "bytes" is of the measured events.
        recording: how the run went.
        conditions: what `lensload.results.environment.conditions` gives.
        thresholds: what the verdict goes by.
        slos: what was asked of the figures; one that does not hold fails the run.
    """
    linger_ms = conditions.get("configuration", {}).get("linger_ms")
    facts, counted = recording.facts, sections(stats)
    found = judged(stats, recording, thresholds, slos, linger_ms)
    client = {stage: summary(stats.histogram(stage)) for stage in librdkafka.STAGES}
    by_topic = sorted(stats.counts.items())
    run = {
        "format": FORMAT,
        **{name: found[name] for name in ("verdict", "reasons", "limited_by", "slos")},
        "started_at": datetime.fromtimestamp(facts.started_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        "measured_s": facts.measured_s,
        "cut_short": facts.cut_short,
        "embedded": facts.embedded,
        "notices": recording.notices,
        "series": recording.series,
        **({"rate_changes": recording.rate_changes} if recording.rate_changes else {}),
        "slices": recording.slices,
        "load": found["load"],
        "topics": found["topics"],
        "warmup": {topic: _warmup(counts, recording.of_topic(topic), facts) for topic, counts in by_topic},
        "client_us": client,
        "breakdown": breakdown(found["latency_us"], client),
        "responses": recording.responses,
        "groups": recording.groups,
        "slowest": found["slowest"],
        "cost": recording.costs,
        **counted,
        "conditions": conditions,
        "repeats": [],
        "intervals": {},
    }
    return cast("Run", _plain(run))


def _counts(counted: Mapping[str, int], findings: Findings | None, facts: RunFacts) -> Counts:
    """What happened to the events of a topic.

    `lost`, `corrupt` and `failed_but_delivered` are told by ids, event by event. Where nobody kept the accounts that takes,
    `lost` is acked less observed, and never below 0: an event that was written although its delivery failed is observed
    without having been acked.
    """
    counts = sums([counted])
    if not facts.accounted:
        return _unaccounted(counts, findings or Findings())
    if findings is None:
        counts["lost"] = max(0, counts["acked"] - counts["observed"])
        return counts
    counts["corrupt"] += findings.altered
    counts["lost"], counts["failed_but_delivered"] = findings.lost, findings.failed_but_delivered
    return counts


def _unaccounted(counts: Counts, findings: Findings) -> Counts:
    """What happened to the events of a topic where some process did not live to say all that it knew.

    Counts arrive each second and accounts by pages, so what the accounts lack would be taken for lost. The counts say how
    many are missing, and nobody knows whether these arrived.
    """
    counts["corrupt"] += findings.altered
    reported = counts["acked"] + counts["failed"] + counts["unflushed"]
    counts["unflushed"] += max(0, counts["produced"] - reported)
    # By an observer, of a generator that could not tell of them.
    seen_beyond = counts["observed"] - counts["acked"]
    counts["failed_but_delivered"] = max(findings.failed_but_delivered, seen_beyond, 0)
    counts["unknown"] = counts["failed_but_delivered"] - seen_beyond
    return counts


def _warmup(counts: Mapping[str, int], findings: Findings | None, facts: RunFacts) -> dict[str, int]:
    found = warmup(counts)
    if not facts.accounted:
        return found | {"lost": 0, "unknown": max(0, found.get("acked", 0) - found.get("observed", 0))}
    return found | ({} if findings is None else {"lost": findings.warmup_lost})


def _load(stats: Stats, facts: RunFacts, topics: Mapping[str, Counts]) -> Load:
    def per_s(amount: float) -> float:
        seconds = max(facts.measured_s, facts.spent_s)
        return amount / seconds if seconds > 0 else 0.0

    counts, value_bytes = sums(topics.values()), stats.totals.get("bytes", 0.0)
    # What a generator that is too slow does in the measured time is to catch up with the warm-up, and counts as its rate.
    short = min(stats.totals.get("warmup_overdue", 0.0), max(0.0, facts.due - counts["produced"]))

    def reached_per_s(name: Literal["produced", "acked", "observed"]) -> float:
        warm = sum(counts.get(WARMUP + name, 0) for counts in stats.counts.values())
        return per_s(counts[name] + min(short, warm))

    return {
        "target_per_s": facts.target_per_s,
        "achieved_per_s": reached_per_s("acked"),
        "produced_per_s": reached_per_s("produced"),
        "observed_per_s": reached_per_s("observed"),
        "mean_bytes": value_bytes / counts["produced"] if counts["produced"] else 0.0,
        "bytes_per_s": per_s(value_bytes),
    }


def _evidence(
    stats: Stats,
    recording: Recording,
    topics: Mapping[str, Counts],
    latency: Mapping[str, Mapping[str, Summary]],
    thresholds: Thresholds,
) -> Evidence:
    counts = sums(topics.values())
    all_topics = {stage: by_topic["all"] for stage, by_topic in latency.items()}
    lag = all_topics["schedule_lag"]
    latencies = Latencies(
        schedule_lag_us={name: lag[name] for name in ("p50", "p90", "p99") if lag[name] is not None},
        **_lateness(recording.series, thresholds),
        worst_lag_us=lag["max"] or 0.0,
        observer_lag=observer_lag(
            stats.histogram("ack"),
            stats.histogram("end_to_end"),
            lost=counts["lost"] + count_of(counts, "unknown"),
        ),
        end_to_end_p50_us=all_topics["end_to_end"]["p50"],
        negative_fraction=max(stage["negative"] / max(1, stage["count"]) for stage in all_topics.values()),
    )
    return Evidence(
        facts=recording.facts,
        counts=counts,
        latencies=latencies,
        totals=stats.totals,
        responses=recording.responses,
        costs=tuple(recording.costs),
    )


def _lag_share(slo: Slo, outcome: Outcome, known: Mapping[str, Any]) -> LagShare | None:
    """The generator's part of a figure that an objective limits from above; None for other figures."""
    if slo.figure.stage not in ("ack", "end_to_end") or "<" not in slo.comparison:
        return None
    lag_us, figure_us = replace(slo.figure, stage="schedule_lag").of(known), outcome["figure"]
    if lag_us is None or figure_us is None:
        return None
    return LagShare(outcome["expression"], figure_us, outcome["limit"], lag_us, outcome["held"])


def _lateness(series: Sequence[Row], thresholds: Thresholds) -> dict[str, Any]:
    """From when on the generator was behind, and for how many seconds."""
    measured = [(row, length_s) for row, length_s in with_lengths(series) if row["phase"] == "measuring"]
    late = [(row, length_s) for row, length_s in measured if thresholds.is_late(_lag_us(row))]
    if not late:
        return {}
    begun_s, late_from_s = (row["at_s"] - length_s for row, length_s in (measured[0], late[0]))
    late_s = round(sum(length_s for _, length_s in late))
    return {"late_from_s": max(0.0, late_from_s - begun_s), "late_s": late_s}


def _lag_us(row: Row) -> float:
    lag = row["latency_us"].get("schedule_lag", {})
    return lag.get("p99") or lag.get("p50") or 0.0


def _plain(value: object) -> object:
    """The same in JSON's own types: NumPy scalars unwrapped, paths as text, NaN and infinity as null."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case str() | bool() | int() | None:
            return value
        case float():
            return float(value) if isfinite(value) else None
        case Iterable():
            return [_plain(item) for item in cast("Iterable[Any]", value)]
        case _:
            unwrap = getattr(value, "item", None)
            return _plain(unwrap()) if unwrap else str(value)

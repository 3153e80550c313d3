"""How a run went, and the run that is built from it and from what was counted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final, cast

from typing_extensions import TypedDict

from lensload.delivery.reconcile import Findings
from lensload.metrics import librdkafka
from lensload.metrics.counts import Counts, Progress, sums
from lensload.metrics.histogram import Histogram
from lensload.metrics.observer_lag import observer_lag
from lensload.metrics.slices import Slice
from lensload.metrics.stages import STAGES
from lensload.metrics.stats import Tally
from lensload.results.breakdown import breakdown
from lensload.results.run import (
    FORMAT,
    ErrorCount,
    Load,
    RateChange,
    Row,
    Run,
    Summary,
    summary,
    with_lengths,
)
from lensload.verdict.evidence import Evidence, Latencies, RunFacts
from lensload.verdict.reasons import Judgement, Limit, Reason
from lensload.verdict.rules import judge
from lensload.verdict.slo import Outcome, Slo, sentence
from lensload.verdict.thresholds import DEFAULTS, Thresholds

_WARMUP: Final = "warmup_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run went, beside what was counted.

    Attributes:
        facts: what its verdict goes by.
        notices: what was worth telling while it ran, in order.
        series: one row for each second, longer ones of a long run.
        slices: the measured time and the drain in pieces that add up to what was counted.
        findings: what the accounts of the events differ in, by topic; None when nobody kept them.
        rate_changes: changes of the rate by hand.
    """

    facts: RunFacts
    notices: tuple[str, ...] = ()
    series: Sequence[Row] = ()
    slices: Sequence[Slice] = ()
    findings: Mapping[str, Findings] | None = None
    rate_changes: Sequence[RateChange] = ()

    def of_topic(self, topic: str) -> Findings | None:
        """What is known of a topic's events one by one; None when nobody kept account of them."""
        return None if self.findings is None else self.findings.get(topic, Findings())


class Judged(TypedDict):
    """What was measured, and what it is worth; the fields are those of `Run`."""

    load: Load
    topics: dict[str, Counts]
    latency_us: dict[str, dict[str, Summary]]
    verdict: Judgement
    reasons: Sequence[Reason]
    limited_by: Limit | None
    slos: list[Outcome]


def judged(
    tally: Tally, course: Course, thresholds: Thresholds = DEFAULTS, slos: Sequence[Slo] = ()
) -> Judged:
    """What was measured and what it is worth, be the run over or not; arguments as of `build`."""
    topics = {name: _ledger(tally.counts[name], course.of_topic(name)) for name in sorted(tally.counts)}
    latency = {stage: _summaries(tally, stage) for stage in STAGES}
    load = _load(tally, course.facts, topics)
    outcomes = [slo.judge({"topics": topics, "latency_us": latency, "load": load}) for slo in slos]
    missed = tuple(sentence(outcome) for outcome in outcomes if not outcome["held"])
    verdict = judge(_evidence(tally, course, topics, latency, thresholds), thresholds, missed)
    return {
        "load": load,
        "topics": topics,
        "latency_us": latency,
        "verdict": verdict.verdict,
        "reasons": verdict.reasons,
        "limited_by": verdict.limited_by,
        "slos": outcomes,
    }


def build(
    tally: Tally,
    course: Course,
    conditions: Mapping[str, Any],
    thresholds: Thresholds = DEFAULTS,
    slos: Sequence[Slo] = (),
) -> Run:
    """The run file of what was counted, with its verdict.

    Args:
        tally: everything of the whole run, of all processes. Its total "bytes" is of the measured events.
        course: how the run went.
        conditions: what `lensload.results.environment.conditions` gives.
        thresholds: what the verdict goes by.
        slos: what was asked of the figures; one that does not hold fails the run.
    """
    found = judged(tally, course, thresholds, slos)
    verdict = {name: found[name] for name in ("verdict", "reasons", "limited_by", "slos")}
    run = {**verdict, **_course(course), **found, **_rest(tally, course, found["latency_us"])}
    return cast(
        "Run", _plain({"format": FORMAT, **run, "conditions": conditions, "repeats": [], "intervals": {}})
    )


def _course(course: Course) -> dict[str, Any]:
    facts = course.facts
    return {
        "started_at": datetime.fromtimestamp(facts.started_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        "measured_s": facts.measured_s,
        "cut_short": facts.cut_short,
        "embedded": facts.embedded,
        "notices": course.notices,
        "series": course.series,
        **({"rate_changes": course.rate_changes} if course.rate_changes else {}),
        "slices": course.slices,
    }


def _rest(tally: Tally, course: Course, latency: Mapping[str, Mapping[str, Summary]]) -> dict[str, Any]:
    """What is in a run file beside its verdict, its course and its chief figures."""
    client = {stage: summary(tally.histogram(stage)) for stage in librdkafka.STAGES}
    return {
        "warmup": {name: _warmup(tally.counts[name], course.of_topic(name)) for name in sorted(tally.counts)},
        "client_us": client,
        "breakdown": breakdown(latency, client),
        "errors": _errors(tally),
        "totals": tally.totals,
        "histograms": _encoded(tally),
    }


def row(tally: Tally, *, at_s: float, phase: str, target_per_s: float, queue: int) -> Row:
    """One second of the series, from what is new in that second.

    Args:
        tally: of all processes of the run, since the last row.
        at_s: when the second ended, from the start of the schedule.
        phase: "starting", "warm-up", "measuring" or "draining".
        target_per_s: the rate asked for at that time, all workers together.
        queue: events waiting in the producers' queues.
    """
    measured = {stage: tally.histogram(stage).summary() for stage in STAGES}
    return {
        "at_s": round(at_s, 3),
        "phase": phase,
        "target_per_s": target_per_s,
        **progress(tally),
        "queue": queue,
        "latency_us": {
            stage: {"p50": found["p50"], "p99": found["p99"]}
            for stage, found in measured.items()
            if found["count"]
        },
    }


def progress(tally: Tally) -> Progress:
    """How far the events of all topics have come, those of the warm-up included."""

    def of(name: str) -> int:
        return sum(counts.get(name, 0) + counts.get(_WARMUP + name, 0) for counts in tally.counts.values())

    return {name: of(name) for name in Progress.__annotations__}  # pyright: ignore[reportReturnType]  # its names


def _ledger(counted: Mapping[str, int], findings: Findings | None) -> Counts:
    """What happened to the events of a topic.

    `lost`, corrupt and `failed_but_delivered` are told by ids, event by event. Where nobody kept the accounts that takes,
    `lost` is acked less observed, and never below 0: an event that was written although its delivery failed is observed
    without having been acked.
    """
    counts = sums([counted])
    if findings is None:
        counts["lost"] = max(0, counts["acked"] - counts["observed"])
        return counts
    counts["corrupt"] += findings.altered
    counts["lost"], counts["failed_but_delivered"] = findings.lost, findings.failed_but_delivered
    return counts


def _warmup(counts: Mapping[str, int], findings: Findings | None) -> dict[str, int]:
    warmup = {name.removeprefix(_WARMUP): n for name, n in counts.items() if name.startswith(_WARMUP)}
    return warmup if findings is None else warmup | {"lost": findings.warmup_lost}


def _summaries(tally: Tally, stage: str) -> dict[str, Summary]:
    by_topic = {topic: one for (of, topic), one in _measured(tally) if of == stage}
    return {topic: summary(one) for topic, one in {"all": tally.histogram(stage), **by_topic}.items()}


def _encoded(tally: Tally) -> dict[str, dict[str, str]]:
    encoded: dict[str, dict[str, str]] = {stage: {} for stage in STAGES}
    for (stage, topic), histogram in _measured(tally):
        encoded[stage][topic] = histogram.encoded()
    return encoded


def _measured(tally: Tally) -> list[tuple[tuple[str, str], Histogram]]:
    """The histograms that hold something, in order of stage and topic."""
    kept = [(key, one) for key, one in tally.histograms.items() if one.count and key[0] in STAGES]
    return sorted(kept, key=lambda item: (STAGES.index(item[0][0]), item[0][1]))


def _errors(tally: Tally) -> list[ErrorCount]:
    counted = sorted(tally.errors.items(), key=lambda item: (-item[1], item[0]))
    return [{"topic": topic, "error": text, "count": count} for (topic, text), count in counted]


def _load(tally: Tally, facts: RunFacts, topics: Mapping[str, Counts]) -> Load:
    def per_s(amount: float) -> float:
        seconds = max(facts.measured_s, facts.spent_s)
        return amount / seconds if seconds > 0 else 0.0

    counts, value_bytes = sums(topics.values()), tally.totals.get("bytes", 0.0)
    return {
        "target_per_s": facts.target_per_s,
        "achieved_per_s": per_s(counts["acked"]),
        "produced_per_s": per_s(counts["produced"]),
        "observed_per_s": per_s(counts["observed"]),
        "mean_bytes": value_bytes / counts["produced"] if counts["produced"] else 0.0,
        "bytes_per_s": per_s(value_bytes),
    }


def _evidence(
    tally: Tally,
    course: Course,
    topics: Mapping[str, Counts],
    latency: Mapping[str, Mapping[str, Summary]],
    thresholds: Thresholds,
) -> Evidence:
    counts, totals = sums(topics.values()), tally.totals
    lag = latency["schedule_lag"]["all"]
    whole = [by_topic["all"] for by_topic in latency.values()]
    return Evidence(
        facts=course.facts,
        counts=counts,
        latencies=Latencies(
            schedule_lag_us={name: lag[name] for name in ("p50", "p90", "p99") if lag[name] is not None},
            **_lateness(course.series, thresholds),
            worst_lag_us=lag["max"] or 0.0,
            observer_lag=observer_lag(
                tally.histogram("ack"), tally.histogram("end_to_end"), lost=counts["lost"]
            ),
            end_to_end_p50_us=latency["end_to_end"]["all"]["p50"],
            negative_fraction=max(found["negative"] / max(1, found["count"]) for found in whole),
        ),
        outage=all(totals.get(name) for name in ("producer_troubles", "observer_troubles")),
        **{
            name: int(totals.get(name, 0))
            for name in ("queue_full", "mismatched", "deleted_before_read", "read_again")
        },
    )


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

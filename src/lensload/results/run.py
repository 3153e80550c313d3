"""A run as values: what was counted and how it went, with its verdict. What a run file holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypedDict, cast

from lensload.delivery.reconcile import Findings
from lensload.metrics import librdkafka
from lensload.metrics.observer_lag import observer_lag
from lensload.metrics.slices import Block
from lensload.metrics.stats import STAGES, Histogram, Tally
from lensload.results.breakdown import Waterfall, waterfall
from lensload.verdict.rules import Evidence, Judgement, Limit, judge
from lensload.verdict.slo import Outcome, Slo, sentence
from lensload.verdict.thresholds import DEFAULTS, Thresholds

FORMAT = "lensload/run/1"

# What is counted of each topic: produced = acked + failed + unflushed, which are events whose fate was still unknown
# when the drain ended. "observed" counts distinct events, "duplicated" each further sight of one; "lost" was
# acknowledged and never seen; "corrupt" is what is no LENS event, and what was seen with another content than sent;
# "written" was told to have failed, or never told of, and seen all the same.
LEDGER = (
    "produced", "acked", "failed", "unflushed", "observed", "lost", "duplicated", "reordered", "corrupt", "written",
)  # fmt: skip
_WARMUP = "warmup_"
_EVIDENCE = (
    "produced", "acked", "failed", "observed", "lost", "duplicated", "reordered", "corrupt",
    "written",
)  # fmt: skip

Summary = dict[str, Any]


class Load(TypedDict):
    """The load of the measured time.

    `achieved_per_s` are the events that were produced and acknowledged; `bytes_per_s` and `mean_bytes` are of
    the Avro values with their Confluent framing, without keys.
    """

    target_per_s: float
    achieved_per_s: float
    produced_per_s: float
    observed_per_s: float
    mean_bytes: float
    bytes_per_s: float


class ErrorCount(TypedDict):
    """How often events of a topic failed with one error."""

    topic: str
    error: str
    count: int


class Row(TypedDict):
    """One second of a run, in a long run several; its counts are what happened in that time, warm-up included.

    `at_s` is when it ended. The next row begins there, so counts add up to the run's.
    `latency_us` gives p50 and p99 by stage, over all topics, of events that are measured: nothing in warm-up.
    """

    at_s: float
    phase: str
    target_per_s: float
    produced: int
    acked: int
    failed: int
    observed: int
    queue: int
    latency_us: dict[str, dict[str, float | None]]


class Run(TypedDict):
    """A run file's content. Names are a contract: they may be added to, never changed.

    `limited_by` is what could not keep up in an invalid run: see `lensload.verdict.rules.Verdict`.
    `repeats` and `intervals` are those of `lensload.results.merge`, where the same was run several times.
    """

    format: str
    verdict: Judgement
    reasons: list[str]
    limited_by: Limit | None
    started_at: str
    slos: list[Outcome]
    measured_s: float
    cut_short: bool
    embedded: bool
    load: Load
    topics: dict[str, dict[str, int]]
    warmup: dict[str, dict[str, int]]
    latency_us: dict[str, dict[str, Summary]]
    client_us: dict[str, Summary]
    waterfall: Waterfall | None
    errors: list[ErrorCount]
    totals: dict[str, float]
    notices: list[str]
    series: list[Row]
    blocks: list[Block]
    histograms: dict[str, dict[str, str]]
    conditions: dict[str, Any]
    repeats: list[Any]
    intervals: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a run went, beside what was counted.

    Attributes:
        started_ns: when the schedule started, wall clock, Unix nanoseconds.
        measured_s: the length of the schedule after the warm-up, as far as it got.
        spent_s: the time from the end of the warm-up until the last event was produced: longer than `measured_s`
            when the engines came late. Rates are per second of the longer of the two.
        target_per_s: the mean rate asked for in that time, all workers together.
        embedded: the cluster was librdkafka's mock.
        random_arrivals: the profile has Poisson arrivals.
        workers: how many engines shared the load.
        unflushed: events without a delivery report when the drain ended.
        observer_complete: every observer reached the ends of its partitions.
        died: one text for each process that ended before it should have.
        cut_short: somebody stopped the run before its end.
        open_ended: it had no end of its own.
        notices: what was worth telling while it ran, in order.
        series: one row for each second, longer ones of a long run.
        findings: what the accounts of the events differ in, by topic; None when nobody kept them.
        clock_step_s: by how much a clock was set, the most of all processes.
        clock_doubt_us: how far the clocks of the hosts may have been apart; 0 on one host.
        acks: which replicas had an event when it was acknowledged: "all", "1" (the leader) or "0" (none).
        blocks: the measured time and the drain in pieces that add up to what was counted.
    """

    started_ns: int
    measured_s: float
    target_per_s: float
    embedded: bool
    spent_s: float = 0.0
    random_arrivals: bool = False
    workers: int = 1
    unflushed: int = 0
    observer_complete: bool = True
    died: tuple[str, ...] = ()
    cut_short: bool = False
    open_ended: bool = False
    notices: tuple[str, ...] = ()
    series: Sequence[Row] = ()
    findings: Mapping[str, Findings] | None = None
    clock_step_s: float = 0.0
    clock_doubt_us: float = 0.0
    acks: str = "all"
    blocks: Sequence[Block] = ()


def build(
    tally: Tally,
    course: Course,
    conditions: Mapping[str, Any],
    thresholds: Thresholds = DEFAULTS,
    slos: Sequence[Slo] = (),
) -> Run:
    """The run file of what was counted, with its verdict.

    Args:
        tally: everything of the whole run, of all processes. Its total "bytes" is of the measured events;
            "queue_full" and "mismatched" go into the verdict.
        course: how the run went.
        conditions: what `lensload.results.environment.conditions` gives.
        thresholds: what the verdict goes by.
        slos: what was asked of the figures; one that does not hold fails the run.
    """
    topics = {topic: _ledger(counts, _found(course, topic)) for topic, counts in sorted(tally.counts.items())}
    latency = {stage: _summaries(tally, stage) for stage in STAGES}
    client = {stage: summary(tally.histogram(stage)) for stage in librdkafka.STAGES}
    load = _load(tally, course, topics)
    outcomes = [slo.judge({"topics": topics, "latency_us": latency, "load": load}) for slo in slos]
    missed = tuple(sentence(outcome) for outcome in outcomes if not outcome["held"])
    verdict = judge(_evidence(tally, course, topics, latency, thresholds), thresholds, missed)
    run: Run = {
        "format": FORMAT,
        "verdict": verdict.verdict,
        "reasons": list(verdict.reasons),
        "limited_by": verdict.limited_by,
        "started_at": datetime.fromtimestamp(course.started_ns / 1e9, UTC).isoformat(timespec="milliseconds"),
        "slos": outcomes,
        "measured_s": course.measured_s,
        "cut_short": course.cut_short,
        "embedded": course.embedded,
        "load": load,
        "topics": topics,
        "warmup": {
            topic: _warmup(counts, _found(course, topic)) for topic, counts in sorted(tally.counts.items())
        },
        "latency_us": latency,
        "client_us": client,
        "waterfall": waterfall(latency, client),
        "errors": _errors(tally),
        "totals": tally.totals,
        "notices": list(course.notices),
        "series": list(course.series),
        "blocks": list(course.blocks),
        "histograms": _encoded(tally),
        "conditions": dict(conditions),
        "repeats": [],
        "intervals": {},
    }
    return cast("Run", _plain(run))


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
        "produced": _with_warmup(tally, "produced"),
        "acked": _with_warmup(tally, "acked"),
        "failed": _with_warmup(tally, "failed"),
        "observed": _with_warmup(tally, "observed"),
        "queue": queue,
        "latency_us": {
            stage: {"p50": found["p50"], "p99": found["p99"]}
            for stage, found in measured.items()
            if found["count"]
        },
    }


def with_lengths(rows: Sequence[Row]) -> Iterator[tuple[Row, float]]:
    """Each row with the seconds since the row before, in which what it counts was heard of."""
    before_s = 0.0
    for row in rows:
        yield row, row["at_s"] - before_s
        before_s = row["at_s"]


def histograms(run: Run) -> dict[tuple[str, str], Histogram]:
    """The histograms of a run by (stage, topic), to be merged and compared.

    Their least and greatest values and their sums, which HDR's encoding does not keep, are those of the summaries.
    """
    found: dict[tuple[str, str], Histogram] = {}
    for stage, by_topic in run["histograms"].items():
        for topic, text in by_topic.items():
            histogram = found[stage, topic] = Histogram.from_encoded(text)
            summary = run["latency_us"][stage][topic]
            histogram.min_ns, histogram.max_ns = round(summary["min"] * 1e3), round(summary["max"] * 1e3)
            histogram.sum_ns = round(summary["mean"] * summary["count"] * 1e3)
            histogram.clamped, histogram.negative = summary["clamped"], summary["negative"]
    return found


def total(run: Run, name: str) -> int:
    """The sum over the topics of one of `LEDGER`; 0 where an older run file does not count it."""
    return sum(counts.get(name, 0) for counts in run["topics"].values())


def _ledger(counts: Mapping[str, int], found: Findings | None) -> dict[str, int]:
    """What happened to the events of a topic.

    `lost`, `altered` and `written` are told by ids, event by event. Where nobody kept the accounts that takes, `lost`
    is acked less observed, and never below 0: an event that was written although its delivery failed is observed
    without having been acked.
    """
    ledger = {name: int(counts.get(name, 0)) for name in LEDGER}
    if found is None:
        return ledger | {"lost": max(0, ledger["acked"] - ledger["observed"])}
    corrupt = ledger["corrupt"] + found.altered
    return ledger | {"lost": found.lost, "corrupt": corrupt, "written": found.written}


def _found(course: Course, topic: str) -> Findings | None:
    return None if course.findings is None else course.findings.get(topic, Findings())


def _warmup(counts: Mapping[str, int], found: Findings | None) -> dict[str, int]:
    warmup = {name.removeprefix(_WARMUP): n for name, n in counts.items() if name.startswith(_WARMUP)}
    return warmup if found is None else warmup | {"lost": found.warmup_lost}


def _with_warmup(tally: Tally, name: str) -> int:
    return sum(counts.get(name, 0) + counts.get(_WARMUP + name, 0) for counts in tally.counts.values())


def _sum(topics: Mapping[str, Mapping[str, int]], name: str) -> int:
    return sum(ledger[name] for ledger in topics.values())


def _summaries(tally: Tally, stage: str) -> dict[str, Summary]:
    by_topic = {topic: one for (of, topic), one in _measured(tally) if of == stage}
    return {topic: summary(one) for topic, one in {"all": tally.histogram(stage), **by_topic}.items()}


def summary(histogram: Histogram) -> Summary:
    """What a run file says of a histogram: see `Histogram.summary`, and what was out of range."""
    return {**histogram.summary(), "clamped": histogram.clamped, "negative": histogram.negative}


def _encoded(tally: Tally) -> dict[str, dict[str, str]]:
    encoded: dict[str, dict[str, str]] = {stage: {} for stage in STAGES}
    for (stage, topic), histogram in _measured(tally):
        encoded[stage][topic] = histogram.encoded()
    return encoded


def _measured(tally: Tally) -> list[tuple[tuple[str, str], Histogram]]:
    """The histograms that hold something, in order of stage and topic."""
    found = [(key, one) for key, one in tally.histograms.items() if one.count and key[0] in STAGES]
    return sorted(found, key=lambda item: (STAGES.index(item[0][0]), item[0][1]))


def _errors(tally: Tally) -> list[ErrorCount]:
    counted = sorted(tally.errors.items(), key=lambda item: (-item[1], item[0]))
    return [{"topic": topic, "error": text, "count": count} for (topic, text), count in counted]


def _load(tally: Tally, course: Course, topics: Mapping[str, Mapping[str, int]]) -> Load:
    def per_s(amount: float) -> float:
        seconds = max(course.measured_s, course.spent_s)
        return amount / seconds if seconds > 0 else 0.0

    produced, value_bytes = _sum(topics, "produced"), tally.totals.get("bytes", 0.0)
    return {
        "target_per_s": course.target_per_s,
        "achieved_per_s": per_s(_sum(topics, "acked")),
        "produced_per_s": per_s(produced),
        "observed_per_s": per_s(_sum(topics, "observed")),
        "mean_bytes": value_bytes / produced if produced else 0.0,
        "bytes_per_s": per_s(value_bytes),
    }


def _evidence(
    tally: Tally,
    course: Course,
    topics: Mapping[str, Mapping[str, int]],
    latency: Mapping[str, Mapping[str, Summary]],
    thresholds: Thresholds,
) -> Evidence:
    lag = latency["schedule_lag"]["all"]
    whole = [by_topic["all"] for by_topic in latency.values()]
    return Evidence(
        measured_s=course.measured_s,
        target_per_s=course.target_per_s,
        **{name: _sum(topics, name) for name in _EVIDENCE},
        schedule_lag_us={name: lag[name] for name in ("p50", "p90", "p99") if lag[name] is not None},
        negative_fraction=max(found["negative"] / max(1, found["count"]) for found in whole),
        **_lateness(course.series, thresholds.max_schedule_lag_s * 1e6),
        worst_lag_us=lag["max"] or 0.0,
        observer_lag=observer_lag(
            tally.histogram("ack"), tally.histogram("end_to_end"), lost=_sum(topics, "lost")
        ),
        acks=course.acks,
        outage=all(tally.totals.get(name) for name in ("producer_troubles", "observer_troubles")),
        gone=int(tally.totals.get("skipped_offsets", 0)),
        clock_step_s=course.clock_step_s,
        clock_doubt_us=course.clock_doubt_us,
        read_again=int(tally.totals.get("read_again", 0)),
        end_to_end_p50_us=latency["end_to_end"]["all"]["p50"],
        queue_full=int(tally.totals.get("queue_full", 0)),
        mismatched=int(tally.totals.get("mismatched", 0)),
        unflushed=course.unflushed,
        observer_complete=course.observer_complete,
        embedded=course.embedded,
        random_arrivals=course.random_arrivals,
        workers=course.workers,
        died=course.died,
        cut_short=course.cut_short,
        open_ended=course.open_ended,
    )


def _lateness(series: Sequence[Row], most_us: float) -> dict[str, Any]:
    """From when on the generator was behind, and for how many seconds."""
    measured = [(row, length_s) for row, length_s in with_lengths(series) if row["phase"] == "measuring"]
    late = [(row, length_s) for row, length_s in measured if (_lag_us(row) or 0.0) > most_us]
    if not late:
        return {}
    begun_s, late_from_s = (row["at_s"] - length_s for row, length_s in (measured[0], late[0]))
    late_s = round(sum(length_s for _, length_s in late))
    return {"late_from_s": max(0.0, late_from_s - begun_s), "late_s": late_s}


def _lag_us(row: Row) -> float | None:
    lag = row["latency_us"].get("schedule_lag", {})
    return lag.get("p99") or lag.get("p50")


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

"""A run as values: the content of a run file, and what is derived from it."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, NotRequired

from pydantic import AfterValidator, Field, GetPydanticSchema
from typing_extensions import TypedDict

from lensload.metrics.cost import ProcessCost
from lensload.metrics.counts import Counts, Progress, count_of
from lensload.metrics.groups import Group
from lensload.metrics.histogram import Histogram
from lensload.metrics.responses import Responses
from lensload.metrics.slices import Slice
from lensload.results.breakdown import Breakdown
from lensload.results.slowest import Slowest
from lensload.verdict.slo import Outcome
from lensload.verdict.verdict import Judgement, Limit, Reason

FORMAT: Final = "lensload/run/2"


class LatencySummary(TypedDict):
    """A histogram in figures, in microseconds; null where too few events support one.

    Attributes:
        count: how many events.
        clamped: how many of them were longer than an hour, which the histogram counts as an hour.
        negative: how many of them were below 0, which the histogram counts as 0.
    """

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    p999: float | None
    p9999: float | None
    max: float | None
    min: float | None
    clamped: int
    negative: int


Summary = Annotated[dict[str, Any], GetPydanticSchema(lambda _, handler: handler(LatencySummary))]
"""`LatencySummary`, for whoever asks for figures by name."""


def _with_all(by_topic: dict[str, Summary]) -> dict[str, Summary]:
    if "all" not in by_topic:
        raise ValueError("it has no summary of all topics")
    return by_topic


ByTopic = Annotated[
    dict[str, Summary], AfterValidator(_with_all), Field(json_schema_extra={"required": ["all"]})
]
"""Summaries by topic, and "all" of them together."""


class Load(TypedDict):
    """The load of the measured time. If a generator was too slow, the events of the warm-up that it produced later count too.

    Attributes:
        target_per_s: the mean rate of the schedule; without a schedule (--rate max), the rate that was made.
        achieved_per_s: acknowledged events per second.
        produced_per_s: produced events per second.
        observed_per_s: observed events per second.
        mean_bytes: the mean size of a value: Avro with Confluent's five bytes, without the key.
        bytes_per_s: such bytes per second.
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


class Row(Progress):
    """One second of a run's schedule (several in a long run), and what became of the events that were due in it.

    An event counts in the row in which it was due, however late it was acknowledged or read; events of the warm-up count
    too. In files of earlier versions a row counts what happened in its time.

    Attributes:
        at_s: when it ended, from the start of the schedule. The next row begins there, so counts add up to the run's.
        phase: "warm-up" or "measuring"; in files of earlier versions "draining" too.
        target_per_s: the mean rate that the schedule asked for.
        queue: how many events waited in the producers' queues.
        latency_us: p50, p99 and max by stage, over all topics; empty in the warm-up, whose events have no latencies.
    """

    at_s: float
    phase: str
    target_per_s: float
    queue: int
    latency_us: dict[str, dict[str, float | None]]


class RateChange(TypedDict):
    """The rate was changed by hand while the run was on.

    Attributes:
        at_s: when, from the start of the schedule.
        rate_per_s: the rate from then on, before the profile; null: the rate was handed back to the configuration or to
            Locust's users.
        took_s: how long it took until all workers followed it; null: one did not answer before the next change.
    """

    at_s: float
    rate_per_s: float | None
    took_s: float | None


class Repeat(TypedDict):
    """One of several runs that were merged.

    Attributes:
        run_file: the name of its own file.
        latency_us: its latencies by stage, all topics together.
    """

    run_file: str
    verdict: Judgement
    started_at: str
    load: Load
    latency_us: dict[str, Summary]


class Confidence(TypedDict):
    """A confidence interval of a figure.

    Attributes:
        figure_us: the middle of the interval.
        method: "runs", from how several runs differ, or "blocks", from how the slices of one do.
    """

    figure_us: float
    low_us: float
    high_us: float
    level: float
    method: str


class Run(TypedDict):
    """The content of a run file. Within a format, names may be added and never changed.

    Attributes:
        format: "lensload/run/2".
        verdict: "pass" (without an objective in `slos` it says only that every event was acknowledged and arrived), "fail"
            (the figures are valid, and miss what was asked for) or "invalid" (do not use the figures).
        reasons: why, the most severe first; programs use their `code`.
        limited_by: what could not keep up with the rate of an invalid run ("generator" or "cluster"); what kept a valid run
            with --rate max from being faster ("generator", "client", "broker" or "observer"); else null.
        started_at: when the schedule started, ISO 8601, UTC.
        slos: how each objective (--slo) turned out.
        measured_s: the length of the schedule after the warm-up, up to where the run was stopped.
        cut_short: somebody stopped the run before its end.
        embedded: the cluster was librdkafka's mock broker, in the coordinator's process.
        load: rates and sizes of the measured time.
        topics: what happened to the measured events, by topic.
        warmup: the same of the events due in the warm-up, as far as it is known.
        latency_us: a summary by stage and topic; the topic "all" is all of them together.
        brokers: a summary of `ack` and `end_to_end` by the number of the broker that led an event's partition when it was
            due; missing if there is one broker, and in files of earlier versions.
        client_us: summaries of librdkafka's own windows (queue, output_buffer, round_trip, throttle).
        breakdown: where the mean time from due to seen went; null where nothing was seen.
        responses: what became of the requests to a service under test; null if lensload wrote the responses itself.
        groups: the consumer groups that were watched, by name.
        slowest: where the time of the slowest events went, for end-to-end p99 and each latency objective that is missed;
            missing in files of earlier versions.
        cost: what each process of the run used of its machine; missing in files of earlier versions.
        errors: how often events failed with which error, the most frequent first.
        totals: numbers that are added over processes, such as bytes, queue_full, deleted_before_read and read_again.
        notices: the notices of the run, in order.
        series: the run by time, one row per second, or longer rows in a long run.
        rate_changes: changes of the rate by hand, in order, the last thousand; missing where there were none.
        slices: the measured time in pieces, each with what became of the events due in it and their histograms; they add up
            to the run.
        histograms: HDR histograms by stage and topic (of `ack_by_leader` and `end_to_end_by_leader` by broker), in nanoseconds, compressed (V2) and in base64.
        conditions: versions, machine, configuration without secrets, cluster, seed.
        repeats: in a file that merges several runs, each of them.
        intervals: in such a file, the confidence intervals by stage, topic and statistic.
    """

    format: str
    verdict: Judgement
    reasons: list[Reason]
    limited_by: Limit | None
    started_at: str
    slos: list[Outcome]
    measured_s: float
    cut_short: bool
    embedded: bool
    load: Load
    topics: dict[str, Counts]
    warmup: dict[str, dict[str, int]]
    latency_us: dict[str, ByTopic]
    brokers: NotRequired[dict[str, dict[str, Summary]]]
    client_us: dict[str, Summary]
    breakdown: Breakdown | None
    responses: NotRequired[Responses | None]
    groups: NotRequired[dict[str, Group]]
    slowest: NotRequired[list[Slowest]]
    cost: NotRequired[list[ProcessCost]]
    errors: list[ErrorCount]
    totals: dict[str, float]
    notices: list[str]
    series: list[Row]
    rate_changes: NotRequired[list[RateChange]]
    slices: list[Slice]
    histograms: dict[str, dict[str, str]]
    conditions: dict[str, Any]
    repeats: list[Repeat]
    intervals: dict[str, dict[str, dict[str, Confidence]]]


def with_lengths(rows: Sequence[Row]) -> Iterator[tuple[Row, float]]:
    """Each row with the seconds since the row before, in which the events that it counts were due."""
    before_s = 0.0
    for row in rows:
        yield row, row["at_s"] - before_s
        before_s = row["at_s"]


def is_flat_out(run: Run) -> bool:
    """Whether there was no schedule, but as many events as acknowledgements allowed (--rate max, --user-rate max)."""
    configured = run["conditions"].get("configuration", {})
    return "max" in (configured.get("rate"), configured.get("user_rate"))


def objective_count(run: Run) -> int:
    """How many objectives were set; of merged runs, of each."""
    return len(run["slos"] or run["conditions"].get("configuration", {}).get("slo") or ())


def total(run: Run, name: str) -> int:
    """The sum over the topics of one of the counts."""
    return sum(count_of(counts, name) for counts in run["topics"].values())


def summary(histogram: Histogram) -> Summary:
    """What a run file says of a histogram: see `Histogram.summary`, and what was out of range."""
    return {**histogram.summary(), "clamped": histogram.clamped, "negative": histogram.negative}

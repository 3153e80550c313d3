"""What was counted in a run as sections of its file, and the stats that such sections were made of."""

from collections.abc import Mapping
from typing import Any, NotRequired

from typing_extensions import TypedDict

from lensload.metrics.counts import COUNTS, count_of
from lensload.metrics.histogram import Histogram
from lensload.metrics.leaders import BY_LEADER
from lensload.metrics.stages import STAGES
from lensload.metrics.stats import Stats
from lensload.results.run import ErrorCount, Run, Summary, summary

WARMUP = "warmup_"
"""The beginning of the names under which the stats count the events of the warm-up."""


class Counted(TypedDict):
    """The sections of a run file that the stats alone decide."""

    latency_us: dict[str, dict[str, Summary]]
    brokers: NotRequired[dict[str, dict[str, Summary]]]
    errors: list[ErrorCount]
    totals: dict[str, float]
    histograms: dict[str, dict[str, str]]


def sections(stats: Stats) -> Counted:
    """Latencies as summaries and as histograms, errors from the most frequent on, and totals."""
    errors = sorted(stats.errors.items(), key=lambda item: (-item[1], item[0]))
    by_broker = brokers(stats)
    stages = (*STAGES, *BY_LEADER.values()) if by_broker else STAGES
    histograms = {stage: _by_topic(stats, stage) for stage in stages}
    found: Counted = {
        "latency_us": summaries(stats),
        "errors": [{"topic": topic, "error": text, "count": count} for (topic, text), count in errors],
        "totals": stats.totals,
        "histograms": {
            stage: {topic: one.encoded() for topic, one in by_topic.items()}
            for stage, by_topic in histograms.items()
        },
    }
    return {**found, "brokers": by_broker} if by_broker else found


def summaries(stats: Stats) -> dict[str, dict[str, Summary]]:
    """Latencies by stage and topic, and of all topics together."""
    return {
        stage: {
            "all": summary(stats.histogram(stage)),
            **{topic: summary(one) for topic, one in _by_topic(stats, stage).items()},
        }
        for stage in STAGES
    }


def brokers(stats: Stats) -> dict[str, dict[str, Summary]]:
    """Latencies by broker and stage; nothing where they were not told apart."""
    found: dict[str, dict[str, Summary]] = {}
    for stage, by_leader in BY_LEADER.items():
        for broker, one in _by_topic(stats, by_leader).items():
            found.setdefault(broker, {})[stage] = summary(one)
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def warmup(counts: Mapping[str, int]) -> dict[str, int]:
    """What the stats counted of a topic in the warm-up."""
    return {name.removeprefix(WARMUP): n for name, n in counts.items() if name.startswith(WARMUP)}


def stats_of(run: Run) -> Stats:
    """What a run file says was counted. Its histograms are decoded here: keep the stats rather than ask again.

    The least and greatest values and the sums, which HDR's encoding does not keep, are those of the summaries.

    Raises:
        UsageError: the file is damaged.
    """
    stats = Stats(totals=dict(run["totals"]))
    for topic, counts in run["topics"].items():
        for name in COUNTS:
            stats.count(topic, name, count_of(counts, name))
        for name, n in run["warmup"].get(topic, {}).items():
            stats.count(topic, WARMUP + name, n)
    for error in run["errors"]:
        stats.error(error["topic"], error["error"], error["count"])
    stage_of = {by_leader: stage for stage, by_leader in BY_LEADER.items()}
    for stage, by_topic in run["histograms"].items():
        for topic, text in by_topic.items():
            figures = (
                run.get("brokers", {})[topic][stage_of[stage]]
                if stage in stage_of
                else run["latency_us"][stage][topic]
            )
            stats.histograms[stage, topic] = _decoded(text, figures)
    return stats


def _by_topic(stats: Stats, stage: str) -> dict[str, Histogram]:
    """The histograms of a stage that hold something, in the order of their topics."""
    topics = sorted(topic for its_stage, topic in stats.histograms if its_stage == stage)
    return {topic: one for topic in topics if (one := stats.histograms[stage, topic]).count}


def _decoded(text: str, figures: Mapping[str, Any]) -> Histogram:
    histogram = Histogram.from_encoded(text)
    histogram.min_ns, histogram.max_ns = round(figures["min"] * 1e3), round(figures["max"] * 1e3)
    histogram.sum_ns = round(figures["mean"] * figures["count"] * 1e3)
    histogram.clamped, histogram.negative = figures["clamped"], figures["negative"]
    return histogram

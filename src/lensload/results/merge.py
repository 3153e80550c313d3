"""Several runs of the same thing as one: what was counted adds up, and how the figures differ says how certain they are."""

from collections.abc import Sequence
from typing import Final, cast

from lensload.metrics import confidence, cost, slices
from lensload.metrics.counts import sums
from lensload.metrics.histogram import Histogram
from lensload.metrics.responses import RESPONSE_COUNTS, Responses
from lensload.metrics.stats import Stats
from lensload.results import series
from lensload.results.breakdown import breakdown
from lensload.results.counted import sections, stats_of, warmup
from lensload.results.run import Confidence, Load, Repeat, Run, Summary, summary
from lensload.results.slowest import slowest_of_all
from lensload.verdict.verdict import Reason, gravest_first, reason, worst

STATISTICS: Final = ("mean", "p50", "p90", "p99", "p999")
STAGES_WITH_INTERVALS: Final = ("schedule_lag", "serialize", "ack", "end_to_end")
RUN_AGAIN: Final = "See the errors of the others for why, and run all again."


Intervals = dict[str, dict[str, dict[str, Confidence]]]


def intervals(all_stats: Sequence[Stats]) -> Intervals:
    """The intervals of `STATISTICS` by stage and topic, "all" among them, from what several runs counted.

    A figure that a run has too few samples for has none.
    """
    by_stage: Intervals = {}
    topics = ("all", *sorted({topic for stats in all_stats for topic in stats.counts}))
    for stage in STAGES_WITH_INTERVALS:
        for topic in topics:
            of_topic = _of_histograms([stats.histogram(stage, topic) for stats in all_stats])
            if of_topic:
                by_stage.setdefault(stage, {})[topic] = of_topic
    return by_stage


def merged(runs: Sequence[Run], files: Sequence[str], asked: int) -> Run:
    """All runs as one run file, with `repeats` and `intervals`.

    Its verdict is the worst of theirs; fewer runs than were asked for make it invalid. Latencies are of all their
    events together, and times of rows and slices go on from run to run.

    Args:
        runs: at least one, in order.
        files: the name of each one's own file.
        asked: how many there should have been.
    """
    first, reasons = runs[0], _reasons(runs, asked)
    all_stats, together = [stats_of(run) for run in runs], Stats()
    for stats in all_stats:
        together.add(stats)
    counted, pieces = sections(together), slices.joined([run["slices"] for run in runs])
    client: dict[str, Summary] = {name: _client(runs, name) for name in first["client_us"]}
    topics = {topic: sums([together.counts[topic]]) for topic in first["topics"]}
    return {
        **first,
        **counted,
        "verdict": worst(reasons),
        "reasons": reasons,
        "limited_by": next((run["limited_by"] for run in runs if run["limited_by"]), None),
        "measured_s": sum(run["measured_s"] for run in runs),
        "cut_short": any(run["cut_short"] for run in runs),
        "load": _load(runs),
        "topics": topics,
        "warmup": {topic: warmup(together.counts[topic]) for topic in first["topics"]},
        "client_us": client,
        "breakdown": breakdown(counted["latency_us"], client),
        "responses": _responses(runs),
        "groups": {},
        "notices": [f"repeat {n}: {text}" for n, run in enumerate(runs, 1) for text in run["notices"]],
        "series": series.joined([run["series"] for run in runs]),
        "slices": pieces.finished(),
        "slowest": slowest_of_all(pieces.coarse(), {**counted, "topics": topics}, runs),
        "cost": cost.together([run.get("cost", []) for run in runs]),
        "slos": [],
        "repeats": [_repeat(run, file) for run, file in zip(runs, files, strict=True)],
        "intervals": intervals(all_stats),
    }


def _reasons(runs: Sequence[Run], asked: int) -> list[Reason]:
    """Those of all runs, each with the number of its own; a repeat that is missing comes first."""
    missing = f"Only {len(runs)} of {asked} repeats were run."
    short = [reason("repeats_missing", "invalid", missing, RUN_AGAIN)] if len(runs) < asked else []
    numbered: list[Reason] = [
        {**one, "text": f"Repeat {n}: {one['text']}"}
        for n, run in enumerate(runs, 1)
        for one in run["reasons"]
    ]
    return gravest_first([*short, *numbered])


def _of_histograms(each: Sequence[Histogram]) -> dict[str, Confidence]:
    """The intervals of statistics that all of the histograms carry."""
    intervals = {name: confidence.interval(each, name) for name in STATISTICS}
    return {
        name: {
            "figure_us": one.figure / 1e3,
            "low_us": one.low / 1e3,
            "high_us": one.high / 1e3,
            "level": one.level,
            "method": one.method,
        }
        for name, one in intervals.items()
        if one is not None
    }


def _client(runs: Sequence[Run], name: str) -> Summary:
    """Means and greatest values; librdkafka's percentiles cannot be merged once they stand alone."""
    told = [run["client_us"][name] for run in runs if run["client_us"].get(name, {}).get("count")]
    count = sum(one["count"] for one in told)
    mean = sum(one["mean"] * one["count"] for one in told) / count if count else None
    return {
        **summary(Histogram()),
        "count": count,
        "mean": mean,
        "max": max((one["max"] for one in told), default=None),
        "min": min((one["min"] for one in told), default=None),
    }


def _load(runs: Sequence[Run]) -> Load:
    """Rates are means over all measured time."""
    spent_s = sum(run["measured_s"] for run in runs)

    def mean(name: str) -> float:
        weighted = (cast("dict[str, float]", run["load"])[name] * run["measured_s"] for run in runs)
        return sum(weighted) / spent_s if spent_s else 0.0

    load = {name: mean(name) for name in Load.__annotations__}
    load["mean_bytes"] = load["bytes_per_s"] / load["produced_per_s"] if load["produced_per_s"] else 0.0
    return cast("Load", load)


def _responses(runs: Sequence[Run]) -> Responses | None:
    """The counts of all runs; where the time went is said of each run alone."""
    found = [one for run in runs if (one := run.get("responses"))]
    if not found:
        return None
    counts = {name: sum(cast("dict[str, int]", one)[name] for one in found) for name in RESPONSE_COUNTS}
    return cast("Responses", {**counts, "breakdown": None, "reception": None})


def _repeat(run: Run, file: str) -> Repeat:
    return {
        "run_file": file,
        "verdict": run["verdict"],
        "started_at": run["started_at"],
        "load": run["load"],
        "latency_us": {stage: by_topic["all"] for stage, by_topic in run["latency_us"].items()},
    }

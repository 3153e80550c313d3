"""Several runs of the same thing as one: what was counted adds up, and how the figures differ says how certain they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

from lensload.metrics import confidence, slices
from lensload.metrics.counts import sums
from lensload.metrics.histogram import Histogram
from lensload.metrics.stages import STAGES
from lensload.results import series
from lensload.results.breakdown import breakdown
from lensload.results.run import Confidence, ErrorCount, Load, Repeat, Run, Summary, histograms, summary
from lensload.verdict.reasons import Reason, gravest_first, reason, worst

STATISTICS: Final = ("mean", "p50", "p90", "p99", "p999")
STAGES_WITH_INTERVALS: Final = ("schedule_lag", "serialize", "ack", "end_to_end")


Intervals = dict[str, dict[str, dict[str, Confidence]]]


def intervals(runs: Sequence[Run]) -> Intervals:
    """The intervals of `STATISTICS` by stage and topic, "all" among them: from several runs, or from one's blocks.

    A figure that a run has too few samples for has none.
    """
    found: Intervals = {}
    for stage in STAGES_WITH_INTERVALS:
        for topic in ("all", *sorted({topic for run in runs for topic in run["topics"]})):
            told = _of_stage([_blocked(run, stage, topic) for run in runs])
            if told:
                found.setdefault(stage, {})[topic] = told
    return found


def merged(runs: Sequence[Run], files: Sequence[str], asked: int) -> Run:
    """All runs as one run file, with `repeats` and `intervals`.

    Its verdict is the worst of theirs; fewer runs than were asked for make it invalid. Latencies are of all their
    events together, and times of rows and blocks go on from run to run.

    Args:
        runs: at least one, in order.
        files: the name of each one's own file.
        asked: how many there should have been.
    """
    first, reasons = runs[0], _reasons(runs, asked)
    together = _histograms(runs)
    latency = {stage: _summaries(stage, together) for stage in STAGES}
    client: dict[str, Summary] = {name: _client(runs, name) for name in first["client_us"]}
    return {
        **first,
        "verdict": worst(reasons),
        "reasons": reasons,
        "limited_by": next((run["limited_by"] for run in runs if run["limited_by"]), None),
        "measured_s": sum(run["measured_s"] for run in runs),
        "cut_short": any(run["cut_short"] for run in runs),
        "load": _load(runs),
        "topics": {name: sums(_of_topic(runs, "topics", name)) for name in first["topics"]},
        "warmup": {name: _added(_of_topic(runs, "warmup", name)) for name in first["warmup"]},
        "latency_us": latency,
        "client_us": client,
        "breakdown": breakdown(latency, client),
        "errors": _errors(runs),
        "totals": _added([run["totals"] for run in runs]),
        "notices": [f"repeat {n}: {text}" for n, run in enumerate(runs, 1) for text in run["notices"]],
        "series": series.joined([run["series"] for run in runs]),
        "slices": slices.joined([run["slices"] for run in runs]),
        "histograms": {
            stage: {topic: one.encoded() for (of, topic), one in together.items() if of == stage}
            for stage in STAGES
        },
        "slos": [],
        "repeats": [_repeat(run, file) for run, file in zip(runs, files, strict=True)],
        "intervals": intervals(runs),
    }


def _reasons(runs: Sequence[Run], asked: int) -> list[Reason]:
    """Those of all runs, each with the number of its own; a repeat that is missing comes first."""
    missing = f"Only {len(runs)} of {asked} repeats were run."
    short = [reason("repeats_missing", "invalid", missing)] if len(runs) < asked else []
    numbered: list[Reason] = [
        {**one, "text": f"Repeat {n}: {one['text']}"}
        for n, run in enumerate(runs, 1)
        for one in run["reasons"]
    ]
    return gravest_first([*short, *numbered])


def _of_stage(blocked: Sequence[confidence.Blocked]) -> dict[str, Confidence]:
    found = {
        name: confidence.interval(blocked, name)
        for name in STATISTICS
        if all(one.whole.count for one in blocked)
    }
    return {
        name: {
            "figure_us": one.figure / 1e3,
            "low_us": one.low / 1e3,
            "high_us": one.high / 1e3,
            "level": one.level,
            "method": one.method,
        }
        for name, one in found.items()
        if one is not None
    }


def _blocked(run: Run, stage: str, topic: str) -> confidence.Blocked:
    """A run's latencies; as a whole, for between several runs their own spread is what counts."""
    together = Histogram()
    for (its_stage, its_topic), histogram in histograms(run).items():
        if its_stage == stage and topic in ("all", its_topic):
            together.add(histogram)
    return confidence.Blocked.of(together)


def _histograms(runs: Sequence[Run]) -> dict[tuple[str, str], Histogram]:
    found: dict[tuple[str, str], Histogram] = {}
    for run in runs:
        for key, histogram in histograms(run).items():
            found.setdefault(key, Histogram()).add(histogram)
    return found


def _summaries(stage: str, together: Mapping[tuple[str, str], Histogram]) -> dict[str, Summary]:
    every, by_topic = Histogram(), {topic: one for (of, topic), one in together.items() if of == stage}
    for histogram in by_topic.values():
        every.add(histogram)
    return {"all": summary(every), **{topic: summary(one) for topic, one in by_topic.items()}}


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


def _of_topic(
    runs: Sequence[Run], section: Literal["topics", "warmup"], topic: str
) -> list[Mapping[str, Any]]:
    return [cast("Mapping[str, Mapping[str, Any]]", run[section]).get(topic, {}) for run in runs]


def _added(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sums of numbers by name."""
    names = dict.fromkeys(name for numbers in each for name in numbers)
    return {name: sum(numbers.get(name, 0) for numbers in each) for name in names}


def _errors(runs: Sequence[Run]) -> list[ErrorCount]:
    counted: dict[tuple[str, str], int] = {}
    for run in runs:
        for error in run["errors"]:
            key = error["topic"], error["error"]
            counted[key] = counted.get(key, 0) + error["count"]
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    return [{"topic": topic, "error": text, "count": count} for (topic, text), count in ordered]


def _repeat(run: Run, file: str) -> Repeat:
    return {
        "run_file": file,
        "verdict": run["verdict"],
        "started_at": run["started_at"],
        "load": run["load"],
        "latency_us": {stage: by_topic["all"] for stage, by_topic in run["latency_us"].items()},
    }

"""Several runs of the same thing as one: what was counted adds up, and how the figures differ says how certain they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, cast

from lensload.metrics import confidence, slices
from lensload.metrics.histogram import Histogram
from lensload.metrics.stages import STAGES
from lensload.results import series
from lensload.results.breakdown import waterfall
from lensload.results.run import LEDGER, Run, Summary, histograms, summary
from lensload.verdict.rules import Judgement

STATISTICS: Final = ("mean", "p50", "p90", "p99", "p999")
STAGES_WITH_INTERVALS: Final = ("schedule_lag", "serialize", "ack", "end_to_end")
_WORST: Final[tuple[Judgement, ...]] = ("pass", "fail", "invalid")


class Repeat(TypedDict):
    """One of the runs: where its own file is, and what its figures were."""

    run_file: str
    verdict: Judgement
    started_at: str
    load: Mapping[str, float]
    latency_us: dict[str, Summary]


class Confidence(TypedDict):
    """The interval that holds a figure at a level of confidence, in microseconds; `figure_us` is its middle."""

    figure_us: float
    low_us: float
    high_us: float
    level: float
    method: str


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
    first, verdict = runs[0], max((run["verdict"] for run in runs), key=_WORST.index)
    short = [f"Only {len(runs)} of {asked} repeats were run."] if len(runs) < asked else []
    together = _histograms(runs)
    latency = {stage: _summaries(stage, together) for stage in STAGES}
    client: dict[str, Summary] = {name: _client(runs, name) for name in first["client_us"]}
    whole: dict[str, Any] = {
        **first,
        "verdict": "invalid" if short else verdict,
        "reasons": [
            *short,
            *(f"Repeat {n}: {text}" for n, run in enumerate(runs, 1) for text in run["reasons"]),
        ],
        "limited_by": next((run["limited_by"] for run in runs if run["limited_by"]), None),
        "measured_s": sum(run["measured_s"] for run in runs),
        "cut_short": any(run["cut_short"] for run in runs),
        "load": _load(runs),
        "topics": {name: _counts(runs, "topics", name) for name in first["topics"]},
        "warmup": {name: _counts(runs, "warmup", name) for name in first["warmup"]},
        "latency_us": latency,
        "client_us": client,
        "waterfall": waterfall(latency, client),
        "errors": _errors(runs),
        "totals": _totals(runs),
        "notices": [f"repeat {n}: {text}" for n, run in enumerate(runs, 1) for text in run["notices"]],
        "series": series.joined([run["series"] for run in runs]),
        "blocks": slices.joined([run["blocks"] for run in runs]),
        "histograms": {
            stage: {topic: one.encoded() for (of, topic), one in together.items() if of == stage}
            for stage in STAGES
        },
        "slos": [],
        "repeats": [_repeat(run, file) for run, file in zip(runs, files, strict=True)],
        "intervals": intervals(runs),
    }
    return cast("Run", whole)


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


def _load(runs: Sequence[Run]) -> dict[str, float]:
    """Rates are means over all measured time."""
    spent_s = sum(run["measured_s"] for run in runs)
    loads = [cast("dict[str, float]", run["load"]) for run in runs]
    mean = {
        name: sum(load[name] * run["measured_s"] for load, run in zip(loads, runs, strict=True)) / spent_s
        if spent_s
        else 0.0
        for name in loads[0]
        if name != "mean_bytes"
    }
    bytes_an_event = mean["bytes_per_s"] / mean["produced_per_s"] if mean["produced_per_s"] else 0.0
    return {**mean, "mean_bytes": bytes_an_event}


def _counts(runs: Sequence[Run], section: str, topic: str) -> dict[str, int]:
    every = [cast("dict[str, dict[str, int]]", run[section]).get(topic, {}) for run in runs]  # pyright: ignore[reportTypedDictNotRequiredAccess]
    names = dict.fromkeys([*LEDGER, *(name for counts in every for name in counts)])
    return {name: sum(counts.get(name, 0) for counts in every) for name in names}


def _errors(runs: Sequence[Run]) -> list[dict[str, Any]]:
    counted: dict[tuple[str, str], int] = {}
    for run in runs:
        for error in run["errors"]:
            key = error["topic"], error["error"]
            counted[key] = counted.get(key, 0) + error["count"]
    ordered = sorted(counted.items(), key=lambda item: -item[1])
    return [{"topic": topic, "error": text, "count": count} for (topic, text), count in ordered]


def _totals(runs: Sequence[Run]) -> dict[str, float]:
    names = dict.fromkeys(name for run in runs for name in run["totals"])
    return {name: sum(run["totals"].get(name, 0) for run in runs) for name in names}


def _repeat(run: Run, file: str) -> Repeat:
    return {
        "run_file": file,
        "verdict": run["verdict"],
        "started_at": run["started_at"],
        "load": cast("Mapping[str, float]", run["load"]),
        "latency_us": {stage: by_topic["all"] for stage, by_topic in run["latency_us"].items()},
    }

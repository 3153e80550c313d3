"""The tables of a run as values: every report shows these, each in its own way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, cast

from lensload.metrics import percentiles
from lensload.metrics.counts import COUNTS, count_of
from lensload.metrics.stages import MEANINGS
from lensload.report.statistics import statistics_of
from lensload.report.units import MISSING, STAGE_NAMES, STATISTIC_NAMES, latency, per_s, percent
from lensload.results.breakdown import PLACES, Breakdown
from lensload.results.run import Run, is_flat_out, total
from lensload.verdict.figures import latency_us, shown
from lensload.verdict.slo import Outcome

_BAD = ("failed", "unflushed", "lost", "unknown", "duplicated", "corrupt")


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown, and the figure that it rounds; `bad`: it should be 0 and is not, or differs between runs."""

    text: str
    value: float | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; the first cell of each row is its name."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @classmethod
    def of(cls, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Self:
        """A table of texts alone."""
        return cls(heads, [[Cell(text) for text in row] for row in rows])

    @property
    def texts(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[cell.text for cell in row] for row in self.rows]

    @property
    def incomplete(self) -> bool:
        """A figure is missing."""
        return any(cell.text == MISSING for row in self.rows for cell in row)


def load_line(run: Run) -> str:
    """The rate that was reached, of which target, for how long."""
    achieved, target = run["load"]["achieved_per_s"], run["load"]["target_per_s"]
    of_target = f" of {per_s(target)} asked for ({percent(achieved, target)})"
    asked = ", as fast as acknowledgements allowed" if is_flat_out(run) else of_target
    return f"{per_s(achieved)} events/s achieved{asked}, {run['measured_s']:,.1f} s measured"


def latency_table(run: Run, statistics: Sequence[str] = tuple(STATISTIC_NAMES)) -> Table:
    """The stages of a run that measured anything, all topics together."""
    places = {STAGE_NAMES.get(stage, stage): (stage, "all") for stage in run["latency_us"]}
    return _latencies(run, "stage", places, statistics)


def parts_line(fall: Breakdown) -> str:
    """Where the mean time went, place by place."""
    spent = cast("Mapping[str, float | None]", fall)
    parts = [f"{place} {latency(spent[f'{place}_us'])}" for place in PLACES]
    return f"Of {latency(fall['end_to_end_us'])} from due to seen (mean): {', '.join(parts)}."


def counted_line(run: Run) -> str:
    """Why stages have other numbers of events than were acknowledged; empty where none has."""
    counts = {stage: by_topic.get("all", {}).get("count") for stage, by_topic in run["latency_us"].items()}
    others = [
        f"{stage.label} counts {stage.counted}"
        for name, stage in MEANINGS.items()
        if stage.counted and counts.get(name) and counts[name] != counts.get("ack")
    ]
    return f"Other numbers of events: {'; '.join(others)}." if others else ""


def topic_table(run: Run, stage: str) -> Table:
    """The topics of a run at one stage, and all together."""
    by_topic = run["latency_us"].get(stage, {})
    topics = [topic for topic in run["topics"] if topic in by_topic]
    names = topics if len(topics) == 1 else [*topics, "all"]
    return _latencies(run, "topic", {name: (stage, name) for name in names}, tuple(STATISTIC_NAMES))


def pair_table(run: Run) -> Table:
    """The topics by stage in pairs: p50, and the highest statistic that most topics have enough events for.

    Schedule lag is left out: it belongs to the generator, whatever the topic.
    """
    heads, columns = ["topic"], list[list[Cell]]()
    for stage, by_topic in run["latency_us"].items():
        if stage == "schedule_lag" or len(by_topic) <= 2:
            continue
        summaries = [by_topic.get(topic) for topic in run["topics"]]
        high = _carried([summary for summary in summaries if summary])
        heads.append(f"{STAGE_NAMES.get(stage, stage)} p50/{high}")
        columns.append([_pair(summary, high) for summary in summaries])
    return Table(
        heads, [[Cell(topic), *row] for topic, *row in zip(run["topics"], *columns, strict=True) if row]
    )


def _carried(summaries: Sequence[Mapping[str, float | None]]) -> str:
    """The highest statistic that most of them have."""
    most = len(summaries) / 2
    return next(
        (name for name in ("p99", "p90") if sum(one[name] is not None for one in summaries) > most), "max"
    )


def _pair(summary: Mapping[str, float | None] | None, high: str) -> Cell:
    return Cell(f"{latency(summary['p50']):>7} / {latency(summary[high]):>7}" if summary else MISSING)


def _latencies(
    run: Run, first: str, places: Mapping[str, tuple[str, str]], statistics: Sequence[str]
) -> Table:
    """A row for each stage and topic of `places` that measured anything, by the name that it is shown under."""
    names = statistics_of(run, statistics)
    rows: list[list[Cell]] = []
    for name, (stage, topic) in places.items():
        if count := run["latency_us"].get(stage, {}).get(topic, {}).get("count"):
            figures = [latency_us(run, stage, topic, statistic) for statistic in names]
            rows.append([Cell(name), _count(count), *(Cell(latency(figure), figure) for figure in figures)])
    return Table([first, "events", *map(percentiles.shown, names)], rows)


def broker_table(run: Run) -> Table:
    """The brokers of a run, by the partitions that each led when their events were due; no rows where there is one."""
    stages, statistics = ("ack", "end_to_end"), ("p50", "p99", "max")
    heads = [f"{STAGE_NAMES[stage]} {STATISTIC_NAMES[name]}" for stage in stages for name in statistics]
    rows: list[list[Cell]] = []
    for broker, by_stage in run.get("brokers", {}).items():
        figures = [by_stage.get(stage, {}).get(name) for stage in stages for name in statistics]
        counted = _count(by_stage.get("ack", {}).get("count", 0))
        rows.append([Cell(broker), counted, *(Cell(latency(figure), figure) for figure in figures)])
    return Table(["broker", "acked", *heads], rows)


def counts_table(run: Run, names: Sequence[str] = COUNTS) -> Table:
    """What happened to the events of each topic, and of all together."""
    rows = [
        [Cell(topic), *(_count(count_of(counts, name), name) for name in names)]
        for topic, counts in run["topics"].items()
    ]
    if len(rows) != 1:
        rows.append([Cell("all"), *(_count(total(run, name), name) for name in names)])
    return Table(["topic", *names], rows)


def _count(count: int, name: str = "") -> Cell:
    return Cell(f"{count:,}", count, bad=name in _BAD and count > 0)


def objective_table(run: Run) -> Table:
    """Each objective, with its figure or why there is none, and how far that is on the good side of the limit."""
    return Table(["objective", "", "measured", "margin"], [_objective(outcome) for outcome in run["slos"]])


def _objective(outcome: Outcome) -> list[Cell]:
    held = Cell("held" if outcome["held"] else "missed", bad=not outcome["held"])
    figure, margin, unit = outcome["figure"], outcome["margin"], outcome["unit"]
    if figure is None or margin is None:
        return [Cell(outcome["expression"]), held, Cell(outcome["reason"]), Cell(MISSING)]
    signed = ("-" if margin < 0 else "") + shown(abs(margin), unit)
    return [Cell(outcome["expression"]), held, Cell(shown(figure, unit), figure), Cell(signed, margin)]


def error_table(run: Run) -> Table:
    """How often events failed with which error."""
    errors = sorted(run["errors"], key=lambda error: -error["count"])
    return Table(
        ["topic", "error", "events"],
        [[Cell(error["topic"]), Cell(error["error"]), _count(error["count"])] for error in errors],
    )

"""Tables of the report as values: what stands in which cell, with the exact figure behind what is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from lensload.metrics import percentiles
from lensload.metrics.counts import COUNTS, count_of
from lensload.report import units
from lensload.report.columns import percentiles_of
from lensload.results.run import Run, total

PERCENTILES = ("p50", "p90", "p99", "p999", "p9999")
MISSING = "\N{EN DASH}"
_BAD = ("failed", "unflushed", "lost", "duplicated", "corrupt")


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
    note: str = ""


def duration(value_us: float | None) -> str:
    """A latency with three digits and its unit, which stay on one line; an en dash for none."""
    text = units.latency(value_us)
    return MISSING if text == units.MISSING else text.replace("us", "µs").replace(" ", "\N{NO-BREAK SPACE}")


def latency_table(run: Run, topic: str = "all") -> Table:
    """The stages of a run, for one topic or all together."""
    rows = [
        _latency_row(units.STAGE_NAMES.get(stage, stage), run, stage, topic)
        for stage, by_topic in run["latency_us"].items()
        if by_topic.get(topic, {}).get("count")
    ]
    return _latency(run, "stage", rows)


def topic_table(run: Run, stage: str) -> Table:
    """The topics of a run at one stage, and all together."""
    by_topic = run["latency_us"].get(stage, {})
    rows = [_latency_row(topic, run, stage, topic) for topic in run["topics"] if topic in by_topic]
    if len(rows) != 1 and by_topic.get("all", {}).get("count"):
        rows.append(_latency_row("all", run, stage, "all"))
    return _latency(run, "topic", rows)


def _latency(run: Run, first: str, rows: Sequence[Sequence[Cell]]) -> Table:
    names = [percentiles.shown(name) for name in percentiles_of(run, PERCENTILES)]
    missing = any(cell.text == MISSING for row in rows for cell in row)
    note = f"{MISSING}: too few events to carry that percentile" if missing else ""
    return Table([first, "events", "mean", *names, "max"], rows, note)


def _latency_row(name: str, run: Run, stage: str, topic: str) -> list[Cell]:
    names = ("mean", *percentiles_of(run, PERCENTILES), "max")
    shown = [percentiles.value_us(run, stage, topic, key) for key in names]
    count = int(run["latency_us"][stage][topic]["count"])
    return [Cell(name), Cell(f"{count:,}", count), *(Cell(duration(value), value) for value in shown)]


def ledger_table(run: Run) -> Table:
    """What happened to the events of each topic."""
    rows = [
        [Cell(topic), *(_count(name, count_of(counts, name)) for name in COUNTS)]
        for topic, counts in run["topics"].items()
    ]
    if len(rows) != 1:
        rows.append([Cell("all"), *(_count(name, total(run, name)) for name in COUNTS)])
    return Table(["topic", *COUNTS], rows)


def _count(name: str, count: int) -> Cell:
    return Cell(f"{count:,}", count, bad=name in _BAD and count > 0)


def error_table(run: Run) -> Table:
    """How often events failed with which error."""
    rows = [
        [Cell(e["topic"]), Cell(e["error"]), Cell(f"{e['count']:,}", e["count"])]
        for e in sorted(run["errors"], key=lambda e: -e["count"])
    ]
    return Table(["topic", "error", "events"], rows)


def condition_tables(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Table]:
    """The conditions of all runs beside each other, by chapter; what differs is marked."""
    return {
        title: _compared([_flat(run["conditions"].get(key)) for run in runs], names)
        for title, key in (
            ("Versions", "versions"),
            ("Machine", "machine"),
            ("Cluster", "cluster"),
            ("Configuration", "configuration"),
        )
    }


def _compared(facts: Sequence[Mapping[str, str]], names: Sequence[str]) -> Table:
    keys = dict.fromkeys(key for fact in facts for key in fact)
    rows: list[list[Cell]] = []
    for key in keys:
        values = [fact.get(key, MISSING) for fact in facts]
        differs = len(set(values)) > 1
        rows.append([Cell(key), *(Cell(value, bad=differs) for value in values)])
    return Table(["", *names] if len(names) > 1 else ["", ""], rows)


def _flat(facts: object) -> dict[str, str]:
    return dict(_leaves("", facts)) if isinstance(facts, Mapping) else {}


def _leaves(prefix: str, facts: object) -> Iterator[tuple[str, str]]:
    for key, value in cast("Mapping[str, object]", facts).items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(f"{name}.", value)
        else:
            yield name, _plain(name, value)


def _plain(name: str, value: object) -> str:
    match value:
        case None | "" | []:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case int() | float() if name.endswith("_bytes"):
            return f"{value / 2**30:,.1f} GiB"
        case list():
            return ", ".join(map(str, cast("list[object]", value)))
        case float():
            return f"{value:,.6g}"
        case _:
            return str(value)

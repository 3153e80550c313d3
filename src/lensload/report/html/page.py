"""The report's page: what stands where. The template only lays it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

from jinja2 import Environment, PackageLoader, StrictUndefined

from lensload import __version__
from lensload.report import units
from lensload.report.html import breakdown, heat, load, percentiles
from lensload.report.html.conditions import condition_tables
from lensload.report.html.figure import HALF_PX, NARROW_PX, WIDE_PX, Figure
from lensload.report.html.theme import typeset
from lensload.report.tables import (
    Cell,
    Table,
    counts_table,
    error_table,
    latency_table,
    objective_table,
    topic_table,
)
from lensload.results.counted import tally_of
from lensload.results.run import Run, total

_ENVIRONMENT = Environment(
    loader=PackageLoader("lensload.report.html", "."),
    autoescape=True,  # topics, errors and notices come from outside
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["typeset"] = typeset
_SAYS = {"pass": "Passed", "fail": "Failed", "invalid": "Invalid"}
_MEANS = {
    "pass": "The figures can be trusted, and are good.",
    "fail": "The figures can be trusted, and are bad.",
    "invalid": "The figures are not those of the load that was asked for: do not use them.",
}

_BY_TOPIC = {"end_to_end": "End to end, by topic", "ack": "Acknowledged, by topic"}


@dataclass(frozen=True, slots=True)
class Side:
    """One run of the report: what is shown of it as words and figures."""

    name: str
    number: int
    run: Run
    says: str
    means: str
    started: str
    facts: Sequence[tuple[str, Cell]]
    slos: Table | None
    stages: Table
    topics: Mapping[str, Table]
    ledger: Table
    errors: Table | None


def render(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The report of one or more runs as one HTML document, which asks the network for nothing.

    Args:
        runs: in the order to show them.
        names: what to call each; made different where two are the same.

    Raises:
        UsageError: a histogram in a run file is damaged.
    """
    shown = distinct(names)
    sides = [_side(number, run, name) for number, (run, name) in enumerate(zip(runs, shown, strict=True))]
    return _ENVIRONMENT.get_template("page.html.j2").render(
        sides=sides,
        single=len(sides) == 1,
        chapters=_chapters(runs, shown),
        conditions=condition_tables(runs, shown),
        version=__version__,
        embedded=[side.name for side in sides if side.run["embedded"]],
    )


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, with a number behind those that would stand twice."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        told.append(next(one for one in chain([name], numbered) if one not in told))
    return told


def _side(number: int, run: Run, name: str) -> Side:
    return Side(
        name=name,
        number=number,
        run=run,
        says=_SAYS[run["verdict"]],
        means=_MEANS[run["verdict"]],
        started=f"{datetime.fromisoformat(run['started_at']):%Y-%m-%d %H:%M:%S} UTC",
        facts=_facts(run),
        slos=objective_table(run) if run["slos"] else None,
        stages=latency_table(run),
        topics={
            title: topic_table(run, stage)
            for stage, title in _BY_TOPIC.items()
            if run["latency_us"].get(stage, {}).get("all", {}).get("count")
        },
        ledger=counts_table(run),
        errors=error_table(run) if run["errors"] else None,
    )


def _facts(run: Run) -> list[tuple[str, Cell]]:
    """The figures that a person asks for first."""
    achieved, target = run["load"]["achieved_per_s"], run["load"]["target_per_s"]
    whole = run["latency_us"].get("end_to_end", {}).get("all", {})
    lost, failed = total(run, "lost"), total(run, "failed")
    return [
        ("events/s achieved", Cell(units.per_s(achieved), achieved)),
        (
            f"of {units.per_s(target)} asked for",
            Cell(units.percent(achieved, target), achieved / target if target else None),
        ),
        *(
            (
                f"end to end, {units.STATISTIC_NAMES[key]}",
                Cell(units.latency(whole.get(key)), whole.get(key)),
            )
            for key in ("p50", "p99", "p999")
        ),
        ("failed", Cell(f"{failed:,}", failed, bad=failed > 0)),
        ("lost", Cell(f"{lost:,}", lost, bad=lost > 0)),
        ("measured", Cell(f"{run['measured_s']:,.1f} s", run["measured_s"])),
    ]


def _chapters(runs: Sequence[Run], names: Sequence[str]) -> dict[str, list[list[Figure]]]:
    """The figures by chapter, in groups that stand beside each other; all runs' axes are the same, so that they compare by eye."""
    page_px = {1: WIDE_PX, 2: HALF_PX}.get(len(runs), NARROW_PX)
    return {
        "load": _load(runs, page_px),
        "breakdown": _breakdown(runs, page_px),
        "percentiles": _percentiles(runs, names, page_px),
        "heat": _heat(runs, page_px),
    }


def _load(runs: Sequence[Run], page_px: int) -> list[list[Figure]]:
    top, end = max(map(load.highest_rate, runs)), max(map(load.end_of, runs))
    return [
        [
            load.load_figure(run, number=number, top_per_s=top, end_s=end, page_px=page_px)
            for number, run in enumerate(runs)
        ]
    ]


def _breakdown(runs: Sequence[Run], page_px: int) -> list[list[Figure]]:
    end = max(map(breakdown.longest_way_us, runs))
    figures = [
        breakdown.breakdown_figure(run, number=number, end_us=end, page_px=page_px)
        for number, run in enumerate(runs)
        if breakdown.longest_way_us(run)
    ]
    return [figures] if figures else []


def _percentiles(runs: Sequence[Run], names: Sequence[str], page_px: int) -> list[list[Figure]]:
    tallies = [tally_of(run) for run in runs]
    groups: list[list[Figure]] = []
    if len(runs) > 1:
        together = {name: tally.histogram("end_to_end") for name, tally in zip(names, tallies, strict=True)}
        groups.append([percentiles.percentile_figure("End to end, all topics, run by run", together)])
    for stage, title in _BY_TOPIC.items():
        by_run = [
            {topic: one for (of, topic), one in tally.histograms.items() if of == stage} for tally in tallies
        ]
        span = percentiles.span([one for curves in by_run for one in curves.values()])
        groups.append(
            [
                percentiles.percentile_figure(title, curves, number=number, span_us=span, page_px=page_px)
                for number, curves in enumerate(by_run)
                if curves
            ]
        )
    return [group for group in groups if group]


def _heat(runs: Sequence[Run], page_px: int) -> list[list[Figure]]:
    cells = [heat.cells_of(run["slices"]) for run in runs]
    span = heat.span([cell for of_run in cells for cell in of_run])
    end_s = max((cell.to_s for of_run in cells for cell in of_run), default=1.0)
    figures = [
        heat.heat_figure(run, of_run, number=number, span_us=span, end_s=end_s, page_px=page_px)
        for number, (run, of_run) in enumerate(zip(runs, cells, strict=True))
        if of_run
    ]
    return [figures] if figures else []

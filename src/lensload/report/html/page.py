"""The report's page: what stands where. The template only lays it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count

from jinja2 import Environment, PackageLoader, StrictUndefined

from lensload import __version__
from lensload.errors import UsageError
from lensload.metrics.stages import MEANINGS
from lensload.report import comparison_table, hand_rate, service, tables, units
from lensload.report.cost import cost_line
from lensload.report.html import breakdown, group_lag, heat, load, percentiles
from lensload.report.html.conditions import condition_tables
from lensload.report.html.figure import HALF_PX, NARROW_PX, WIDE_PX, Figure
from lensload.report.html.theme import typeset
from lensload.report.tables import Cell
from lensload.results import brokers
from lensload.results.comparability import differences
from lensload.results.compare import DEFAULT_LIMITS, FORMAT, Comparison, Terms, compare, method
from lensload.results.counted import stats_of
from lensload.results.run import Run, is_flat_out, objective_count, total
from lensload.results.slowest import sentences as slow_sentences
from lensload.verdict.verdict import meaning

_ENVIRONMENT = Environment(
    loader=PackageLoader("lensload.report.html", "."),
    autoescape=True,  # topics, errors and notices come from outside
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["typeset"] = typeset
_VERDICTS = {"pass": "Passed", "fail": "Failed", "invalid": "Invalid"}

_BY_TOPIC = {"end_to_end": "End to end, by topic", "ack": "Acknowledged, by topic"}

Groups = list[list[Figure]]


@dataclass(frozen=True, slots=True)
class Side:
    """One run of the report."""

    name: str
    number: int
    run: Run

    @property
    def verdict(self) -> str:
        """In a word, for a title."""
        return _VERDICTS[self.run["verdict"]]

    @property
    def meaning(self) -> str:
        """What the verdict means for who reads the figures."""
        return meaning(self.run["verdict"], objective_count(self.run))

    @property
    def started(self) -> str:
        """When it started."""
        return f"{datetime.fromisoformat(self.run['started_at']):%Y-%m-%d %H:%M:%S} UTC"


def render(runs: Sequence[Run], names: Sequence[str], comparison: Comparison | None = None) -> str:
    """The report of one or more runs as one HTML document, which asks the network for nothing.

    Args:
        runs: in the order to show them.
        names: what to call each; made different where two are the same.
        comparison: of these runs; None: two runs are compared with the defaults, if they can be.

    Raises:
        UsageError: a histogram in a run file is damaged.
    """
    shown = distinct(names)
    sides = [Side(name, number, run) for number, (run, name) in enumerate(zip(runs, shown, strict=True))]
    if comparison is None and len(runs) == 2:
        comparison = _comparison(runs, shown)
    return _ENVIRONMENT.get_template("page.html.j2").render(
        sides=sides,
        comparison=comparison,
        changes=comparison_table.table(comparison) if comparison else None,
        single=len(sides) == 1,
        chapters=_chapters(runs, shown),
        by_topic=_BY_TOPIC,
        tables=tables,
        service=service,
        facts=facts,
        cost_line=cost_line,
        hand_rate=hand_rate.sentence,
        slow=_sentences,
        stage_meanings=MEANINGS.values(),
        conditions=condition_tables(runs, shown),
        version=__version__,
        embedded=[side.name for side in sides if side.run["embedded"]],
    )


def _sentences(run: Run) -> list[str]:
    """Where the time of the slowest went, and which broker is slow."""
    return [*slow_sentences(run), *brokers.sentences(run)]


def _comparison(runs: Sequence[Run], names: Sequence[str]) -> Comparison | None:
    """The second run against the first; None where their figures do not compare."""
    terms = Terms(DEFAULT_LIMITS)
    try:
        changes, outcome = compare(runs[:1], runs[1:], terms)
    except UsageError:
        return None
    return {
        "format": FORMAT,
        "outcome": outcome,
        "fail_on_unknown": False,
        "base": [names[0]],
        "new": [names[1]],
        "method": method(1, 1, terms, changes),
        "changes": changes,
        "remarks": [difference.text for difference in differences(runs[0], runs[1])],
    }


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, with a number behind those that would stand twice."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        told.append(next(one for one in chain([name], numbered) if one not in told))
    return told


def facts(run: Run) -> list[tuple[str, Cell]]:
    """The figures that a person asks for first."""
    achieved, target = run["load"]["achieved_per_s"], run["load"]["target_per_s"]
    whole = run["latency_us"].get("end_to_end", {}).get("all", {})
    lost, failed = total(run, "lost"), total(run, "failed")
    return [
        ("events/s achieved", Cell(units.per_s(achieved), achieved)),
        *([] if is_flat_out(run) else [_of_target(achieved, target)]),
        *(
            (f"end to end, {units.STATISTIC_NAMES[key]}", Cell(units.latency(whole.get(key)), whole.get(key)))
            for key in ("p50", "p99", "p999")
        ),
        ("failed", Cell(f"{failed:,}", failed, bad=failed > 0)),
        ("lost", Cell(f"{lost:,}", lost, bad=lost > 0)),
        ("measured", Cell(f"{run['measured_s']:,.1f} s", run["measured_s"])),
    ]


def _of_target(achieved: float, target: float) -> tuple[str, Cell]:
    share = achieved / target if target else None
    return f"of {units.per_s(target)} asked for", Cell(units.percent(achieved, target), share)


def _chapters(runs: Sequence[Run], names: Sequence[str]) -> dict[str, Groups]:
    """The figures by chapter, in groups that stand beside each other; all runs' axes are the same, so that they compare by eye."""
    page_px = {1: WIDE_PX, 2: HALF_PX}.get(len(runs), NARROW_PX)
    chapters = {
        "load": [_load(runs, page_px)],
        "breakdown": [_breakdown(runs, page_px)],
        "percentiles": _percentiles(runs, names, page_px),
        "heat": [_heat(runs, page_px)],
        "groups": [_group_lags(runs, page_px)],
    }
    return {name: [group for group in groups if group] for name, groups in chapters.items()}


def _load(runs: Sequence[Run], page_px: int) -> list[Figure]:
    top, end = max(map(load.highest_rate, runs)), max(map(load.end_of, runs))
    return [
        load.load_figure(run, number=number, top_per_s=top, end_s=end, page_px=page_px)
        for number, run in enumerate(runs)
    ]


def _breakdown(runs: Sequence[Run], page_px: int) -> list[Figure]:
    end = max(map(breakdown.longest_way_us, runs))
    return [
        breakdown.breakdown_figure(run, number=number, end_us=end, page_px=page_px)
        for number, run in enumerate(runs)
        if breakdown.longest_way_us(run)
    ]


def _percentiles(runs: Sequence[Run], names: Sequence[str], page_px: int) -> Groups:
    all_stats = [stats_of(run) for run in runs]
    groups: Groups = []
    if len(runs) > 1:
        together = {name: stats.histogram("end_to_end") for name, stats in zip(names, all_stats, strict=True)}
        groups.append([percentiles.percentile_figure("End to end, all topics, run by run", together)])
    for stage, title in _BY_TOPIC.items():
        by_run = [
            {topic: one for (of, topic), one in stats.histograms.items() if of == stage}
            for stats in all_stats
        ]
        span = percentiles.span([one for curves in by_run for one in curves.values()])
        groups.append(
            [
                percentiles.percentile_figure(title, curves, number=number, span_us=span, page_px=page_px)
                for number, curves in enumerate(by_run)
                if curves
            ]
        )
    return groups


def _group_lags(runs: Sequence[Run], page_px: int) -> list[Figure]:
    top, end = max(map(group_lag.highest_lag_s, runs)), max(map(group_lag.end_of, runs))
    return [
        group_lag.group_lag_figure(run, number=number, top_s=top, end_s=end, page_px=page_px)
        for number, run in enumerate(runs)
        if group_lag.groups_of(run)
    ]


def _heat(runs: Sequence[Run], page_px: int) -> list[Figure]:
    cells = [heat.cells_of(run["slices"]) for run in runs]
    span = heat.span([cell for of_run in cells for cell in of_run])
    end_s = max((cell.to_s for of_run in cells for cell in of_run), default=1.0)
    return [
        heat.heat_figure(run, of_run, number=number, span_us=span, end_s=end_s, page_px=page_px)
        for number, (run, of_run) in enumerate(zip(runs, cells, strict=True))
        if of_run
    ]

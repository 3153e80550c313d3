"""A run, or a comparison, as Markdown for a job's summary page: the verdict first, then its figures."""

from collections.abc import Iterator, Sequence

from lensload.metrics import percentiles
from lensload.metrics.counts import COUNTS, count_of
from lensload.report import comparison_table
from lensload.report.columns import percentiles_of
from lensload.report.units import STAGE_NAMES, latency, per_s, percent
from lensload.results.compare import Comparison
from lensload.results.run import Run, total
from lensload.verdict.figures import shown
from lensload.verdict.reasons import in_words
from lensload.verdict.slo import Outcome

_MARKS = {"pass": "✅ passed", "fail": "❌ failed", "invalid": "⚠️ invalid"}
_OUTCOMES = {
    "regression": "❌ regression",
    "improvement": "✅ improvement",
    "no difference": "✅ no difference",
}
_PERCENTILES = ("p50", "p90", "p99", "p999", "max")


def of_run(run: Run, name: str = "") -> str:
    """A run's verdict and reasons, its objectives, load, latencies and ledger."""
    return "\n".join(_run(run, name)) + "\n"


def of_comparison(comparison: Comparison) -> str:
    """A comparison's outcome, its changes, its method and remarks."""
    return "\n".join(_comparison(comparison)) + "\n"


def _run(run: Run, name: str) -> Iterator[str]:
    yield f"## lensload: {_MARKS[run['verdict']]}{f' ({_plain(name)})' if name else ''}"
    yield ""
    if run["embedded"]:
        yield "> **Embedded cluster**: these numbers are the client's, not a broker's."
        yield ""
    yield from _bullets([in_words(reason) for reason in run["reasons"]])
    load = run["load"]
    share = percent(load["achieved_per_s"], load["target_per_s"])
    yield (
        f"**{per_s(load['achieved_per_s'])} events/s** of {per_s(load['target_per_s'])} asked for ({share}),"
        f" {run['measured_s']:,.1f} s measured, {load['bytes_per_s'] / 1e6:,.2f} MB/s."
    )
    yield ""
    if run["slos"]:
        yield from _table(["objective", "", "figure", "margin"], [_objective(each) for each in run["slos"]])
    yield from _table(
        ["latency", "events", *map(percentiles.shown, percentiles_of(run, _PERCENTILES))], _latencies(run)
    )
    yield from _table(["topic", *COUNTS], _ledger(run))


def _objective(outcome: Outcome) -> list[str]:
    figure = outcome["reason"] if outcome["figure"] is None else shown(outcome["figure"], outcome["unit"])
    margin = "-"
    if outcome["margin"] is not None:
        margin = ("-" if outcome["margin"] < 0 else "") + shown(abs(outcome["margin"]), outcome["unit"])
    return [
        f"`{outcome['expression'].replace('`', '')}`",
        "✅ holds" if outcome["held"] else "❌ missed",
        figure,
        margin,
    ]


def _latencies(run: Run) -> list[list[str]]:
    rows: list[list[str]] = []
    for stage, by_topic in run["latency_us"].items():
        found = by_topic["all"]
        if found["count"]:
            names = percentiles_of(run, _PERCENTILES)
            cells = [latency(percentiles.value_us(run, stage, "all", name)) for name in names]
            rows.append([STAGE_NAMES.get(stage, stage), f"{found['count']:,}", *cells])
    return rows


def _ledger(run: Run) -> list[list[str]]:
    rows = [
        [topic, *(f"{count_of(counts, name):,}" for name in COUNTS)]
        for topic, counts in run["topics"].items()
    ]
    return [*rows, ["**all**", *(f"{total(run, name):,}" for name in COUNTS)]]


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f"## lensload compare: {_OUTCOMES[comparison['outcome']]}"
    yield ""
    yield f"base: {', '.join(map(_plain, comparison['base']))}  "
    yield f"new: {', '.join(map(_plain, comparison['new']))}"
    yield ""
    yield from _table(
        [*comparison_table.HEAD[:-1], "called"],
        [comparison_table.row(change) for change in comparison["changes"]],
    )
    yield comparison["method"]
    yield ""
    notes = [f"{change['name']}: {change['note']}." for change in comparison["changes"] if change["note"]]
    yield from _bullets([*comparison["remarks"], *notes])


def _bullets(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield from (f"- {_plain(text)}" for text in texts)
        yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    yield _line(head)
    yield _line([":--", *("--:" for _ in head[1:])])
    yield from map(_line, rows)
    yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _plain(text: str) -> str:
    """Without what Markdown or a page would take for markup."""
    for found, put in (("&", "&amp;"), ("<", "&lt;"), ("\n", " ")):
        text = text.replace(found, put)
    return text

"""A comparison in words and as a table."""

from collections.abc import Iterator

from lensload.report.tables import Table
from lensload.report.text_table import aligned
from lensload.results.compare import WORST_FIRST, Change, Comparison
from lensload.verdict.figures import shown

_HEAD = ("figure", "base", "new", "change", "interval", "")


def in_words(change: Change) -> str:
    """One change in a sentence, with its interval and what it is called."""
    cells = row(change)
    note = f" ({change['note']})" if change["note"] else ""
    return f"{change['name']}: {change['call']}: {cells[1]} before, {cells[2]} now, {cells[3]}, {cells[4]}{note}."


def row(change: Change) -> list[str]:
    """One change as cells under the heads."""
    figures = [
        shown(value, change["unit"]) if value is not None else "-"
        for value in (change["base"], change["new"])
    ]
    called = change["call"] if change["limit"] is not None else ""
    return [change["name"], *figures, _percent(change["change"]), _interval(change), called]


def table(comparison: Comparison) -> Table:
    """All changes, under heads that are all words."""
    return Table.of([*_HEAD[:-1], "called"], [row(change) for change in comparison["changes"]])


def remarks(comparison: Comparison) -> list[str]:
    """What is to be known of the runs, and of each change."""
    notes = (f"{change['name']}: {change['note']}." for change in comparison["changes"] if change["note"])
    return [*comparison["remarks"], *notes]


def text(comparison: Comparison) -> str:
    """All of it for a terminal, in plain ASCII."""
    return "".join(f"{line}\n" for line in _lines(comparison))


def _lines(comparison: Comparison) -> Iterator[str]:
    rows = [list(_HEAD), *(row(change) for change in comparison["changes"])]
    yield f"base: {', '.join(comparison['base'])}"
    yield f"new:  {', '.join(comparison['new'])}"
    yield ""
    yield from aligned(rows, "<>>>><")
    yield ""
    yield comparison["method"]
    yield from (f"- {remark}" for remark in remarks(comparison))
    yield ""
    yield f"COMPARISON: {comparison['outcome'].upper()} ({of_figures(comparison)})"


def of_figures(comparison: Comparison) -> str:
    """What each judged figure is called, the worst first: "regression: end_to_end.p99; no difference: achieved_per_s"."""
    by_call = {
        call: [change["name"] for change in comparison["changes"] if change["call"] == call]
        for call in WORST_FIRST
    }
    return "; ".join(f"{call}: {', '.join(names)}" for call, names in by_call.items() if names)


def _interval(change: Change) -> str:
    return f"[{_percent(change['low'])}, {_percent(change['high'])}]"


def _percent(value: float | None) -> str:
    if value is None:
        return "-"
    percent = 100 * value
    return f"{percent:+,.1f} %" if abs(percent) < 1_000 else "more than 10-fold"

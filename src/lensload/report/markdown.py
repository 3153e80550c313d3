"""A run, or a comparison, as Markdown for a job's summary page: the verdict first, then its figures."""

from collections.abc import Iterator, Sequence

from lensload.report import comparison_table, service
from lensload.report.cost import cost_line
from lensload.report.tables import (
    Cell,
    Table,
    broker_table,
    counted_line,
    counts_table,
    latency_table,
    load_line,
    objective_table,
    parts_line,
)
from lensload.results import brokers
from lensload.results.breakdown import sentence
from lensload.results.compare import Comparison
from lensload.results.run import Run, objective_count
from lensload.results.slowest import sentences
from lensload.verdict.verdict import in_words, meaning

_MARKS = {"pass": "✅ passed", "fail": "❌ failed", "invalid": "⚠️ invalid"}
_OUTCOMES = {
    "regression": "❌ regression",
    "improvement": "✅ improvement",
    "no difference": "✅ no difference",
    "cannot tell": "❔ cannot tell",
}
_STATISTICS = ("p50", "p90", "p99", "p999", "max")


def of_run(run: Run, name: str = "") -> str:
    """A run's verdict and reasons, its objectives, load, latencies and ledger."""
    return "\n\n".join(_run(run, name)) + "\n"


def of_comparison(comparison: Comparison) -> str:
    """A comparison's outcome, its changes, its method and remarks."""
    return "\n\n".join(_comparison(comparison)) + "\n\n"


def _run(run: Run, name: str) -> Iterator[str]:
    """The paragraphs of a run."""
    yield f"## lensload: {_MARKS[run['verdict']]}{f' ({_plain(name)})' if name else ''}"
    if run["embedded"]:
        yield "> **Embedded cluster**: these numbers are the client's, not a broker's."
    yield _plain(meaning(run["verdict"], objective_count(run)))
    yield from _bullets([in_words(reason) for reason in run["reasons"]])
    yield f"{load_line(run)}, {run['load']['bytes_per_s'] / 1e6:,.2f} MB/s."
    if cost := cost_line(run):
        yield cost
    linger_ms = run["conditions"].get("configuration", {}).get("linger_ms")
    fall = run["breakdown"]
    went = [f"{parts_line(fall)} {sentence(fall, linger_ms)}"] if fall else []
    yield from _bullets([*went, *sentences(run), *brokers.sentences(run)])
    if run["slos"]:
        objectives = objective_table(run)
        yield _table(Table.of(objectives.heads, [_marked(*row) for row in objectives.rows]))
    latencies = latency_table(run, _STATISTICS)
    if latencies.rows:
        yield _table(latencies)
    if counted := counted_line(run):
        yield counted
    for table in (broker_table(run), counts_table(run)):
        if table.rows:
            yield _table(table)
    yield from _service(run)
    yield _plain(f"Conditions: {_conditions(run)}.")


def _service(run: Run) -> Iterator[str]:
    """A service under test: its answers, and the groups that were watched."""
    if found := run.get("responses"):
        yield _table(service.responses_table(found))
        if fall := found["breakdown"]:
            yield f"{service.parts_line(fall)} {service.sentence(fall)}"
        if seen := found["reception"]:
            yield service.reception_line(seen)
    if groups := run.get("groups"):
        yield _table(service.groups_table(groups))


def _conditions(run: Run) -> str:
    """What the figures hold for: where, with what, and how it was sent."""
    known = run["conditions"]
    machine, versions, asked = (known.get(name, {}) for name in ("machine", "versions", "configuration"))
    parts = [
        f"{machine.get('cpus', '?')} x {machine.get('cpu_model') or machine.get('architecture', '?')}",
        *(f"{name} {versions[name]}" for name in ("lensload", "librdkafka", "python") if name in versions),
        *(
            f"{name} {asked[name]}"
            for name in ("profile", "workers", "acks", "linger_ms", "compression", "partitions", "seed")
            if asked.get(name) is not None
        ),
    ]
    return ", ".join(parts)


def _marked(expression: Cell, held: Cell, *figures: Cell) -> list[str]:
    """An objective as code, and how it ended with a mark that is seen at once."""
    mark = "❌" if held.bad else "✅"
    return [
        f"`{expression.text.replace('`', '')}`",
        f"{mark} {held.text}",
        *(figure.text for figure in figures),
    ]


def _comparison(comparison: Comparison) -> Iterator[str]:
    """The paragraphs of a comparison."""
    yield f"## lensload compare: {_OUTCOMES[comparison['outcome']]}"
    base, new = (", ".join(map(_plain, comparison[side])) for side in ("base", "new"))
    yield f"base: {base}  \nnew: {new}"
    yield _table(comparison_table.table(comparison))
    yield comparison["method"]
    yield from _bullets(comparison_table.remarks(comparison))


def _bullets(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield "\n".join(f"- {_plain(text)}" for text in texts)


def _table(table: Table) -> str:
    """The first column to the left, the others to the right."""
    return "\n".join(map(_line, [table.heads, [":--", *("--:" for _ in table.heads[1:])], *table.texts]))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _plain(text: str) -> str:
    """Without what Markdown or a page would take for markup."""
    for found, put in (("&", "&amp;"), ("<", "&lt;"), ("\n", " ")):
        text = text.replace(found, put)
    return text

"""The result of a run as a table to paste: plain ASCII, at most 100 columns, aligned in any fixed font."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from lensload.metrics.counts import COUNTS
from lensload.metrics.stages import PLACES as WAYS
from lensload.report import service
from lensload.report.cost import cost_line
from lensload.report.tables import (
    Table,
    broker_table,
    counted_line,
    counts_table,
    latency_table,
    load_line,
    pair_table,
    parts_line,
)
from lensload.report.text_table import aligned
from lensload.report.units import MISSING, STAGE_NAMES, latency, per_s
from lensload.results import brokers
from lensload.results.breakdown import sentence
from lensload.results.run import Confidence, Run, objective_count, total
from lensload.results.slowest import sentences
from lensload.verdict.slo import stand
from lensload.verdict.verdict import in_words, meaning

WIDTH = 100
RUN_FILE = "run file"
_STATISTICS = ("mean", "p50", "p90", "p99", "p999", "max")
MOST = 10
_CLIENT = (
    ("queue", "queue"),
    ("output_buffer", "output buffer"),
    ("round_trip", "round trip"),
    ("throttle", "throttled"),
)
# Shown only where there are any.
_UNUSUAL = ("unflushed", "unknown", "corrupt", "failed_but_delivered")

Line = tuple[str, str]  # text, and the style it has where there are styles

_VERDICT_STYLES = {"pass": "bold green", "fail": "bold red", "invalid": "bold yellow"}


def print_result(run: Run, console: Console | None = None, files: Sequence[tuple[str, Path]] = ()) -> None:
    """Print the result of a run to standard output, or to the console given.

    Args:
        run: what `lensload.results.build.build` or `lensload.results.run_file.read` gave.
        console: where to print; in colour if it can.
        files: what was written of the run, and where, to be told.
    """
    console = console or Console()
    for text, style in _lines(run):
        # No wrapping, no markup: what is pasted must be what was built.
        console.print(Text(text.rstrip(), style), soft_wrap=True)
    for what, path in files:
        print_file(what, path, console)


def print_file(what: str, path: Path, console: Console | None = None) -> None:
    """Say where a file of a run is."""
    (console or Console()).print(Text(f"{what}: {path}"), soft_wrap=True)


def _lines(run: Run) -> Iterator[Line]:
    yield from _verdict(run)
    yield from _objectives(run)
    yield from _head(run)
    yield from _load(run)
    yield from _latencies(run)
    yield from _repeats(run)
    yield from _latencies_by_topic(run)
    yield from _latencies_by_broker(run)
    yield from _ledger(run)
    yield from _responses(run)
    yield from _groups(run)
    yield from _some("ERRORS", [f"{e['count']:,} x {e['topic']}: {e['error']}" for e in run["errors"]])
    yield from _some("NOTICES", run["notices"])
    yield from _end(run)


def _head(run: Run) -> Iterator[Line]:
    conditions = run["conditions"]
    versions, machine = conditions.get("versions", {}), conditions.get("machine", {})
    workload = conditions.get("configuration", {}).get("workload")
    started = datetime.fromisoformat(run["started_at"])
    yield from _title(f"lensload {versions.get('lensload', '')}, run of {started:%Y-%m-%d %H:%M:%S} UTC")
    facts = (
        f"{machine.get('cpus', '?')} CPUs ({machine.get('cpu_model') or machine.get('architecture', '?')})",
        f"Python {versions.get('python', '?')}",
        f"librdkafka {versions.get('librdkafka', '?')}",
        *([f"workload {workload['file']}"] if workload else []),
        f"seed {conditions.get('seed', '?')}",
    )
    yield from _paragraph("", ", ".join(facts))
    if run["embedded"]:
        yield "", ""
        yield from _paragraph(
            "!! ", "EMBEDDED CLUSTER: these numbers are the client's, not a broker's.", "bold red"
        )
        yield from _paragraph(
            "!! ", "For a real cluster give --bootstrap-servers and --registry-url.", "bold red"
        )


def _load(run: Run) -> Iterator[Line]:
    yield from _title("LOAD")
    yield f"{load_line(run)}{', CUT SHORT' if run['cut_short'] else ''}", ""
    yield (
        f"{run['load']['bytes_per_s'] / 1e6:,.2f} MB/s, {run['load']['mean_bytes']:,.0f} bytes an event (mean)",
        "",
    )
    yield from _paragraph("", cost_line(run))


def _latencies(run: Run) -> Iterator[Line]:
    yield from _title("LATENCY from when each event was due (encode, serialize: how long it took)")
    table = latency_table(run, _STATISTICS)
    yield from _table(table)
    if table.incomplete:
        yield f"{MISSING}: too few events for that percentile", "dim"
    yield from _paragraph("", counted_line(run), "dim")
    yield from _clocks(run)
    yield from _breakdown(run)


def _repeats(run: Run) -> Iterator[Line]:
    if not run["repeats"]:
        return
    rows = [
        [
            STAGE_NAMES.get(stage, stage),
            *(_interval(by_topic["all"].get(name)) for name in ("p50", "p99", "p999")),
        ]
        for stage, by_topic in run["intervals"].items()
        if "all" in by_topic
    ]
    how = ", each figure's 95 % interval from how they differ" if rows else ""
    yield from _title(f"REPEATS: {len(run['repeats'])}{how}")
    if rows:
        yield from _table(Table.of(["stage", "p50", "p99", "p99.9"], rows))
    rates = [repeat["load"]["achieved_per_s"] for repeat in run["repeats"]]
    yield f"achieved {per_s(min(rates))} to {per_s(max(rates))} events/s", ""


def _interval(found: Confidence | None) -> str:
    if not found:
        return MISSING
    return f"{latency(found['figure_us'])} ({latency(found['low_us'])} to {latency(found['high_us'])})"


def _clocks(run: Run) -> Iterator[Line]:
    clocks = run["conditions"].get("clocks")
    if not clocks:
        return
    if clocks["hosts"] == 1:
        yield "All on one host, by one clock.", "dim"
        return
    if clocks["doubt_us"] is None:
        known = "and the clock of one was never read: end-to-end latency is not meaningful."
    else:
        known = (
            f"whose clocks may be {latency(clocks['doubt_us'])} apart: end-to-end latency is exact to that."
        )
    yield from _paragraph("", f"{clocks['hosts']} hosts, {known}")


def _breakdown(run: Run) -> Iterator[Line]:
    fall = run["breakdown"]
    if not fall:
        return
    yield "", ""
    yield parts_line(fall), ""
    if not fall["consumer_us"]:
        yield from _paragraph("", f"Consumer: {WAYS['consumer'].meaning}")
    linger_ms = run["conditions"].get("configuration", {}).get("linger_ms")
    yield from _paragraph("", sentence(fall, linger_ms))
    for text in (*sentences(run), *brokers.sentences(run)):
        yield from _paragraph("", text)
    broker = run["client_us"]
    told = [f"{name} {latency(broker[key]['mean'])}" for key, name in _CLIENT if broker[key]["count"]]
    if told:
        yield f"librdkafka's own clocks (mean): {', '.join(told)}.", "dim"


def _latencies_by_topic(run: Run) -> Iterator[Line]:
    table = pair_table(run)
    if table.rows:
        yield from _title("LATENCY BY TOPIC")
        yield from _table(table)


def _latencies_by_broker(run: Run) -> Iterator[Line]:
    table = broker_table(run)
    if table.rows:
        yield from _title("LATENCY BY BROKER that led an event's partition when the event was due")
        yield from _table(table)


def _ledger(run: Run) -> Iterator[Line]:
    yield from _title("EVENTS")
    unusual = [name for name in _UNUSUAL if total(run, name)]
    yield from _table(counts_table(run, [name for name in COUNTS if name not in _UNUSUAL]))
    if unusual:
        yield "", ""
        yield from _table(counts_table(run, unusual))


def _responses(run: Run) -> Iterator[Line]:
    found = run.get("responses")
    if not found:
        return
    yield from _title("ANSWERS of the service under test")
    yield from _table(service.responses_table(found))
    if fall := found["breakdown"]:
        yield from _paragraph("", service.parts_line(fall))
        yield from _paragraph("", service.sentence(fall))
    if seen := found["reception"]:
        yield from _paragraph("", service.reception_line(seen))


def _groups(run: Run) -> Iterator[Line]:
    groups = run.get("groups")
    if groups:
        yield from _title("CONSUMER GROUPS: seconds and records behind")
        yield from _table(service.groups_table(groups))


def _objectives(run: Run) -> Iterator[Line]:
    if not run["slos"]:
        return
    yield from _title("OBJECTIVES")
    for outcome in run["slos"]:
        held = "holds" if outcome["held"] else "MISSED"
        yield from _paragraph(f"{held:6}  ", f"{outcome['expression']}: {stand(outcome)}")


def _some(title: str, texts: Sequence[str]) -> Iterator[Line]:
    """As many as a person reads, and how many more there are."""
    if not texts:
        return
    yield from _title(title)
    for text in texts[:MOST]:
        yield from _paragraph("- ", text)
    if len(texts) > MOST:
        yield f"- and {len(texts) - MOST:,} more: see the run file", ""


def _verdict(run: Run) -> Iterator[Line]:
    yield f"VERDICT: {run['verdict'].upper()}", _VERDICT_STYLES[run["verdict"]]
    yield from _paragraph("", meaning(run["verdict"], objective_count(run)))
    for reason in run["reasons"]:
        yield from _paragraph("- ", in_words(reason))


def _end(run: Run) -> Iterator[Line]:
    """The verdict again: of a long table a terminal shows the end."""
    why = "" if run["verdict"] == "pass" else ", for the reasons at the top"
    yield "", ""
    yield f"VERDICT: {run['verdict'].upper()}{why}", _VERDICT_STYLES[run["verdict"]]


def _title(text: str) -> Iterator[Line]:
    yield "", ""
    yield text, "bold"


def _paragraph(first: str, text: str, style: str = "") -> Iterator[Line]:
    """Text within the width, behind a bullet; what cannot be broken (a path, an address) stands out."""
    after = first if first.startswith("!") else " " * len(first)
    wrapped = wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=after,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from ((found, style) for found in wrapped)


def _table(table: Table) -> Iterator[Line]:
    """The first column to the left, the others to the right, a rule under the head."""
    head, rows = table.heads, table.texts
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    first, rule, *others = aligned([head, ["-" * width for width in widths], *rows], gap=gap)
    yield from ((first, "dim"), (rule, "dim"), *((line, "") for line in others))

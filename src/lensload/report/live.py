"""A run on screen while it runs. Draws what it is given: it starts no thread and reads no clock."""

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lensload.report.terminal import TerminalView, bar
from lensload.report.units import MISSING, STAGE_NAMES, clock, latencies, latency, per_s, percent
from lensload.results.snapshot import Snapshot
from lensload.verdict.thresholds import DEFAULTS, Thresholds

# A line in a log each so many seconds: often enough to see a run go wrong, and 360 lines an hour and half.
LINE_EVERY_S = 5.0


class LiveView(TerminalView):
    """Shows a run on standard error: in place on a terminal, else a line now and then, as a CI log wants it."""

    def __init__(self, console: Console | None = None, thresholds: Thresholds = DEFAULTS) -> None:
        super().__init__(console)
        self._thresholds = thresholds
        self._last: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show the run as it is now. Notices are told at once, and stay on screen."""
        for notice in snapshot.notices:
            self.say(f"{clock(snapshot.elapsed_s)}  {notice}", "yellow")
        if self._live:
            self._draw(picture(snapshot, self._thresholds))
        elif self._line_is_due(snapshot):
            self.say(line(snapshot))
            self._last = snapshot

    def _line_is_due(self, snapshot: Snapshot) -> bool:
        if self._last is None or self._last.phase != snapshot.phase:
            return True
        # Half a second of grace: snapshots come about once a second, and none should wait for the next.
        return snapshot.elapsed_s - self._last.elapsed_s >= LINE_EVERY_S - 0.5


def line(snapshot: Snapshot) -> str:
    """A run in one line: for logs, where nothing can be drawn twice in one place."""
    if snapshot.phase == "starting":
        return f"{clock(snapshot.elapsed_s)}{_of_total(snapshot)}  starting"
    pairs = ", ".join(
        f"{name} {latencies(*snapshot.percentiles_us(stage))}"
        for stage, name in STAGE_NAMES.items()
        if stage != "schedule_lag" and snapshot.percentiles_us(stage)[0] is not None
    )
    parts = [
        f"{clock(snapshot.elapsed_s)}{_of_total(snapshot)}  {snapshot.phase:9}",
        _rate(snapshot),
        _lag(snapshot),
        pairs and f"p50/p99: {pairs}",
        *(f"{group} {lag_s:,.1f} s behind" for group, lag_s in snapshot.group_lag_s.items()),
        f"queue {snapshot.queue:,}",
        f"failed {snapshot.failed:,}",
        *(text.rstrip(".") for text in snapshot.slow_brokers[:1]),
    ]
    return "  ".join(part for part in parts if part)


def _rate(snapshot: Snapshot) -> str:
    """Nothing while no generator has reported a rate yet."""
    if not (snapshot.achieved_per_s or snapshot.target_per_s):
        return ""
    return f"{per_s(snapshot.achieved_per_s)}/s of {per_s(snapshot.target_per_s)}/s"


def _lag(snapshot: Snapshot) -> str:
    """The schedule lag of the second at p99; where too few events carry that, the greatest, waiting ones among them."""
    name, lag_us = _lag_figure(snapshot)
    return f"lag {name} {latency(lag_us)}" if lag_us is not None else ""


def _lag_figure(snapshot: Snapshot) -> tuple[str, float | None]:
    lag = snapshot.latency_us.get("schedule_lag", {})
    p99_us, max_us, behind_us = lag.get("p99"), lag.get("max"), snapshot.behind_us
    if p99_us is not None and p99_us >= behind_us:
        return "p99", p99_us
    return "max", max(max_us or 0.0, behind_us) if lag or behind_us else None


def picture(snapshot: Snapshot, thresholds: Thresholds = DEFAULTS) -> RenderableType:
    """A run as a picture of ten lines, for a terminal of 60 columns or more."""
    columns = Columns([_counts(snapshot, thresholds), _latencies(snapshot, thresholds)], padding=(0, 4))
    slow = [Text(text, "bold yellow") for text in snapshot.slow_brokers]
    return Padding(Group(_progress(snapshot), "", columns, *slow), (1, 2, 0, 2))


def _progress(snapshot: Snapshot) -> RenderableType:
    passed = Text.assemble(clock(snapshot.elapsed_s), (_of_total(snapshot), "dim"))
    return bar(snapshot.phase, passed, snapshot.elapsed_s, snapshot.elapsed_s, snapshot.total_s)


def _of_total(snapshot: Snapshot) -> str:
    """Nothing once the schedule is over: a drain takes the time it takes."""
    if snapshot.total_s is None or snapshot.phase == "draining":
        return ""
    return f" of {clock(snapshot.total_s)}"


def _counts(snapshot: Snapshot, thresholds: Thresholds) -> Table:
    grid = _grid()
    grid.add_column(style="dim")
    share = percent(snapshot.achieved_per_s, snapshot.target_per_s)
    of_target = f"of {per_s(snapshot.target_per_s)}/s" + (f", {share}" if share != MISSING else "")
    grid.add_row("rate", Text(per_s(snapshot.achieved_per_s), _rate_style(snapshot, thresholds)), of_target)
    for name in ("produced", "acked", "observed", "queue", "failed"):
        count: int = getattr(snapshot, name)
        grid.add_row(name, Text(f"{count:,}", "bold red" if name == "failed" and count else ""))
    for group, lag_s in snapshot.group_lag_s.items():
        grid.add_row(group, f"{lag_s:,.1f} s", "behind")
    return grid


def _latencies(snapshot: Snapshot, thresholds: Thresholds) -> Table:
    grid = _grid(min_width=7)
    grid.add_column(justify="right", min_width=7)
    grid.add_row("", Text("p50", "dim"), Text("p99", "dim"))
    for stage, name in STAGE_NAMES.items():
        p50_us, p99_us = snapshot.percentiles_us(stage)
        if stage == "response" and p50_us is None:
            continue  # no service under test answers
        style = _lag_style(p99_us, thresholds) if stage == "schedule_lag" else ""
        grid.add_row(name, latency(p50_us), Text(latency(p99_us), style))
    name, lag_us = _lag_figure(snapshot)
    if name == "max":
        grid.add_row("schedule lag, max", "", Text(latency(lag_us), _lag_style(lag_us, thresholds)))
    return grid


def _grid(min_width: int | None = None) -> Table:
    """Names and their figures."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right", min_width=min_width)
    return grid


def _rate_style(snapshot: Snapshot, thresholds: Thresholds) -> str:
    if snapshot.phase in ("starting", "draining"):
        return ""
    share = snapshot.achieved_per_s / snapshot.target_per_s if snapshot.target_per_s else 1.0
    good = share >= thresholds.min_achieved
    return "bold green" if good else "bold yellow" if share >= 0.9 else "bold red"


def _lag_style(lag_us: float | None, thresholds: Thresholds) -> str:
    """Red where the verdict would call the run invalid, yellow well before."""
    if lag_us is None:
        return ""
    return (
        "bold red" if thresholds.is_late(lag_us) else "bold yellow" if thresholds.is_late(10 * lag_us) else ""
    )

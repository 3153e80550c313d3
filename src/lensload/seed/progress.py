"""A seed on standard error while it goes on: in place on a terminal, else a line every five seconds."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from lensload.report.terminal import can_redraw
from lensload.report.units import clock, per_s

_LINE_EVERY_S: Final = 5.0


class SeedView:
    """Shows how far a seed is. Draws what it is given: it starts no thread and reads no clock.

    Args:
        verb: what is being done: "seeding", "verifying".
        console: where to draw; standard error if None.
    """

    def __init__(self, verb: str, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._verb = verb
        in_place = can_redraw(self._console)
        columns = (TextColumn(verb), BarColumn(bar_width=None), TextColumn("{task.fields[told]}"))
        self._bar = (
            Progress(*columns, console=self._console, auto_refresh=False, transient=True)
            if in_place
            else None
        )
        self._task = self._bar.add_task("", total=None, told="") if self._bar else None
        self._shown_s = 0.0

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, elapsed_s: float, done: int, total: int, since: int = 0) -> None:
        """Show how far it is, if it is time to.

        Args:
            elapsed_s: since it began.
            done: events done so far.
            total: how many there will be, about.
            since: how many of those that are done were there before it began.
        """
        if self._bar and self._task is not None:
            told = line(elapsed_s, done, total, since)
            self._bar.update(self._task, total=max(done, total), completed=done, told=told, refresh=True)
        elif elapsed_s - self._shown_s >= _LINE_EVERY_S:
            self._shown_s = elapsed_s
            self.say(f"{self._verb} {line(elapsed_s, done, total, since)}")

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._console.print(Text(text), soft_wrap=True)


def line(elapsed_s: float, done: int, total: int, since: int = 0) -> str:
    """How far a seed is, in one line."""
    rate = (done - since) / elapsed_s if elapsed_s > 0 else 0.0
    share = 100 * min(1.0, done / total) if total else 100.0
    eta = clock(max(0, total - done) / rate + 0.5) if rate else "-"
    return f"{clock(elapsed_s)}  {done:,} events  {per_s(rate)}/s  {share:.0f} %  ETA {eta}"

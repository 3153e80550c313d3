"""How far a seed or a replay is, on standard error: in place on a terminal, else a line every five seconds."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from lensload.report.terminal import can_redraw
from lensload.report.units import clock, per_s

_LINE_EVERY_S: Final = 5.0
_DRAW_EVERY_S: Final = 0.1


class ProgressView:
    """Shows how far something is. Draws what it is given: it starts no thread and reads no clock.

    Args:
        verb: what is being done: "seeding", "verifying", "replaying".
        noun: what it is done with: "events", "messages".
        console: where to draw; standard error if None.
        quiet: show no progress, for a terminal that something else is printed to.
    """

    def __init__(self, verb: str, noun: str, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True)
        self._verb, self._noun = verb, noun
        self._quiet = quiet
        in_place = can_redraw(self._console) and not quiet
        columns = (TextColumn(verb), BarColumn(bar_width=None), TextColumn("{task.fields[line]}"))
        self._bar = (
            Progress(
                *columns, console=self._console, auto_refresh=False, transient=True, redirect_stdout=False
            )
            if in_place
            else None
        )
        self._task = self._bar.add_task("", total=None, line="") if self._bar else None
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

    def show(self, elapsed_s: float, count: int, passed: int, total: int | None, before: int = 0) -> None:
        """Show how far it is, if it is time to.

        Args:
            elapsed_s: since it began.
            count: how many events or messages are done.
            passed: how much of `total` is; offsets, where messages are not all that is passed.
            total: how much there is in all, perhaps nearly; None for no end.
            before: how much of `count` and of `passed` was done before it began.
        """
        every_s = _DRAW_EVERY_S if self._bar else _LINE_EVERY_S
        if self._quiet or elapsed_s - self._shown_s < every_s:
            return
        self._shown_s = elapsed_s
        text = line(self._noun, elapsed_s, count, passed, total, before)
        if self._bar and self._task is not None:
            most = None if total is None else max(passed, total)
            self._bar.update(self._task, total=most, completed=passed, line=text, refresh=True)
        else:
            self.say(f"{self._verb} {text}")

    def say(self, text: str) -> None:
        """Show a line that stays."""
        self._console.print(Text(text), soft_wrap=True)


def line(noun: str, elapsed_s: float, count: int, passed: int, total: int | None, before: int = 0) -> str:
    """How far something is, in one line; the arguments are those of `ProgressView.show`."""
    count_per_s = (count - before) / elapsed_s if elapsed_s > 0 else 0.0
    text = f"{clock(elapsed_s)}  {count:,} {noun}  {per_s(count_per_s)}/s"
    if total is None:
        return text
    share = 100 * min(1.0, passed / total) if total else 100.0
    now = passed - before
    eta = clock(max(0, total - passed) * elapsed_s / now + 0.5) if now > 0 and elapsed_s > 0 else "-"
    return f"{text}  {share:.0f} %  ETA {eta}"

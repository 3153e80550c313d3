"""A replay on standard error while it goes on: in place on a terminal, else a line every five seconds."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from lensload.report.terminal import can_redraw
from lensload.report.units import clock, per_s

_LINE_EVERY_S: Final = 5.0
_DRAW_EVERY_S: Final = 0.1


class ReplayView:
    """Shows how far a replay is. Draws what it is given: it starts no thread and reads no clock.

    Args:
        console: where to draw; standard error if None.
        quiet: show nothing, for a terminal that the messages themselves are printed to.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True)
        self._quiet = quiet
        in_place = can_redraw(self._console) and not quiet
        self._bar = (
            Progress(
                TextColumn("replaying"),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[told]}"),
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
            )
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

    def show(self, elapsed_s: float, messages: int, passed: int, total: int | None) -> None:
        """Show how far it is, if it is time to.

        Args:
            elapsed_s: since the replay began.
            messages: replayed so far.
            passed: offsets passed so far.
            total: offsets to pass; None for a replay without an end.
        """
        every_s = _DRAW_EVERY_S if self._bar else _LINE_EVERY_S
        if self._quiet or elapsed_s - self._shown_s < every_s:
            return
        self._shown_s = elapsed_s
        told = line(elapsed_s, messages, passed, total)
        if self._bar and self._task is not None:
            self._bar.update(self._task, total=total, completed=passed, told=told, refresh=True)
        else:
            self._console.print(Text(told), soft_wrap=True)


def line(elapsed_s: float, messages: int, passed: int, total: int | None) -> str:
    """How far a replay is, in one line."""
    rate = messages / elapsed_s if elapsed_s > 0 else 0.0
    text = f"{clock(elapsed_s)}  {messages:,} messages  {per_s(rate)}/s"
    if total is None:
        return text
    share = 100 * passed / total if total else 100.0
    left_s = (total - passed) * elapsed_s / passed if passed else None
    eta = "-" if left_s is None else clock(left_s + 0.5)
    return f"{text}  {share:.0f} %  ETA {eta}"

"""What is drawn in place on a terminal, and printed line by line anywhere else."""

from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lensload.processes import stdio


def can_redraw(console: Console) -> bool:
    """Whether what was printed can be replaced: a terminal that is able to, with this process in front."""
    return console.is_terminal and not console.is_dumb_terminal and stdio.in_front(console.file)


def bar(label: str, text: Text, elapsed_s: float, completed: float, total: float | None) -> RenderableType:
    """A line with how much is done; `total` None is for no end, and pulses."""
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(width=max(9, len(label)))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    styles = dict.fromkeys(("complete_style", "finished_style", "pulse_style"), "cyan")
    drawn = ProgressBar(
        total=total, completed=completed, pulse=total is None, animation_time=elapsed_s, **styles
    )
    grid.add_row(Text(label, "bold"), drawn, text)
    return grid


class TerminalView:
    """Standard error, or another console. Draws what it is given: it starts no thread and reads no clock.

    Use it as a context manager, so that the terminal gets its cursor back whatever happens.

    Args:
        console: where to draw; standard error if None.
        quiet: draw nothing in place, for a terminal that something else is printed to.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        self._console = console or Console(stderr=True)
        # auto_refresh would start a thread, and a run's view draws in a process that belongs to gevent.
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
            if can_redraw(self._console) and not quiet
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str, style: str = "") -> None:
        """Show a line that stays."""
        self._console.print(Text(text, style), soft_wrap=True)

    def _draw(self, picture: RenderableType) -> None:
        """Replace what was drawn, unless the process has been sent to the background since."""
        if self._live and can_redraw(self._console):
            self._live.update(picture, refresh=True)

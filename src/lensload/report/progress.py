"""How far a seed or a replay is, on standard error: in place on a terminal, else a line every five seconds."""

from typing import Final

from rich.console import Console
from rich.text import Text

from lensload.report.terminal import TerminalView, bar
from lensload.report.units import clock, per_s

_LINE_EVERY_S: Final = 5.0
_DRAW_EVERY_S: Final = 0.1


class ProgressView(TerminalView):
    """Shows how far something is.

    Args:
        verb: what is being done: "seeding", "verifying", "replaying".
        noun: what it is done with: "events", "messages".
        console: where to draw; standard error if None.
        quiet: show no progress, for a terminal that something else is printed to.
    """

    def __init__(self, verb: str, noun: str, console: Console | None = None, *, quiet: bool = False) -> None:
        super().__init__(console, quiet=quiet)
        self._verb, self._noun = verb, noun
        self._quiet = quiet
        self._shown_s = 0.0

    def show(self, elapsed_s: float, count: int, passed: int, total: int | None, before: int = 0) -> None:
        """Show how far it is, if it is time to.

        Args:
            elapsed_s: since it began.
            count: how many events or messages are done.
            passed: how much of `total` is; offsets, where messages are not all that is passed.
            total: how much there is in all, perhaps nearly; None for no end.
            before: how much of `count` and of `passed` was done before it began.
        """
        every_s = _DRAW_EVERY_S if self._live else _LINE_EVERY_S
        if self._quiet or elapsed_s - self._shown_s < every_s:
            return
        self._shown_s = elapsed_s
        text = line(self._noun, elapsed_s, count, passed, total, before)
        if self._live:
            most = None if total is None else max(passed, total)
            self._draw(bar(self._verb, Text(text), elapsed_s, passed, most))
        else:
            self.say(f"{self._verb} {text}")


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

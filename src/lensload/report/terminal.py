"""Whether a terminal is ours to draw on."""

from rich.console import Console

from lensload.processes import stdio


def can_redraw(console: Console) -> bool:
    """Whether what was printed can be replaced: a terminal that is able to, with this process in front."""
    return console.is_terminal and not console.is_dumb_terminal and stdio.in_front(console.file)

"""The HTML report: one file for one or more runs, without scripts, that opens without a network."""

from collections.abc import Sequence
from pathlib import Path

from lensload.errors import UsageError
from lensload.report.html.page import render
from lensload.run import Run

__all__ = ["render", "write"]


def write(path: Path, runs: Sequence[Run], names: Sequence[str]) -> None:
    """Write the report of some runs.

    Args:
        path: where to; missing folders are made.
        runs: in the order to show them.
        names: what to call each.

    Raises:
        UsageError: `path` cannot be written, or a histogram in a run file is damaged.
    """
    text = render(runs, names)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The report {path} cannot be written: {error.strerror or error}.",
            "Give another place with --html.",
        ) from error

"""The files that show a run to machines and people: where each goes, checked before the run and written after it."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lensload import atomic_file
from lensload.config.fields import Outputs, Views
from lensload.config.model import flag_of
from lensload.errors import UsageError

if TYPE_CHECKING:
    from lensload.results.run import Run

Named = Sequence[tuple[str, "Run"]]
Text = Callable[[Named], str]

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def check(views: Views, others: Mapping[str, Path] | None = None) -> None:
    """Find out now whether all of them can be written, and the run file if there is one.

    Args:
        views: which files are wanted.
        others: further files that are read or written, by what people call them.

    Raises:
        UsageError: one cannot, or is another one too.
    """
    known: dict[str, Path | None] = dict(others or {})
    known |= {flag: path for path, _, flag, _ in _wanted(views)}
    if isinstance(views, Outputs):
        known["--run-file"] = views.run_file
    atomic_file.check_apart(known)
    if isinstance(views, Outputs):
        atomic_file.check_writable(views.run_file)
    for path, what, flag, _ in _wanted(views):
        atomic_file.check_writable(path, what, flag)


def write(views: Views, runs: Named, wrote: Callable[[str, Path], None] = lambda _what, _path: None) -> None:
    """Write all of them, each of all the runs.

    Args:
        views: which files are wanted.
        runs: what they show, by name.
        wrote: is called with what each file is and its path, once it is written.

    Raises:
        UsageError: some could not be written; the others were.
    """
    complaints: list[UsageError] = []
    for path, what, flag, text in _wanted(views):
        try:
            leave(path, text(runs), what, flag)
            wrote(what, path)
        except UsageError as error:
            complaints.append(error)
    if complaints:
        raise UsageError("\n".join(map(str, complaints)))


def _wanted(views: Views) -> Iterator[tuple[Path, str, str, Text]]:
    for name, (what, text) in _VIEWS.items():
        path: Path | None = getattr(views, name)
        if path:
            yield path, what, flag_of(name), text


def leave(path: Path, text: str, what: str, flag: str) -> None:
    """Write a file whole or not at all; a job's summary, which steps share, is added to.

    Raises:
        UsageError: it cannot be written.
    """
    if str(path) == os.environ.get(STEP_SUMMARY) and path.is_file():
        text = path.read_text(encoding="utf-8") + text
    atomic_file.leave(path, text, what, flag)


# Each view is imported when it is asked for: most runs have none of them.


def _csv(runs: Named) -> str:
    from lensload.report import csv  # noqa: PLC0415

    return csv.of_runs(runs)


def _junit(runs: Named) -> str:
    from lensload.report import junit  # noqa: PLC0415

    return junit.xml([junit.of_run(run, name if len(runs) > 1 else "lensload") for name, run in runs])


def _summary(runs: Named) -> str:
    from lensload.report import markdown  # noqa: PLC0415

    return "\n".join(markdown.of_run(run, name if len(runs) > 1 else "") for name, run in runs)


def _html(runs: Named) -> str:
    from lensload.report.html import render  # noqa: PLC0415 - the library that draws is half of a start's time

    return render([run for _, run in runs], [name for name, _ in runs])


_VIEWS: Final[Mapping[str, tuple[str, Text]]] = {
    "junit": ("JUnit file", _junit),
    "summary": ("summary", _summary),
    "csv": ("CSV file", _csv),
    "html": ("HTML report", _html),
}
"""What each view is called, and its text, by the field that names its file."""

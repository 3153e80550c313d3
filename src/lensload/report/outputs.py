"""The files that show a run to machines and people: where each goes, checked before the run and written after it."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lensload import atomic_file
from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.report import csv, junit, markdown
from lensload.results.run import Run

Named = Sequence[tuple[str, Run]]

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True, slots=True)
class Views:
    """Which views are wanted, and where; None: not at all."""

    junit: Path | None = None
    summary: Path | None = None
    csv: Path | None = None
    html: Path | None = None

    @classmethod
    def of(cls, config: RunConfig) -> "Views":
        """Those that a run's configuration asks for."""
        return cls(config.outputs.junit, config.outputs.summary, config.outputs.csv, config.outputs.html)

    def check(self, others: Mapping[str, Path | None]) -> None:
        """Find out now whether all of them can be written.

        Args:
            others: further files that are read or written, by what people call them.

        Raises:
            UsageError: one cannot, or is another one too.
        """
        own = {flag: path for path, _, flag, _ in self._wanted()}
        atomic_file.check_apart({**others, **own})
        for path, what, flag, _ in self._wanted():
            atomic_file.check_writable(path, what, flag)

    def leave(self, runs: Named) -> None:
        """Write all of them, each of all the runs.

        Raises:
            UsageError: some could not be written; the others were.
        """
        complaints: list[UsageError] = []
        for path, what, flag, text in self._wanted():
            try:
                leave(path, text(runs), what, flag)
            except UsageError as error:
                complaints.append(error)
        if complaints:
            raise UsageError("\n".join(map(str, complaints)))

    def _wanted(self) -> list[tuple[Path, str, str, Callable[[Named], str]]]:
        known = (
            (self.junit, "JUnit file", "--junit", _junit),
            (self.summary, "summary", "--summary", _summary),
            (self.csv, "CSV file", "--csv", csv.of_runs),
            (self.html, "HTML report", "--html", _html),
        )
        return [(path, what, flag, text) for path, what, flag, text in known if path]


def leave(path: Path, text: str, what: str, flag: str) -> None:
    """Write a file whole or not at all; a job's summary, which steps share, is added to.

    Raises:
        UsageError: it cannot be written.
    """
    if str(path) == os.environ.get(STEP_SUMMARY) and path.is_file():
        text = path.read_text(encoding="utf-8") + text
    atomic_file.leave(path, text, what, flag)


def _junit(runs: Named) -> str:
    return junit.xml([junit.of_run(run, name if len(runs) > 1 else "lensload") for name, run in runs])


def _summary(runs: Named) -> str:
    return "\n".join(markdown.of_run(run, name if len(runs) > 1 else "") for name, run in runs)


def _html(runs: Named) -> str:
    from lensload.report.html import render  # noqa: PLC0415 - the library that draws is half of a start's time

    return render([run for _, run in runs], [name for name, _ in runs])

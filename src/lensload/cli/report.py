"""`lensload report`: run files as tables and as files for machines, any time after the run."""

import sys
from pathlib import Path

import click

from lensload.report.console import print_result
from lensload.report.outputs import Views
from lensload.results import run_file
from lensload.verdict.reasons import EXIT_CODES


@click.command(short_help="Show run files and write reports of them.")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=Path)
@click.option("--junit", metavar="FILE.xml", type=Path, help="JUnit XML, a test suite a run.")
@click.option("--summary", metavar="FILE.md", type=Path, help="Markdown, fit for a job's summary page.")
@click.option(
    "--html",
    metavar="FILE.html",
    type=Path,
    help="One page that opens without a network, all runs side by side.",
)
@click.option("--csv", metavar="FILE.csv", type=Path, help="The course of the runs, one row a second.")
def report(runs: tuple[Path, ...], **files: Path | None) -> None:
    """Show run files again, and write their views.

    The exit code is the gravest of the runs': 3 if one is invalid, 1 if one failed, else 0.
    """
    views = Views(**files)
    views.check({f"the run file {path}": path for path in dict.fromkeys(runs)})
    named = [(path.stem, run_file.read(path)) for path in runs]
    for path, (_, run) in zip(runs, named, strict=True):
        print_result(run, run_file=path)
    views.leave(named)
    sys.exit(max(EXIT_CODES[run["verdict"]] for _, run in named))

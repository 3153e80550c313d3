"""`lensload report`: run files as tables and as files for machines, any time after the run."""

import sys
from pathlib import Path

import click

from lensload.cli.options import Command, Given, run_options
from lensload.config.fields import Views
from lensload.config.model import VIEWS
from lensload.errors import UsageError
from lensload.report import outputs
from lensload.report.console import RUN_FILE, print_file, print_result
from lensload.results import run_file
from lensload.verdict.verdict import EXIT_CODES


@click.command(cls=Command)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=Path)
@run_options(only=VIEWS)
def report(given: Given, runs: tuple[Path, ...]) -> None:
    """Show run files again, and write their views.

    The exit code is that of the worst run: 3 if one is invalid, 1 if one failed, else 0.
    """
    views = Views.model_validate({name: given.flags[name] for name in VIEWS})
    outputs.check(views, {f"the run file {path}": path for path in dict.fromkeys(runs)})
    named = [(path.stem, run_file.read(path)) for path in runs]
    try:
        for path, (_, run) in zip(runs, named, strict=True):
            print_result(run, files=[(RUN_FILE, path)])
        outputs.write(views, named, print_file)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        # What a run file says of its conditions is free, so that nothing checks it before it is shown.
        raise UsageError(
            f"{', '.join(map(str, runs))} cannot be shown: {type(error).__name__}: {error}.",
            "A run file was changed after lensload wrote it. Copy it again, or run again.",
        ) from error
    sys.exit(max(EXIT_CODES[run["verdict"]] for _, run in named))

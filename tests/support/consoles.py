"""What is printed, as text."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from lensload.report.console import RUN_FILE, print_result
from lensload.results.run import Run


def result_text(run: Run, run_file: Path | None = None, width: int = 100) -> str:
    """What `print_result` prints on a terminal of this width."""
    screen = StringIO()
    print_result(run, Console(file=screen, width=width), [(RUN_FILE, run_file)] if run_file else [])
    return screen.getvalue()

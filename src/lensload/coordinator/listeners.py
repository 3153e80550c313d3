"""What follows a run: the writer of its files, the view of it on the screen, a log."""

import logging
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from lensload.config.model import RunConfig
from lensload.coordinator.recorder import Recorder
from lensload.coordinator.workers import WorkerState
from lensload.errors import UsageError
from lensload.processes.messages import Report
from lensload.report import outputs
from lensload.report.console import RUN_FILE, print_result
from lensload.report.live import LiveView
from lensload.results import run_file
from lensload.results.run import Run
from lensload.results.snapshot import Snapshot
from lensload.verdict.verdict import in_words

_log = logging.getLogger("lensload")


class Listener:
    """Is told of a run's course; subclasses listen to what they need."""

    def started(self, recorder: Recorder) -> None:
        """A run starts; `recorder` counts what happens in it."""

    def reported(self, worker: WorkerState, report: Report) -> None:
        """A process of a worker has reported; its stats are in the recorder, and no longer here."""

    def second(self, snapshot: Snapshot) -> None:
        """A second of the run is over; what came in it is the recorder's `came`."""

    def result(self, result: Run) -> None:
        """The run is over, and this is its result."""

    def closed(self) -> None:
        """The run is over, whether there is a result or not."""


class FileWriter(Listener):
    """Writes the run file and the other files that the configuration asks for.

    Attributes:
        written: what each file is that is written, and its path; the run file is the first.
        error: why a file could not be written; None while all were.
    """

    def __init__(self, config: RunConfig) -> None:
        self.written: list[tuple[str, Path]] = []
        self.error: UsageError | None = None
        self._config = config

    @property
    def wrote_run_file(self) -> bool:
        """The run file is written."""
        return any(what == RUN_FILE for what, _ in self.written)

    def started(self, recorder: Recorder) -> None:
        """Say that a run file will be replaced, while there is time to keep it."""
        path = self._config.outputs.run_file
        if path.is_file():
            recorder.notices.append(
                f"An earlier run's file is at {path}; this run replaces it at its end. Another --run-file keeps both."
            )

    def result(self, result: Run) -> None:
        """Write all files; what cannot be written is logged."""
        self._write(lambda: self._write_run_file(result))
        named = [(self._config.outputs.run_file.stem, result)]
        self._write(lambda: outputs.write(self._config.outputs, named, self._wrote))

    def _write_run_file(self, result: Run) -> None:
        run_file.write(self._config.outputs.run_file, result)
        self._wrote(RUN_FILE, self._config.outputs.run_file)

    def _wrote(self, what: str, path: Path) -> None:
        self.written.append((what, path))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except UsageError as error:
            _log.error(str(error))  # a message, not a traceback
            self.error = error


class Screen(Listener):
    """Shows a run on standard error while it runs, and its result on standard output.

    Args:
        config: of the run.
        files: has written them when the result comes.
        console: where the result goes instead.
    """

    def __init__(self, config: RunConfig, files: FileWriter, console: Console | None = None) -> None:
        self._console = console
        self._files = files
        self._view = LiveView(thresholds=config.criteria)
        self._view.__enter__()

    def second(self, snapshot: Snapshot) -> None:
        """Show the run as it is now."""
        self._view.show(snapshot)

    def result(self, result: Run) -> None:
        """Show the result in place of the run."""
        self.closed()
        print_result(result, self._console, self._files.written)

    def closed(self) -> None:
        """Give the terminal back as it was."""
        self._view.__exit__(None, None, None)


class Log(Listener):
    """Logs what is worth a person's attention, where no run is shown on a screen.

    Args:
        config: of the run.
        files: has written them when the result comes.
        console: where a whole result goes instead of standard output.

    Attributes:
        whole: print the whole result in place of the verdict: nothing else will show it once the process has ended.
    """

    def __init__(self, config: RunConfig, files: FileWriter, console: Console | None = None) -> None:
        self.whole = False
        self._run_file = config.outputs.run_file
        self._files = files
        self._console = console

    def second(self, snapshot: Snapshot) -> None:
        """Log the notices that are new."""
        for notice in snapshot.notices:
            _log.warning(notice)

    def result(self, result: Run) -> None:
        """Log the verdict and the reasons for it, or print the whole result."""
        if self.whole:
            print_result(result, self._console, self._files.written)
            return
        _log.info("Verdict: %s. Run file: %s", result["verdict"], self._run_file)
        for reason in result["reasons"]:
            _log.warning(in_words(reason))

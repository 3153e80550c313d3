"""What follows a run and its result."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from lensload.config.model import RunConfig
from lensload.coordinator.listeners import FileWriter, Log, Screen
from tests.support.planted_runs import a_run


def test_the_end_of_a_run_names_the_files_that_were_written(tmp_path: Path):
    """Run file, report and other views are named with their paths, and a file that could not be written is not."""
    views = {"run_file": "run.json", "html": "report.html", "csv": "seconds.csv"}
    paths = {name: tmp_path / path for name, path in views.items()}
    config = RunConfig.of(**paths, junit=Path("/dev/full"))
    files, text = FileWriter(config), StringIO()
    screen = Screen(config, files, Console(file=text, width=80))
    for listener in (files, screen):
        listener.result(a_run())
    for path in paths.values():
        assert text.getvalue().count(f": {path}\n") == 1
    assert "/dev/full" not in text.getvalue()
    assert files.error is not None
    assert files.wrote_run_file


def test_a_log_prints_the_whole_result_of_a_run_that_ends_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Ctrl-C takes the page away: the terminal has the figures then. Otherwise a line with the verdict is enough."""
    config = RunConfig.of(run_file=tmp_path / "run.json")
    caplog.set_level("INFO", "lensload")
    for whole in (False, True):
        files, text = FileWriter(config), StringIO()
        log = Log(config, files, Console(file=text, width=80))
        log.whole = whole
        caplog.clear()
        for listener in (files, log):
            listener.result(a_run())
        assert ("end to end" in text.getvalue()) == whole
        assert bool(caplog.records) != whole


def test_a_run_file_that_is_not_written_is_not_named(tmp_path: Path):
    """Nobody looks for a file where there is none."""
    (tmp_path / "taken").write_text("")
    config = RunConfig.of(run_file=tmp_path / "taken" / "run.json")
    files, text = FileWriter(config), StringIO()
    screen = Screen(config, files, Console(file=text, width=80))
    for listener in (files, screen):
        listener.result(a_run())
    assert "run.json" not in text.getvalue()
    assert not files.wrote_run_file

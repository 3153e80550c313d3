"""Other people's surroundings must not change a run: their modules, Locust's configuration, a terminal, a pipe."""

import json
import os
import pty
import re
import subprocess
import sys
import sysconfig
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest

from lensload.processes import interpreter
from lensload.results.run import Run, total
from lensload.schema import definitions
from lensload.verdict.verdict import EXIT_CODES
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, Command, Locust, check_good, check_whole, child_pids, wait_until

SMALL = ("--warmup", "0s", "--audience-size", "500", "--catalogue-size", "200", "--max-schedule-lag", "5s")
SHORT = ("--rate", "50", "--duration", "1s", *SMALL)
SEED = ("seed", "--events", "300", "--audience-size", "500", "--catalogue-size", "200")
INSTALLED = str(Path(sysconfig.get_path("scripts")) / "lensload")

# What it would do if it were imported: note that it was, and end the process as if all were well.
TRAP = "import os, sys\nopen(os.environ['TRAPPED'], 'a').write(__name__ + '\\n')\nos._exit(0)\n"
TRAPS = ("queue", "numpy", "click", "gevent", "rich", "fastavro", "locust_plugins", "orjson")

LOCUST_CONF = (
    'master = true\nexpect-workers = 3\nrun-time = "1s"\nusers = 1\ncsv = csv\nlogfile = their.log\n'
)
LOCUST_TOML = '[tool.locust]\nmaster = true\ntags = ["smoke"]\nprocesses = 3\nstop-timeout = "99"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run in, in which no process is left behind."""
    folder = tmp_path.resolve()
    yield folder
    wait_until(lambda: not child_pids(folder), 5)


@pytest.fixture
def trapped(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of somebody whose working folder has all that could lead Python or Locust astray.

    Nothing of it may have been imported at the end.
    """
    for name in TRAPS:
        (folder / f"{name}.py").write_text(TRAP)
    (folder / "locust").mkdir()
    (folder / "locust" / "__init__.py").write_text(TRAP)
    (folder / "home").mkdir()
    for place in (folder / "locust.conf", folder / "home" / ".locust.conf"):
        place.write_text(LOCUST_CONF)
    (folder / "pyproject.toml").write_text(LOCUST_TOML)
    note = folder / "trapped"
    yield {
        "TRAPPED": str(note),
        "HOME": str(folder / "home"),
        # The empty entry is the working folder, and so is the second: both are common.
        "PYTHONPATH": os.pathsep.join(["", str(folder), *filter(None, sys.path)]),
        "LOCUST_RUN_TIME": "1",
    }
    assert not note.exists(), f"imported from the working folder: {note.read_text()}"


def started_as_module(folder: Path, *arguments: str, environ: dict[str, str]) -> Command:
    """`python -m lensload`, for which Python puts the working folder on the module path itself."""
    return Command(folder, [sys.executable, "-m", "lensload", *arguments], name="module", environ=environ)


@pytest.mark.parametrize(("repeats", "workers"), [(1, 2), (2, 1)])
def test_a_bench_is_its_own_program(folder: Path, trapped: dict[str, str], repeats: int, workers: int):
    """No module of the working folder and no configuration of Locust reaches a run, or any of its processes.

    One run is made in the command's own process, each of several in a process of its own.
    """
    several = ("--workers", str(workers), "--repeat", str(repeats))
    with started_as_module(folder, "bench", *SHORT, *several, environ=trapped) as bench:
        code = bench.ended(120)
        run = bench.run()
    check_good(run, code)
    check_whole(run)
    assert run["measured_s"] == repeats
    assert len(run["repeats"]) == (repeats if repeats > 1 else 0)
    assert not [*folder.glob("csv*"), *folder.glob("their.log")]


def test_a_search_is_not_led_astray(folder: Path, trapped: dict[str, str]):
    """`capacity` and its runs."""
    search = (
        "--start-rate",
        "50",
        "--max-rate",
        "50",
        "--step-duration",
        "1s",
        "--settle",
        "0s",
        "--slo",
        "achieved >= 1 %",
    )
    command = [INSTALLED, "capacity", *search, *SMALL]
    with Command(folder, command, name="capacity", environ=trapped) as capacity:
        assert capacity.ended(120) == 0, capacity.log


def test_seed_and_replay_are_not_led_astray(
    folder: Path, trapped: dict[str, str], kafka: Kafka, registry: Registry, topic_prefix: str
):
    """`seed` with its workers, and `replay`."""
    cluster = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    where = (*cluster, "--topic-prefix", topic_prefix)
    with Command(folder, [INSTALLED, *SEED, *where], name="seed", environ=trapped) as command:
        assert command.ended(120) == 0, command.log
    replay = [INSTALLED, "replay", *definitions.TOPIC_NAMES, *where]
    with Command(folder, replay, name="replay", environ=trapped) as command:
        assert command.ended(120) == 0, command.log
        assert re.search(r"^300 messages", command.log, re.MULTILINE)


def test_modules_are_found_where_the_parent_found_them(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A path of PYTHONPATH stays, the working folder goes, and lensload is found though it was imported from there."""
    root = str(Path(interpreter.__file__).parents[2])
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", ["", "/elsewhere", str(folder), root, str(folder / "site-packages")])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/mine"]))
    there = interpreter.environ()["PYTHONPATH"].split(os.pathsep)
    assert there == ["/mine", "/elsewhere", root, str(folder / "site-packages")]
    monkeypatch.chdir(root)
    interpreter.leave_out_working_folder()
    assert sys.path == ["/elsewhere", str(folder), str(folder / "site-packages"), root]
    (folder / "site-packages").mkdir()
    monkeypatch.chdir(folder / "site-packages")
    interpreter.leave_out_working_folder()
    assert str(folder / "site-packages") in sys.path, "somebody looks at what is installed"


def test_tags_select_nothing_of_ours(folder: Path):
    """`locust --tags` chooses among tasks; an audience has none, and runs."""
    tags = ("--tags", "smoke", "--exclude-tags", "slow")
    with Locust(folder, "--headless", "-u", "2", "-r", "2", "--duration", "1s", *SMALL, *tags) as locust:
        code = locust.ended()
    check_good(locust.run(), code)
    check_whole(locust.run())
    assert "no tasks left" not in locust.log


@pytest.mark.parametrize(
    "ending", ["raise RuntimeError('broken')", "raise SystemExit(0)", "raise SystemExit(1)"]
)
def test_no_run_file_is_never_a_verdict(folder: Path, ending: str):
    """Whatever ends a run before its file is written: the exit code is 3, though a file of an earlier run is there."""
    (folder / "broken").mkdir()
    (folder / "broken" / "rich.py").write_text(ending)
    (folder / "run.json").write_text("{}")
    environ = {"PYTHONPATH": os.pathsep.join([str(folder / "broken"), *filter(None, sys.path)])}
    with Bench(folder, *SHORT, environ=environ) as bench:
        assert bench.ended() == 3, bench.log


class Terminal:
    """A pseudo-terminal that is the controlling terminal of one command."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self.settings = termios.tcgetattr(theirs)
        self._theirs = theirs
        become = (
            f"import fcntl, os; fcntl.ioctl(0, {termios.TIOCSCTTY}, 0); "
            f"os.execvp({command[0]!r}, {command!r})"
        )
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", become],
            cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        self.screen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def shows(self, condition: Callable[[str], object], timeout_s: float = 40) -> None:
        """Wait until what it has shown so far meets a condition."""
        wait_until(lambda: condition(self._read()), timeout_s)

    def ended(self, timeout_s: float = 40) -> int:
        """Wait for the command's end, reading what it shows; its exit code."""

        def over() -> bool:
            self._read()
            return self.process.poll() is not None

        wait_until(over, timeout_s)
        self._read()
        return self.process.returncode

    def now(self) -> list[object]:
        """The terminal's present settings."""
        return termios.tcgetattr(self._theirs)

    def _read(self) -> str:
        try:
            while chunk := os.read(self._ours, 1 << 16):
                self.screen += chunk.decode(errors="replace")
        except OSError:  # nothing more for now
            pass
        return self.screen


def test_a_bench_in_the_background_runs(folder: Path):
    """A job of an interactive shell is not stopped for its terminal, even under `stty tostop`, nor draws on it."""
    script = f"stty tostop; before=$(stty -g); {INSTALLED} bench {' '.join(SHORT)} & wait $!; echo code $?."
    script += ' [ "$(stty -g)" = "$before" ] && echo unchanged'
    with Terminal(folder, ["bash", "-m", "-c", script.replace("& wait", "&\nwait")]) as terminal:
        terminal.ended()
        screen = terminal.screen
    run: Run = json.loads((folder / "run.json").read_text())
    assert f"code {EXIT_CODES[run['verdict']]}." in screen
    assert "unchanged" in screen
    assert "\x1b[?25l" not in screen, "it hides no cursor of somebody else's"


def test_no_key_changes_a_bench(folder: Path):
    """Locust's keys for more and fewer users mean nothing here, and the terminal's settings stay as they were."""
    with Terminal(folder, [INSTALLED, "bench", *SHORT, "--duration", "3s"]) as terminal:
        terminal.shows(lambda screen: "measuring" in screen)
        terminal.press("WWWWs\n")
        assert terminal.now() == terminal.settings
        code = terminal.ended()
        assert terminal.now() == terminal.settings
    run: Run = json.loads((folder / "run.json").read_text())
    check_good(run, code)
    assert total(run, "produced") == pytest.approx(150, abs=2)


def test_a_terminal_is_left_as_it_was_after_a_kill(folder: Path):
    """Nothing needs to be put back, so nothing can be left undone."""
    with Terminal(folder, [INSTALLED, "bench", *SHORT, "--duration", "30s"]) as terminal:
        terminal.shows(lambda screen: "measuring" in screen)
        terminal.process.kill()
        terminal.process.wait()
        assert terminal.now() == terminal.settings


def unread() -> int:
    """A pipe to write to whose reader has gone, as `| head -1` does."""
    read, write = os.pipe()
    os.close(read)
    return write


def code_unread(folder: Path, *arguments: str, stderr: bool = False) -> int:
    """The exit code of a command whose output nobody reads."""
    pipe = unread()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [INSTALLED, *arguments], cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=pipe,
            stderr=pipe if stderr else subprocess.PIPE, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(pipe)
    assert b"Traceback" not in (done.stderr or b"")
    return done.returncode


def test_a_reader_that_has_gone_changes_no_verdict(folder: Path):
    """`bench`, also with its standard error, and `report` end with the run's exit code, and leave all files."""
    code = code_unread(folder, "bench", *SHORT, stderr=True)
    run: Run = json.loads((folder / "run.json").read_text())
    assert code == EXIT_CODES[run["verdict"]]
    check_good(run, code)
    assert code_unread(folder, "report", "run.json", "--summary", "summary.md") == code
    assert (folder / "summary.md").exists()
    (folder / "failed.json").write_text(json.dumps({**run, "verdict": "fail"}))
    assert code_unread(folder, "report", "failed.json") == 1
    assert code_unread(folder, "compare", "--help") == 0


def test_a_replay_whose_reader_has_gone_ends_well(
    folder: Path, kafka: Kafka, registry: Registry, topic_prefix: str
):
    """`replay --print` into a pipe that nobody reads is done, not failed."""
    cluster = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    where = (*cluster, "--topic-prefix", topic_prefix)
    assert code_unread(folder, *SEED, *where, stderr=True) == 0
    for more in (("--print", "jsonl"), ("--print", "table"), ()):
        assert code_unread(folder, "replay", "user-interactions", *where, *more) == 0

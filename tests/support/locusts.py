"""Locust and `lensload bench` in processes of their own: importing Locust here would patch the tests for gevent."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lensload.metrics.counts import COUNTS, count_of
from lensload.results.run import Run, total
from tests.harness.process import free_port

PATIENCE_S = 60.0  # for what takes a second on a quiet machine; a test that passes does not wait for it
LENIENT = {
    "LENSLOAD_MAX_SCHEDULE_LAG": "1m",
    "LENSLOAD_MAX_OBSERVER_LAG": "1m",
    "LENSLOAD_MAX_LAG_SHARE": "1e9",
    "LENSLOAD_MIN_MEASURED": "0s",
    "LENSLOAD_MIN_EVENTS": "0",
}
"""What a run does is tested here, not how fast the machine is on which it does it; a flag beats the environment."""

REPOSITORY = Path(__file__).parents[2]
STANDINS = Path(__file__).parent / "standins"
ORDINARY = "from lensload.locust import OrdinaryAudience\n"
STAND_IN = (
    "import functools\nfrom lensload.locust import OrdinaryAudience, hooks\nfrom lensload.processes.supervisor import Supervisor\n"
    "hooks.make_supervisor = functools.partial(\n"
    "    Supervisor, generator_module='lensload_standin', observer_module='lensload_standin')\n"
)


def wait_until(condition: Callable[[], Any], timeout_s: float = PATIENCE_S) -> Any:
    """The condition's first true value; polls it, and fails when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {condition}")
        time.sleep(0.05)
    return value


def check_accounts(run: Run) -> None:
    """Every produced event has one fate, and every acknowledged one, unknown fates among them."""
    for topic, counts in run["topics"].items():
        of = {name: count_of(counts, name) for name in COUNTS}
        told = f"{topic}: {of}"
        assert of["produced"] == of["acked"] + of["failed"] + of["unflushed"], told
        assert of["acked"] == of["observed"] - of["failed_but_delivered"] + of["lost"] + of["unknown"], told
        assert min(of.values()) >= 0, told


def child_pids(folder: Path, module: str = "") -> list[int]:
    """The generators and observers that run in a folder: all, or those that run this module of lensload's.

    They are named by their package. Some are forks of the command, and have its arguments.
    """
    found: list[int] = []
    package = module.removeprefix("lensload.").partition(".")[0]
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            command, name = (place / "cmdline").read_bytes(), (place / "comm").read_text().rstrip()
            ours = re.search(rb"-m\0lensload[._]", command) or name in ("generator", "observer")
            if ours and (place / "cwd").readlink() == folder and package in ("", name):
                found.append(int(place.name))
    return found


class Command:
    """One command that makes runs, with its children; its own process group, as in a terminal.

    Args:
        folder: where it runs, and where its run file and log go.
        command: what to run.
        name: tells several in one folder apart.
        environ: more environment variables.
        cwd: where it runs, if not in the folder.
        enter: what to put before the command so that it runs on another host.
    """

    def __init__(
        self,
        folder: Path,
        command: list[str],
        *,
        name: str,
        environ: dict[str, str] | None = None,
        cwd: Path | None = None,
        enter: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._log = folder / f"{name}.log"
        environment = {
            **os.environ,
            **LENIENT,
            "PYTHONPATH": os.pathsep.join([str(STANDINS), *sys.path]),
            "PYTHONUNBUFFERED": "1",
            **(environ or {}),
        }
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*enter, *command],
                cwd=cwd or folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            sys.stderr.write(f"--- {self._log.name}:\n{self.log[-6000:]}\n")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    def ended(self, timeout_s: float = 2 * PATIENCE_S) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(timeout_s)

    def says(self, pattern: str, timeout_s: float = PATIENCE_S) -> re.Match[str]:
        """Wait until it has printed what the pattern matches."""
        found: re.Match[str] = wait_until(lambda: re.search(pattern, self.log), timeout_s)
        return found

    def press_ctrl_c(self) -> None:
        """Interrupt it as a terminal would: the whole process group at once."""
        os.killpg(self.process.pid, signal.SIGINT)

    def child_pids(self) -> list[int]:
        """The generators and observers that run in its folder, of whichever worker."""
        return child_pids(self._folder)

    @property
    def run_file(self) -> Path:
        """Where its runs' results go by default."""
        return self._folder / "run.json"

    def run(self) -> Run:
        """The result of its run, in which every event is accounted for, however it ended."""
        result: Run = json.loads(self.run_file.read_text())
        check_accounts(result)
        return result


class Locust(Command):
    """One Locust process, with its children.

    Args:
        folder: where it runs, and where its run file and log go.
        arguments: of the command.
        locustfile: its text; None: what `locust` finds by itself, in the repository's root.
        name: tells several in one folder apart.
        faults: how stand-in processes misbehave, if the locustfile uses them.
        environ: more environment variables.
        enter: what to put before the command so that it runs on another host.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        locustfile: str | None = ORDINARY,
        name: str = "locust",
        faults: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        enter: Sequence[str] = (),
    ) -> None:
        command = [sys.executable, "-m", "locust", *arguments]
        if locustfile is not None:
            (folder / "the_locustfile.py").write_text(locustfile)
            command += ["-f", "the_locustfile.py"]
        if "--processes" in arguments:  # on Locust's usual port, tests beside this one would take its workers
            port = str(free_port())
            command += ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]
        own = {"STANDIN": json.dumps(faults or {}), **(environ or {})}
        cwd = None if locustfile else REPOSITORY
        super().__init__(folder, command, name=name, environ=own, cwd=cwd, enter=enter)


class Bench(Command):
    """One `lensload bench`, as it is installed.

    Args:
        folder: where it runs, and where its run file and log go.
        arguments: of the command.
        environ: more environment variables.
    """

    def __init__(self, folder: Path, *arguments: str, environ: dict[str, str] | None = None) -> None:
        installed = Path(sysconfig.get_path("scripts")) / "lensload"
        super().__init__(folder, [str(installed), "bench", *arguments], name="bench", environ=environ)


class WebUI:
    """Locust's web interface, over plain HTTP."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def page(self) -> str:
        """The page itself."""
        return self._get("/")

    def offered(self, name: str) -> float:
        """What the form of lensload's own page holds in a field."""
        groups = json.loads(self._get("/lensload/api/form"))["groups"]
        return next(
            float(each["value"]) for group in groups for each in group["fields"] if each["name"] == name
        )

    def stats(self) -> dict[str, Any]:
        """What the page shows in its table."""
        found: dict[str, Any] = json.loads(self._get("/stats/requests"))
        return found

    def row(self, stage: str, topic: str) -> dict[str, Any] | None:
        """One row of that table."""
        rows = [row for row in self.stats()["stats"] if (row["method"], row["name"]) == (stage, topic)]
        return rows[0] if rows else None

    def swarm(self, users: int, **form: str) -> dict[str, Any]:
        """Start a test, or edit the one that runs."""
        answer: dict[str, Any] = json.loads(
            self._post("/swarm", user_count=str(users), spawn_rate="100", **form)
        )
        return answer

    def stop(self) -> None:
        """Stop the test; returns when Locust says it has."""
        self._post("/stop")

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self._base + path, timeout=30) as answer:  # noqa: S310  # our own address
            return answer.read().decode()

    def _post(self, path: str, **form: str) -> str:
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(self._base + path, data, timeout=60) as answer:  # noqa: S310  # our own address
            return answer.read().decode()


def check_kept(run: Run) -> None:
    """Every event produced was acknowledged and observed: once, or more often if a broker was away meanwhile."""
    produced = total(run, "produced")
    assert produced > 0
    for name in ("acked", "observed"):
        assert total(run, name) == produced, (name, run["topics"])
    assert total(run, "lost") == total(run, "failed") == 0, run["topics"]


def check_whole(run: Run) -> None:
    """Every event produced was acknowledged and observed, once."""
    check_kept(run)
    assert total(run, "duplicated") == 0, run["topics"]


def check_good(run: Run, code: int) -> None:
    """The run passed, and the command ended with the code for that.

    How late a busy machine is `LENIENT` allows; what it did not even send until the end is the one other excuse.
    """
    invalid = [reason["code"] for reason in run["reasons"] if reason["severity"] == "invalid"]
    excused = (run["verdict"], code, invalid) == ("invalid", 3, ["load_not_reached"])
    assert excused or (run["verdict"], code) == ("pass", 0), run["reasons"]

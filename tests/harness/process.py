"""A server process of ours: bound to our life, its folder and its log, and at our mercy for fault tests."""

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

from tests.harness.artifacts import HarnessError
from tests.harness.context import Context

LEASH = Path(__file__).with_name("leash.py")
# Below what Linux and macOS hand out to outgoing connections: a client that keeps knocking at a dead server's
# port inside that range may in the end be connected to itself, and keep the restarted server out.
SERVER_PORTS = range(20_000, 32_768)
_WORKERS = 16  # more of them than the tests have on any machine
START_TIMEOUT_S = 120.0  # a machine that is busy otherwise starts three brokers slowly
POLL_S = 0.02


class Server(Context):
    """One server on 127.0.0.1 with a temporary folder; a context manager that starts it and cleans up.

    Subclasses say what to run and when it answers. `close()` ends the process and deletes the folder;
    without it the process still ends as soon as the *thread* that started it does (Linux).

    Args:
        name: stands in the folder's name and in messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"lensload-{name}-"))
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command to run, after preparing whatever it needs in the folder."""

    @abstractmethod
    def _answers(self) -> bool:
        """Ask the server itself, within a second or so, whether it can be worked with."""

    @property
    def pid(self) -> int:
        """The process's id; HarnessError when nothing runs."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Whether the process exists, be it frozen."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return when it answers.

        Raises:
            HarnessError: it runs already, ended, or did not answer in time; the text ends with its log.
        """
        self.launch()
        self.await_answer()

    def launch(self) -> None:
        """Start the process and do not wait for its answer, as servers that need each other must be.

        Raises:
            HarnessError: it runs already.
        """
        if self.is_running:
            raise HarnessError(f"{self.name} runs already; restart() is what starts it anew.")
        command = [sys.executable, "-S", str(LEASH), str(os.getpid()), *self._command()]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # our own module, our own interpreter
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C at a terminal is for us; we then end the server
            )

    def await_answer(self) -> None:
        """Return when a launched process answers.

        Raises:
            HarnessError: it ended, or did not answer in time; the text ends with its log.
        """
        self._await_answer(time.monotonic() + START_TIMEOUT_S)

    def stop(self, timeout_s: float = 20.0) -> None:
        """Ask the process to end (SIGTERM), and kill it after `timeout_s`; nothing runs afterwards."""
        if self.is_running:
            process = self._running()
            self.thaw()
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would; nothing runs afterwards."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop the process in its tracks (SIGSTOP): connections stay open and nothing answers."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again, on the same addresses and data, after stopping what still runs."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the process and delete its folder, log and data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines: int = 60) -> str:
        """Return the end of what the server has written."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise HarnessError(f"{self.name} is not running; call start() first.")
        return self._process

    def _await_answer(self, deadline_s: float) -> None:
        process = self._running()
        while not self._answers():
            try:
                process.wait(POLL_S)
                why = f"ended with exit code {process.returncode}"
            except subprocess.TimeoutExpired:
                if time.monotonic() < deadline_s:
                    continue
                why = f"did not answer within {START_TIMEOUT_S:.0f} s"
                self.kill()
            raise HarnessError(f"{self.name} {why}; the end of its log:\n{self.log_tail()}")


def _own_ports() -> Iterator[int]:
    """The ports of this worker of the tests, over and over: what one picks, no worker beside it picks before it listens."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    own = SERVER_PORTS[worker::_WORKERS]
    return itertools.cycle(random.sample(own, len(own)))


_ports = _own_ports()


def free_ports(count: int) -> list[int]:
    """Find TCP ports of 127.0.0.1 that nobody listens on, by binding them all at once; each call finds other ones."""
    ports: list[int] = []
    held: list[socket.socket] = []
    try:
        for port in itertools.islice(_ports, len(SERVER_PORTS)):
            if len(ports) == count:
                break
            listener = socket.socket()
            held.append(listener)
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                ports.append(port)
    finally:
        for listener in held:
            listener.close()
    return ports


def free_port() -> int:
    """Find a TCP port of 127.0.0.1 that nobody listens on."""
    return free_ports(1)[0]


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens at this port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False

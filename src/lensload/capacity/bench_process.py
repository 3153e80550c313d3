"""A bench run in a process of its own, which repeats and searches make: started, waited for, and stopped."""

import signal
import subprocess
from types import FrameType
from typing import Final

from lensload.processes.stop_signals import stopping_by

Command = tuple[list[str], dict[str, str]]
"""The command of a run, and its environment."""

_KILL_AT: Final = 3
"""The first signal lets a run drain, the second lets it give that up; the third is for one that does neither."""

_FOREVER_S: Final = 1e9
"""With a limit, `Popen.wait` looks each 50 ms. Without one it would not see a signal that comes just before the wait begins."""


def run_to_end(command: Command) -> tuple[int, bool]:
    """Make a run; Ctrl-C and SIGTERM are passed on to it. Gives its exit code, and whether one has come.

    Call it in the main thread.
    """
    signals: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        signals.append(number)
        if process:
            _stop(process, len(signals))

    with stopping_by(pass_on):
        process = _started(command)
        with process:
            if signals:  # before there was a process to pass it on to
                _stop(process, len(signals))
            return process.wait(_FOREVER_S), bool(signals)


def _started(command: Command) -> subprocess.Popen[bytes]:
    """The process, in which SIGINT stays blocked: a terminal's Ctrl-C reaches it beside us, and twice means "do not drain"."""
    arguments, environ = command
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(arguments, env=environ, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _stop(process: subprocess.Popen[bytes], times: int) -> None:
    process.send_signal(signal.SIGTERM if times < _KILL_AT else signal.SIGKILL)

"""A run in a process of its own is told to stop by whoever tells the command, and ends in any case."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from lensload.capacity.bench_process import run_to_end
from tests.support.locusts import wait_until

# Writes how many signals it has heard, and ends at the last one that it waits for.
CHILD = """
import pathlib, signal, sys, time
file, most, heard = pathlib.Path(sys.argv[1]), int(sys.argv[2]), []
def hear(*_):
    heard.append(1)
    file.write_text(str(len(heard)))
signal.signal(signal.SIGTERM, hear)
file.write_text("0")
while len(heard) < most:
    time.sleep(0.01)
sys.exit(40 + len(heard))
"""


@pytest.mark.parametrize(
    ("sent", "waits_for", "code"),
    [
        ([signal.SIGTERM], 1, 41),
        ([signal.SIGINT, signal.SIGTERM], 2, 42),
        ([signal.SIGINT] * 3, 9, -signal.SIGKILL),
    ],
)
def test_each_signal_to_the_command_alone_is_passed_on_once(
    tmp_path: Path, sent: list[int], waits_for: int, code: int
) -> None:
    """One drains the run, two have it give that up, and a run that hears neither is killed by the third."""
    file = tmp_path / "heard"

    def send() -> None:
        for number, each in enumerate(sent):
            wait_until(lambda before=str(number): file.exists() and file.read_text() == before)
            os.kill(os.getpid(), each)

    sender = threading.Thread(target=send)
    sender.start()
    ended = run_to_end(([sys.executable, "-c", CHILD, str(file), str(waits_for)], dict(os.environ)))
    sender.join()
    assert ended == (code, True)


def test_a_run_that_nobody_stops_ends_with_its_own_code() -> None:
    """Its exit code is told, and that no signal has come; the handlers are those of before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert run_to_end(([sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ))) == (3, False)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before

"""Ctrl-C and SIGTERM, seen between two steps of work, so that no step is left half done."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping_by(stop: Callable[[int, FrameType | None], None]) -> Generator[None]:
    """Let Ctrl-C and SIGTERM call this, in place of what they did before."""
    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


@contextmanager
def deferred_stops() -> Generator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended; then they do what they did before.

    For the start of a process: an exception between the fork and its last line would leave a child that nobody knows.
    """
    received: list[int] = []
    try:
        with stopping_by(lambda number, _: received.append(number)):
            yield
    finally:
        for number in received:
            signal.raise_signal(number)


@contextmanager
def stop_signals() -> Generator[Callable[[], bool]]:
    """Whether Ctrl-C or SIGTERM has come. The second one interrupts at once.

    Raises:
        KeyboardInterrupt: the second has come.
    """
    received: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    with stopping_by(note):
        yield lambda: bool(received)

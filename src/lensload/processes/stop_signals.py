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

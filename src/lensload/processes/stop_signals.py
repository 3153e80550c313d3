"""Ctrl-C and SIGTERM, seen between two steps of work, so that no step is left half done."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType


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

    earlier = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)

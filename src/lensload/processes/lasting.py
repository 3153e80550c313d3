"""What lives as long as its process: modules, models, tables. No collection of garbage need look through it.

Python looks for garbage after every few hundred new objects, and imports make hundreds of thousands: that was a tenth
of the time in which a process starts.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager


def begin() -> None:
    """Collect no garbage: what is made from here on, up to `end`, lasts."""
    gc.disable()


def end() -> None:
    """Collect garbage again, and never look through what there is now."""
    gc.freeze()
    gc.enable()


@contextmanager
def made() -> Generator[None]:
    """What is made in this block lasts."""
    begin()
    try:
        yield
    finally:
        end()

"""This host's clock: which it is, what it says, and whether it was set."""

import hashlib
import time
import uuid
from pathlib import Path
from typing import Final

_QUICK_NS: Final = 20_000  # two readings further apart than this were interrupted
_TRIES: Final = 10


def host() -> str:
    """Which kernel, and so which clock, this process runs on: the same for all containers of a host, and no name of it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:  # not Linux
        boot = str(uuid.getnode()).encode()
    return hashlib.sha256(boot).hexdigest()[:16]


def now_ns() -> int:
    """The wall clock, Unix nanoseconds."""
    return time.time_ns()


class WallClock:
    """Whether the wall clock was set since this object was made, by the monotonic one, which nobody can set.

    Slewing (NTP's gentle correction) moves both clocks and is no step.
    """

    def __init__(self) -> None:
        self._apart_ns = _apart_ns()

    def step_ns(self) -> int:
        """By how much the wall clock has been set since: forwards above 0, backwards below."""
        return _apart_ns() - self._apart_ns


def _apart_ns() -> int:
    """Wall clock less monotonic clock, from the two readings that lay closest to each other."""
    best_ns, apart_ns = 1 << 62, 0
    for _ in range(_TRIES):
        before_ns, wall_ns, after_ns = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        if after_ns - before_ns < best_ns:
            best_ns, apart_ns = after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2
        if best_ns < _QUICK_NS:
            break
    return apart_ns

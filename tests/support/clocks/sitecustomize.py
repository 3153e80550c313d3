"""A wall clock of a host's own, for every Python process that has this folder on its path and CLOCK in its environment.

CLOCK is JSON: `base_ns`, a true time; `offset_ns`, by how much the clock is ahead then; `drift_ppm`, by how much it gains;
`step_file`, a file that holds when it is set (a true time, Unix ns) and by how much (ns), once that is known.

Only Python's functions are shifted: clients in C wait by the kernel's clocks. Both of the kernel's clocks drift together,
and only the wall clock is set.
"""

import json
import os
import time
from pathlib import Path

_LOOK_NS = 20_000_000

if "CLOCK" in os.environ:
    _clock = json.loads(os.environ["CLOCK"])
    _wall_ns, _monotonic_ns = time.time_ns, time.monotonic_ns
    _base_ns, _offset_ns, _rate = _clock["base_ns"], _clock["offset_ns"], _clock["drift_ppm"] * 1e-6
    _file = Path(_clock["step_file"])
    _apart_ns = _wall_ns() - _monotonic_ns()
    _step: list[int] = []
    _looked_ns = 0

    def _gained_ns(now_ns: int) -> int:
        return int(_rate * (now_ns - _base_ns))

    def _stepped_ns(now_ns: int) -> int:
        global _looked_ns  # noqa: PLW0603 - a process has one clock
        if not _step and now_ns >= _looked_ns:
            _looked_ns = now_ns + _LOOK_NS
            if _file.exists():
                _step[:] = map(int, _file.read_text().split())
        return _step[1] if _step and now_ns >= _step[0] else 0

    def time_ns() -> int:
        now_ns = _wall_ns()
        return now_ns + _offset_ns + _gained_ns(now_ns) + _stepped_ns(now_ns)

    def monotonic_ns() -> int:
        now_ns = _monotonic_ns()
        return now_ns + _gained_ns(now_ns + _apart_ns)

    time.time_ns, time.monotonic_ns = time_ns, monotonic_ns
    time.time, time.monotonic = lambda: time_ns() / 1e9, lambda: monotonic_ns() / 1e9

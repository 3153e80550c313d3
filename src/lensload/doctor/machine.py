"""This machine as a run meets it: cores, what others take of them, memory, files, its clock, the terminal."""

import contextlib
import ctypes
import locale
import os
import resource
import time
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from lensload.config.model import RunConfig
from lensload.doctor.finding import Finding, finding
from lensload.machine import ticks
from lensload.metrics.cost import MAX_STOLEN
from lensload.report.terminal import can_redraw
from lensload.results.environment import machine

_finding = partial(finding, "machine")

_SAMPLE_S: Final = 0.6
_NAP_S: Final = 0.001
_BYTES_PER_WORKER: Final = 400 * 2**20
_FILES_PER_WORKER: Final = 128
_STA_UNSYNC: Final = 0x40


def examined(config: RunConfig) -> list[Finding]:
    """What there is to find about this machine."""
    before = ticks()
    lag_us = _lag_us()
    return [
        _cores(config),
        *_busy(before, ticks()),
        _schedule(config, lag_us),
        *_memory(config),
        _files(config),
        _terminal(),
        _clock(),
    ]


def _cores(config: RunConfig) -> Finding:
    cpus = machine()["cpus"]
    text = f"{cpus:g} cores are available. Workers: {config.load.workers}, with two processes each."
    if cpus >= 2 * config.load.workers:
        return _finding("cores", "ok", text)
    return _finding(
        "cores",
        "note",
        text,
        "Generator and observer share cores, which lowers the highest rate.",
        "Use fewer workers, or a machine with two cores for each.",
    )


def _lag_us() -> float:
    """How late this machine wakes a sleeper up: the p99 over half a second, in us."""
    late_ns: list[int] = []
    end_ns = time.monotonic_ns() + round(_SAMPLE_S * 1e9)
    while (now_ns := time.monotonic_ns()) < end_ns:
        time.sleep(_NAP_S)
        late_ns.append(time.monotonic_ns() - now_ns - round(_NAP_S * 1e9))
    return sorted(late_ns)[len(late_ns) * 99 // 100] / 1e3


def _schedule(config: RunConfig, lag_us: float) -> Finding:
    text = f"This machine wakes a sleeping process {lag_us / 1e3:,.2f} ms late at p99."
    if not config.criteria.is_late(lag_us):
        return _finding("schedule_lag", "ok", text)
    return _finding(
        "schedule_lag",
        "invalid",
        text,
        f"A run with a greater schedule lag than {config.criteria.max_schedule_lag_s * 1e3:g} ms is invalid (--max-schedule-lag).",
        "Stop other programs on this machine, or use another machine.",
    )


def _busy(before: dict[str, int], after: dict[str, int]) -> list[Finding]:
    spent = {name: after[name] - before[name] for name in before if name in after}
    whole = sum(spent.values())
    if not whole:
        return []
    steal, idle = spent["steal"] / whole, (spent["idle"] + spent["iowait"]) / whole
    found: list[Finding] = []
    if steal > MAX_STOLEN:
        found.append(
            _finding(
                "steal",
                "warning",
                f"The host gives {steal:.0%} of this machine's CPU time to others (steal).",
                "Latencies include these pauses, and differ more from run to run.",
                "Use a machine with dedicated cores, or measure with --repeat 5.",
            )
        )
    text = f"The cores are {1 - idle:.0%} busy now."
    if idle < 0.5:
        meaning = (
            "Other programs take CPU from a run: its highest rate is lower, and its latencies are higher."
        )
        found.append(_finding("busy", "warning", text, meaning, "Stop these programs."))
    else:
        found.append(_finding("busy", "ok", text))
    return found


def _memory(config: RunConfig) -> list[Finding]:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free_bytes = 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])
        wanted_bytes = config.load.workers * _BYTES_PER_WORKER
        text = f"{free_bytes / 2**30:,.1f} GiB of memory is free."
        if free_bytes >= wanted_bytes:
            return [_finding("memory", "ok", text)]
        meaning = f"A run with {config.load.workers} workers needs about {wanted_bytes / 2**30:,.1f} GiB."
        return [_finding("memory", "warning", text, meaning, "Use fewer workers.")]
    return []


def _files(config: RunConfig) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"A process may have {soft:,} files open."
    if soft >= _FILES_PER_WORKER * config.load.workers:
        return _finding("open_files", "ok", text)
    most = "" if hard == resource.RLIM_INFINITY else f" (at most {hard:,})"
    return _finding(
        "open_files",
        "warning",
        text,
        "Each connection to a broker needs one.",
        f"Raise the limit with ulimit -n{most} before the run.",
    )


def _clock() -> Finding:
    """What the kernel says of its clock: whether something keeps it, and how far it may be off."""
    try:
        state, error_us = _kernel_clock()
    except (OSError, AttributeError):
        return finding(
            "clock", "clock", "note", "It is not known whether this machine's clock is synchronised."
        )
    if not state & _STA_UNSYNC:
        text = f"This machine's clock is synchronised; its error is at most {error_us / 1e3:,.1f} ms."
        return finding("clock", "clock", "ok", text)
    return finding(
        "clock",
        "clock",
        "note",
        "The kernel reports that this machine's clock is not synchronised.",
        "A run on this machine alone is not affected. With workers on several hosts a run may be invalid (clock_doubt).",
        "Run chronyd on all hosts, with one of them as the server.",
    )


def _kernel_clock() -> tuple[int, int]:
    """The status bits and the greatest error in us, by ntp_adjtime, which any user may read."""

    class Timex(ctypes.Structure):
        _fields_ = (
            ("modes", ctypes.c_uint),
            ("offset", ctypes.c_long),
            ("freq", ctypes.c_long),
            ("maxerror", ctypes.c_long),
            ("esterror", ctypes.c_long),
            ("status", ctypes.c_int),
            ("rest", ctypes.c_char * 256),
        )

    own = Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(own)) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")
    return int(own.status), int(own.maxerror)


def _terminal() -> Finding:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    known = f"TERM {os.environ.get('TERM') or 'not set'}, encoding {encoding}"
    if can_redraw(Console(stderr=True)):
        return _finding("terminal", "ok", f"A run redraws its view in place on this terminal ({known}).")
    text = f"A run prints its progress line by line: standard error is not a terminal that can be redrawn ({known})."
    return _finding("terminal", "ok", text)

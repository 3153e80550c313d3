"""What the system tells of this machine and this process: cores, processor time, memory, and CPU time that was withheld.

Linux tells all of it. Elsewhere, what is not told is empty or 0.
"""

import os
import resource
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_ROOT: Final = Path("/")
_TICK_NAMES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_UTIME, _STIME = 11, 12  # in /proc/PID/stat, of the fields behind the name


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters at a moment, each from some beginning of its own: what counts is the difference between two.

    Attributes:
        at_ns: when, on the monotonic clock.
        cpu_ns: processor time of this process.
        threads_ns: processor time of each of its threads, by (number, name); "main" is the name of the first.
        peak_bytes: the most memory that it has had resident.
        ticks: CPU time of the whole machine by kind, in the kernel's ticks; "steal" is what the host took for others.
        periods: (periods, throttled ones) of each cgroup with a CPU limit, by its folder.
    """

    at_ns: int
    cpu_ns: int
    threads_ns: Mapping[tuple[int, str], int]
    peak_bytes: int
    ticks: Mapping[str, int]
    periods: Mapping[str, tuple[int, int]]


def read(root: Path = _ROOT) -> Reading:
    """The counters now. It takes less than a millisecond."""
    return Reading(
        at_ns=time.monotonic_ns(),
        cpu_ns=time.process_time_ns(),
        threads_ns=threads_ns(root),
        peak_bytes=peak_bytes(root),
        ticks=ticks(root),
        periods=periods(root),
    )


def usable_cpus(root: Path = _ROOT) -> int | float:
    """CPUs that this process may use: the affinity mask, or a cgroup's limit where that is less."""
    affinity = getattr(os, "sched_getaffinity", None)
    usable: int = len(affinity(0)) if affinity else os.cpu_count() or 1
    limits = (_limit(folder) for folder in cgroups(root))
    return min((round(limit, 2) for limit in limits if limit is not None and limit < usable), default=usable)


def resident_bytes(root: Path = _ROOT) -> int:
    """The memory of this process; 0 where the system does not tell."""
    try:
        return int(_text(root / "proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (IndexError, ValueError):
        return 0


def peak_bytes(root: Path = _ROOT) -> int:
    """The most memory that this process has had resident."""
    for line in _text(root / "proc/self/status").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    # In bytes where there is no /proc (macOS). Linux has kilobytes there, and those of the parent before exec.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def threads_ns(root: Path = _ROOT) -> dict[tuple[int, str], int]:
    """Processor time of each thread of this process, by (number, name)."""
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    found: dict[tuple[int, str], int] = {}
    for folder in _folders(root / "proc/self/task"):
        stat = _text(folder / "stat")  # "" of a thread that has ended meanwhile
        name, _, rest = stat.partition("(")[2].rpartition(")")
        fields = rest.split()
        if len(fields) > _STIME:
            number = int(folder.name)
            spent = int(fields[_UTIME]) + int(fields[_STIME])
            found[number, "main" if number == os.getpid() else name] = spent * tick_ns
    return found


def ticks(root: Path = _ROOT) -> dict[str, int]:
    """CPU time of the whole machine by kind, in the kernel's ticks; empty where the system does not tell."""
    first = _text(root / "proc/stat").partition("\n")[0].split()[1:]
    if len(first) < len(_TICK_NAMES):
        return {}
    return dict(zip(_TICK_NAMES, map(int, first), strict=False))


def periods(root: Path = _ROOT) -> dict[str, tuple[int, int]]:
    """(periods, throttled ones) of each cgroup with a CPU limit that this process is in, by its folder."""
    found: dict[str, tuple[int, int]] = {}
    for folder in cgroups(root):
        counts = dict(
            line.split(maxsplit=1) for line in _text(folder / "cpu.stat").splitlines() if " " in line
        )
        if whole := int(counts.get("nr_periods", 0)):
            found[str(folder)] = whole, int(counts.get("nr_throttled", 0))
    return found


def cgroups(root: Path = _ROOT) -> Iterator[Path]:
    """The folders of the cgroups that share out CPU time to this process, versions 1 and 2, its own before those above."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        own = PurePosixPath(path.lstrip("/"))
        # A container may see its own cgroup where the host has the topmost, under a path that is the host's.
        places = [own, *own.parents] if ".." not in own.parts else [PurePosixPath()]
        for place in dict.fromkeys(places):
            folder = root / "sys/fs/cgroup" / controllers / place
            if (folder / "cpu.stat").is_file():
                yield folder


def _limit(folder: Path) -> float | None:
    """How many cores a cgroup may use; None: as many as there are."""
    quota, period = (_text(folder / "cpu.max").split() or [""] * 2)[:2]  # version 2
    if not quota:
        quota, period = (_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def _folders(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    """A file of the system; "" where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

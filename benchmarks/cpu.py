"""The CPU that processes use, by the kernel's account, sampled while something runs. Linux only."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

SAMPLE_S = 0.25
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
NAMES = {
    "generator": "generator",
    "observer": "observer",
    "lensload.generator.process": "generator",  # in versions whose processes do not name themselves
    "lensload.observer.process": "observer",
}
"""lensload's processes, by their own name or a word of their command lines; the others are the coordinator."""

Cpu = dict[str, float]
Samples = list[tuple[float, Cpu]]


def cpu_s(pid: int, name: str) -> Cpu:
    """CPU seconds of a process so far, under its name, and of all threads but the first, under `name threads`."""
    by_thread: Cpu = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # a thread that has just ended
        by_thread[stat.parent.name] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    total = sum(by_thread.values())
    return {name: total, f"{name} threads": total - by_thread.get(str(pid), 0.0)}


def children(pid: int) -> list[int]:
    """The processes that the threads of a process have started."""
    try:
        return [
            int(child)
            for each in Path(f"/proc/{pid}/task").glob("*/children")
            for child in each.read_text().split()
        ]
    except OSError:
        return []  # it has just ended


def family(pid: int, names: Mapping[str, str], rest: str) -> dict[int, str]:
    """The process and its descendants, by the first of these words that is their name or in their command lines, else `rest`."""
    members, waiting = dict[int, str](), [pid]
    while waiting:
        each = waiting.pop()
        waiting += children(each)
        try:
            place = Path("/proc", str(each))
            words = [(place / "comm").read_text().rstrip(), *(place / "cmdline").read_text().split("\0")]
        except OSError:
            continue
        members[each] = next((names[word] for word in words if word in names), rest)
    return members


def sample(members: dict[int, str]) -> Cpu:
    """CPU seconds so far of all that take part."""
    summed: defaultdict[str, float] = defaultdict(float)
    for pid, name in members.items():
        for key, seconds in cpu_s(pid, name).items():
            summed[key] += seconds
    return dict(summed)


def samples(members: Callable[[], dict[int, str]], is_on: Callable[[], bool]) -> Samples:
    """What all had used, and when, while it is on."""
    taken: Samples = []
    while is_on():
        taken.append((time.time(), sample(members())))
        time.sleep(SAMPLE_S)
    return taken


def cores(taken: Samples, from_s: float, to_s: float) -> Cpu:
    """Cores used on average between two times."""
    within = [each for each in taken if from_s <= each[0] <= to_s]
    (first_s, before), (last_s, after) = within[0], within[-1]
    return {name: (spent - before.get(name, 0.0)) / (last_s - first_s) for name, spent in after.items()}

"""What a run costs: the processor time and memory of each of its processes, and what their machines withheld from them."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, Literal

from typing_extensions import TypedDict

from lensload import machine
from lensload.machine import Reading

_NEVER_NS: Final = (1 << 63) - 1

MAX_STOLEN: Final = 0.05
"""The share of CPU time above which what a host takes for others shows in figures."""


class Cost(TypedDict):
    """What a process used in the measured time.

    Attributes:
        measured_s: how much of the measured time this is of.
        cpu_s: processor time, of all its threads.
        cores: the same per second: how many cores it used on average.
        busiest_thread: the name of the thread that used most: "main" is Python's, "rdk:..." are librdkafka's; "" if the
            system does not report it.
        busiest_thread_cores: how much of a core that thread used on average.
        peak_bytes: the most memory that the process has had resident, since it started.
        cpus: how many cores it may use, by its affinity or the limit of its cgroup.
        busy: the share of the machine's CPU time in which something ran, this process or another; null: not reported.
        stolen: the share of the machine's CPU time that the host took for others (steal); null: not reported.
        throttled: the share of periods in which its cgroup, or one above, had used up its CPU limit; null: no limit.
        requests_per_s: the requests that its Kafka client sent per second, by kind as Kafka's protocol names them; empty
            if the client reported none.
    """

    measured_s: float
    cpu_s: float
    cores: float
    busiest_thread: str
    busiest_thread_cores: float
    peak_bytes: int
    cpus: float
    busy: float | None
    stolen: float | None
    throttled: float | None
    requests_per_s: dict[str, float]


class ProcessCost(Cost):
    """What a process of the run used in the measured time.

    Attributes:
        process: "generator", "observer" or "coordinator", of which the embedded cluster is a part.
        worker: the number of its worker; null: the coordinator has none.
    """

    process: str
    worker: int | None


def between(before: Reading, after: Reading) -> Cost:
    """What was used from one reading to a later one of the same process."""
    measured_s = (after.at_ns - before.at_ns) / 1e9
    cpu_s = max(0, after.cpu_ns - before.cpu_ns) / 1e9
    spent_ns = {thread: ns - before.threads_ns.get(thread, 0) for thread, ns in after.threads_ns.items()}
    ticks = {kind: max(0, spent - before.ticks.get(kind, 0)) for kind, spent in after.ticks.items()}
    all_ticks = sum(ticks.values())
    busiest = max(spent_ns, key=lambda thread: spent_ns[thread], default=None)

    def cores(spent_s: float) -> float:
        return spent_s / measured_s if measured_s > 0 else 0.0

    return {
        "measured_s": measured_s,
        "cpu_s": cpu_s,
        "cores": cores(cpu_s),
        "busiest_thread": busiest[1] if busiest else "",
        "busiest_thread_cores": cores(max(0, spent_ns[busiest]) / 1e9) if busiest else 0.0,
        "peak_bytes": after.peak_bytes,
        "cpus": machine.usable_cpus(),
        "busy": 1 - (ticks["idle"] + ticks["iowait"]) / all_ticks if all_ticks else None,
        "stolen": ticks["steal"] / all_ticks if all_ticks else None,
        "throttled": _throttled(before, after),
        "requests_per_s": {},
    }


def _throttled(before: Reading, after: Reading) -> float | None:
    """Of the cgroup that was throttled most often."""
    shares: list[float] = []
    for folder, (periods, throttled) in after.periods.items():
        periods_before, throttled_before = before.periods.get(folder, (0, 0))
        if periods > periods_before:
            shares.append(min(1.0, max(0, throttled - throttled_before) / (periods - periods_before)))
    return max(shares, default=None)


def together(runs: Sequence[Sequence[ProcessCost]]) -> list[ProcessCost]:
    """What several runs have cost, process by process: processor time adds up, and shares are means by time."""
    by_process: dict[tuple[str, int | None], list[ProcessCost]] = {}
    for cost in chain.from_iterable(runs):
        by_process.setdefault((cost["process"], cost["worker"]), []).append(cost)
    return [_sum(costs) if len(costs) > 1 else costs[0] for costs in by_process.values()]


def _sum(costs: Sequence[ProcessCost]) -> ProcessCost:
    measured_s = sum(cost["measured_s"] for cost in costs)

    def mean(name: Literal["cores", "busy", "stolen", "throttled"]) -> float | None:
        told = [(value, cost["measured_s"]) for cost in costs if (value := cost[name]) is not None]
        whole_s = sum(length_s for _, length_s in told)
        return sum(value * length_s for value, length_s in told) / whole_s if whole_s else None

    def requests_per_s(kind: str) -> float:
        sent = sum(cost["requests_per_s"].get(kind, 0.0) * cost["measured_s"] for cost in costs)
        return sent / measured_s if measured_s else 0.0

    busiest = max(costs, key=lambda cost: cost["busiest_thread_cores"])
    return {
        **busiest,
        "measured_s": measured_s,
        "cpu_s": sum(cost["cpu_s"] for cost in costs),
        "cores": mean("cores") or 0.0,
        "peak_bytes": max(cost["peak_bytes"] for cost in costs),
        "busy": mean("busy"),
        "stolen": mean("stolen"),
        "throttled": mean("throttled"),
        "requests_per_s": {kind: requests_per_s(kind) for cost in costs for kind in cost["requests_per_s"]},
    }


class CostMeter:
    """Measures what this process costs in the measured time of a run.

    Args:
        read: gives this process's counters.
    """

    def __init__(self, read: Callable[[], Reading] = machine.read) -> None:
        self._read = read
        self._from_ns = self._end_ns = _NEVER_NS
        self._before: Reading | None = None
        self._after: Reading | None = None

    def begin(self, from_ns: int, end_ns: int) -> None:
        """The measured time is from then to then, Unix nanoseconds; 0 as its end: until `end` is called."""
        self._from_ns, self._end_ns = from_ns, end_ns or _NEVER_NS

    def look(self, now_ns: int) -> None:
        """Note that so late it is; to be called often, as measuring begins and ends at such a call."""
        if now_ns >= self._from_ns:
            self._from_ns = _NEVER_NS
            self._before = self._read()
        if now_ns >= self._end_ns:
            self.end()

    def end(self) -> None:
        """The measured time is over, if it has begun and was not over already."""
        self._from_ns = self._end_ns = _NEVER_NS
        if self._before and not self._after:
            self._after = self._read()

    def cost(self) -> Cost | None:
        """What the measured time has cost so far; None before it begins."""
        if self._before is None:
            return None
        cost = between(self._before, self._after or self._read())
        return {**cost, "peak_bytes": machine.peak_bytes()} if self._after else cost

"""Rules about what a run costs: what is near its end before it makes a run invalid, and what the machine withheld."""

from typing import Final

from lensload.metrics.cost import MAX_STOLEN
from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, share
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()

_MOST_OF_A_CORE: Final = 0.8  # on average over the run: seconds in it were fuller
_MAX_BUSY: Final = 0.95
_MAX_THROTTLED: Final = 0.01  # of the periods: a pause in more of them is in the p99


@RULES.add(
    "generator_busy",
    "remark",
    "Add a worker (--workers) before you raise the rate: beyond a whole core the generator is late, and the run invalid.",
)
def _generator_busy(run: Evidence, _: Thresholds) -> Text:
    """A thread of the generator used most of a core."""
    return not run.facts.flat_out and _busy(run, "generator")


@RULES.add(
    "observer_busy",
    "remark",
    "Add a worker (--workers) before you raise the rate: beyond a whole core the observer falls behind, and the run is"
    " invalid.",
)
def _observer_busy(run: Evidence, _: Thresholds) -> Text:
    """A thread of the observer used most of a core."""
    return _busy(run, "observer")


def _busy(run: Evidence, process: str) -> Text:
    """That a thread of this kind of process used most of a core, which is all that a thread can use."""
    busy = [cost for cost in run.costs if cost["process"] == process]
    most = max(busy, key=lambda cost: cost["busiest_thread_cores"], default=None)
    if most is None or most["busiest_thread_cores"] <= _MOST_OF_A_CORE:
        return None
    whose = f" of worker {most['worker']}" if len(busy) > 1 else ""
    return (
        f"The thread '{most['busiest_thread']}' of the {process}{whose} used {most['busiest_thread_cores']:.2f} of a core,"
        " and a thread cannot use more than one."
    )


@RULES.add(
    "cpu_steal",
    "remark",
    "Use a machine with cores of its own; else compare several runs (--repeat 5), not single ones.",
)
def _cpu_steal(run: Evidence, _: Thresholds) -> Text:
    """The host of this virtual machine gave its processor time to others."""
    stolen = max((cost["stolen"] or 0.0 for cost in run.costs), default=0.0)
    return stolen > MAX_STOLEN and (
        f"The host took {share(stolen, 1)} of the CPU time for others (steal): latencies hold these pauses."
    )


@RULES.add("cpu_throttled", "remark", "Raise the container's CPU limit, or lower the rate.")
def _cpu_throttled(run: Evidence, _: Thresholds) -> Text:
    """A container's CPU limit stopped a process."""
    shares = ((cost["throttled"] or 0.0, cost["process"]) for cost in run.costs)
    throttled, process = max(shares, default=(0.0, ""))
    return throttled > _MAX_THROTTLED and (
        f"The CPU limit of its cgroup stopped the {process} in {share(throttled, 1)} of the periods (of 100 ms, as a"
        " rule): latencies hold these pauses."
    )


@RULES.add("machine_busy", "remark", "Stop what else runs there, or give the cluster a machine of its own.")
def _machine_busy(run: Evidence, _: Thresholds) -> Text:
    """All cores of the machine were busy."""
    busy = max((cost["busy"] or 0.0 for cost in run.costs), default=0.0)
    return busy > _MAX_BUSY and (
        f"The cores of the machine were busy for {share(busy, 1)} of the time, with this run and what else runs there:"
        " latencies hold the waiting for a core."
    )

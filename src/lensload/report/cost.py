"""What a run cost, in a sentence: how much of the machine its processes used."""

from collections.abc import Sequence
from typing import Final

from lensload.results.run import Run

_PROCESSES: Final = ("generator", "observer", "coordinator")


def cost_line(run: Run) -> str:
    """Cores and memory by process, those of all workers together; "" where the run file does not tell."""
    used: list[str] = []
    memory: list[str] = []
    costs = run.get("cost", [])
    for name in _PROCESSES:
        if found := [cost for cost in costs if cost["process"] == name]:
            who = f"the {name}" if len(found) == 1 else f"{len(found)} {name}s"
            cores = f"{sum(cost['cores'] for cost in found):.2f}"
            used.append(f"{who} {cores}" if used else f"{who} used {cores}{_of(run)}")
            memory.append(f"{sum(cost['peak_bytes'] for cost in found) / 1e6:,.0f}")
    if not used:
        return ""
    return f"{_upper(_listed(used))}; peak memory was {_listed(memory)} MB."


def _of(run: Run) -> str:
    """Of how many cores: a run's on one host share those of that host."""
    hosts = (run["conditions"].get("clocks") or {}).get("hosts", 1)
    if hosts > 1:
        return f" cores on {hosts} hosts"
    return f" of {max(cost['cpus'] for cost in run.get('cost', [])):g} cores"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last

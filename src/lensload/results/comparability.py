"""Whether runs were made under like conditions: only then does a difference between their figures mean something.

What changes the work or where it is done is a difference, and refuses a comparison until it is allowed by name: the
machine, the kind of cluster, the rate and so on. What is most often the very thing to be compared (versions, the
cluster's address and its properties) or can hardly matter (the seed) is remarked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lensload.results.run import Run, is_flat_out
from lensload.world.behaviour import Behaviour

Facts = Mapping[str, Any]

_RATE_SLACK = 0.01  # of the target: Poisson arrivals, and the last second of a run that was stopped
_TIME_SLACK = 0.1

_CONFIGURED: Final = {
    "profile": "profile",
    "warmup": "warmup_s",
    "workers": "workers",
    "serializer": "serializer",
    "evolve": "evolve",
    "acks": "acks",
    "linger": "linger_ms",
    "compression": "compression",
    "partitions": "partitions",
    "replication_factor": "replication_factor",
}
_REMARKED: Final = (
    "seed",
    "audience_size",
    "catalogue_size",
    "zipf_exponent",
    "lift",
    "verify_per_s",
    "client_config",
    "bootstrap_servers",
    "registry_url",
)

NAMES: Final = ("rate", "duration", "topics", "workload", "audience", "cluster", "machine", *_CONFIGURED)
"""The differences that refuse a comparison."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in which two runs are unlike.

    Attributes:
        name: one of `NAMES`; "" if it is only worth a remark.
        text: what it is in either run, for people.
    """

    name: str
    text: str


def differences(base: Run, other: Run) -> list[Difference]:
    """All in which the conditions of two runs differ, what refuses a comparison first."""
    return [*_grave(base, other), *_remarks(base, other)]


def rates_differ(base: Run, other: Run) -> bool:
    """Whether two runs were asked for unlike rates."""
    return any(difference.name == "rate" for difference in _grave(base, other))


def _grave(base: Run, other: Run) -> Iterator[Difference]:
    if not (is_flat_out(base) and is_flat_out(other)):  # whose rates are results, not conditions
        yield from _number(
            "rate", base, other, lambda run: run["load"]["target_per_s"], _RATE_SLACK, "events/s"
        )
    yield from _number("duration", base, other, lambda run: run["measured_s"], _TIME_SLACK, "s measured")
    yield from _unlike("topics", base, other, lambda run: ", ".join(run["topics"]) or "none")
    yield from _workloads(base, other)
    if all(run["conditions"].get("audience") for run in (base, other)):  # else of an earlier version
        yield from _unlike("audience", base, other, _audience)
    yield from _unlike("cluster", base, other, lambda run: "embedded" if run["embedded"] else "real")
    yield from _unlike("machine", base, other, _machine)
    for name, field in _CONFIGURED.items():
        yield from _unlike(name, base, other, lambda run, field=field: _configured(run).get(field))


def _remarks(base: Run, other: Run) -> Iterator[Difference]:
    yield from _remarked(_configured(base), _configured(other), _REMARKED)
    for kind in ("versions", "machine"):
        one, two = base["conditions"].get(kind, {}), other["conditions"].get(kind, {})
        known = _OF_MACHINE if kind == "machine" else ()
        yield from _remarked(one, two, [name for name in dict.fromkeys([*one, *two]) if name not in known])


def _remarked(one: Facts, two: Facts, names: Iterable[str]) -> Iterator[Difference]:
    for name in names:
        if one.get(name) != two.get(name):
            yield Difference("", f"{name} is {one.get(name)} in one, {two.get(name)} in the other")


_OF_MACHINE: Final = ("cpus", "cpu_model", "architecture", "memory_bytes")


def _machine(run: Run) -> str:
    """What decides its speed; memory to a GiB, for containers differ by some pages."""
    facts = run["conditions"].get("machine", {})
    memory = facts.get("memory_bytes")
    size = f"{round(memory / 2**30)} GiB" if isinstance(memory, (int, float)) else "memory unknown"
    return f"{facts.get('cpus')} x {facts.get('cpu_model')} ({facts.get('architecture')}, {size})"


def _audience(run: Run) -> str:
    """Who the audience was at the end, as shares of its events, and what it does in other ways than the ordinary one."""
    last = run["conditions"]["audience"][-1]
    whole = last["events_per_s"] or 1.0
    return " and ".join(
        f"{round(100 * kind['events_per_s'] / whole)} % {_behaviour(kind['behaviour'])}"
        for kind in last["kinds"]
    )


def _behaviour(values: Facts) -> str:
    ordinary = Behaviour().as_dict()
    own = [
        f"{name}={value:g}" for name, value in values.items() if name != "name" and value != ordinary[name]
    ]
    return f"{values['name']} ({', '.join(own)})" if own else str(values["name"])


def _workloads(base: Run, other: Run) -> Iterator[Difference]:
    """Whose events they are: LENS's, or those of a workload file, whose digest is of all that decides them."""
    one, two = (_configured(run).get("workload") or {} for run in (base, other))
    if one.get("digest") != two.get("digest"):
        names = [f"{each['file']} (digest {each['digest']})" if each else "LENS's own" for each in (one, two)]
        yield Difference("workload", f"workload is {names[0]} in one, {names[1]} in the other")


def _configured(run: Run) -> Facts:
    return run["conditions"].get("configuration", {})


def _unlike(name: str, base: Run, other: Run, fact: Callable[[Run], object]) -> Iterator[Difference]:
    one, two = fact(base), fact(other)
    if one != two:
        yield Difference(name, f"{name} is {one} in one, {two} in the other")


def _number(
    name: str, base: Run, other: Run, fact: Callable[[Run], float], slack: float, unit: str
) -> Iterator[Difference]:
    one, two = fact(base) or 0.0, fact(other) or 0.0
    if abs(one - two) > slack * max(abs(one), abs(two)):
        yield Difference(name, f"{name} is {one:,.6g} {unit} in one, {two:,.6g} in the other")

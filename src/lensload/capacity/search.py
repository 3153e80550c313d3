"""The search for the highest rate that holds: which rate to try next. Pure: whoever drives it makes the runs."""

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from math import sqrt
from typing import Literal, TypeAlias

from lensload.errors import UsageError


class Answer(Enum):
    """What a run at some rate said.

    Attributes:
        HELD: the objectives held.
        MISSED: one did not, or the cluster held the load back.
        GENERATOR: the load was not produced or not observed as asked, and the cluster is not the cause.
        INVALID: the run is invalid for a reason that is not the rate, such as a clock step.
    """

    HELD = "held"
    MISSED = "missed"
    GENERATOR = "generator"
    INVALID = "invalid"


Limit = Literal["cluster", "generator", "range", "invalid"]
Search: TypeAlias = "Generator[float, Answer, Found]"


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to search, and how closely.

    Attributes:
        start_per_s: the first rate; lower ones are tried only where the generator cannot keep up with it.
        max_per_s: the highest rate.
        growth: by how much the rate is multiplied until something gives.
        resolution: how far the found rate may lie below one that does not hold, as a fraction.
    """

    start_per_s: float = 1_000.0
    max_per_s: float = 1e8
    growth: float = 2.0
    resolution: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what has no end, or no beginning.

        Raises:
            UsageError: the values make no search.
        """
        if not 0 < self.start_per_s <= self.max_per_s:
            raise UsageError(
                f"A search from {self.start_per_s:g} to {self.max_per_s:g} per second has no rates.",
                "Give --start-rate less than --max-rate, both above 0.",
            )
        if not (self.growth > 1 and 0.005 <= self.resolution < 1):
            raise UsageError(
                f"The growth {self.growth:g} and the resolution {100 * self.resolution:g} % make no search.",
                "Give --growth above 1, and --resolution from 0.5% to less than 100%.",
            )


@dataclass(frozen=True, slots=True)
class Found:
    """What the search came to.

    Attributes:
        limit: what stands in the way of more: the cluster, the generator (then nothing is known of the cluster
            above `held_per_s`), nothing in the range that was searched, or runs that are invalid whatever the rate.
        held_per_s: the highest rate that held, in two runs (in one, if `limit` is "invalid"); None: no rate did.
        gave_per_s: the lowest rate above it at which the limit was met; None: none was.
    """

    limit: Limit
    held_per_s: float | None
    gave_per_s: float | None


def search(plan: Plan) -> Search:
    """Yields the rate of the next run, takes its `Answer`, and returns what was found.

    Rates grow by `growth` until something gives; then the bracket is halved, geometrically, down to `resolution`.
    Where the generator cannot keep up with the first rate, slower ones are tried, down to a hundredth of it.
    Nothing is decided by one run: what gave is tried again, and the second answer counts; the final rate has to
    hold once more, or the search goes on below it. Two invalid runs end the search with what is known.
    """
    held: list[float] = []
    gave_per_s: float | None = None
    limit: Limit = "range"
    rate: float | None = plan.start_per_s
    while rate is not None:
        answer = yield from _tried(rate)
        if answer is Answer.INVALID:
            return Found("invalid", max(held, default=None), gave_per_s)
        if answer is Answer.HELD and rate in held:
            return Found(limit, rate, gave_per_s)
        if answer is Answer.HELD:
            held.append(rate)
        else:
            # A rate that held before and now does not: it goes, and what held below it is the floor again.
            held = [lower for lower in held if lower < rate]
            gave_per_s, limit = rate, "generator" if answer is Answer.GENERATOR else "cluster"
        if held:
            rate = _next(plan, held[-1], gave_per_s)
        else:
            rate = _slower(plan, rate) if limit == "generator" else None
    return Found(limit, None, gave_per_s)


def _next(plan: Plan, held_per_s: float, gave_per_s: float | None) -> float:
    """The rate to try; `held_per_s` itself once the bracket is narrow enough, to have it confirmed."""
    if gave_per_s is None:
        return min(rounded(held_per_s * plan.growth), plan.max_per_s)
    if gave_per_s <= held_per_s * (1 + plan.resolution):
        return held_per_s
    middle = rounded(sqrt(held_per_s * gave_per_s))
    return middle if held_per_s < middle < gave_per_s else held_per_s


def _slower(plan: Plan, rate: float) -> float | None:
    """The rate to try below one that the generator cannot keep up with; None: the search ends there.

    Never below 1 event/s: a step might then measure none.
    """
    slower = (rounded(plan.start_per_s / 10), rounded(plan.start_per_s / 100))
    return next((lower for lower in slower if 1 <= lower < rate), None)


def _tried(rate: float) -> Generator[float, Answer, Answer]:
    answer = yield rate
    return answer if answer is Answer.HELD else (yield rate)


def rounded(rate: float) -> float:
    """To four digits: a rate that people can repeat."""
    return float(f"{rate:.4g}")

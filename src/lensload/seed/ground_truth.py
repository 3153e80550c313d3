"""What a plan plants: the truth that an analysis of the seeded events can be held against."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.seed.plan import Plan
from lensload.world import turnover
from lensload.world.calendar import HOURS, WEEKDAYS, Calendar
from lensload.world.ground_truth import Truth
from lensload.world.scenario import Scenario

# Moments, equally many sessions apart, at which it is asked who is there.
_MOMENTS: Final = 48


def ground_truth(plan: Plan, scenario: Scenario | None = None) -> dict[str, Any]:
    """The truth of a plan, fit for JSON; `manifest.schema.json` says what each value means.

    Args:
        plan: the plan.
        scenario: what `plan.scenario` gave, for who has it already.

    Returns:
        The truth; empty for a workload, which plants none.
    """
    if plan.workload is not None:
        return {}
    scenario = scenario or plan.scenario()
    truth = Truth(scenario, scenario.behaviour, _visits(plan, scenario)).as_dict()
    return {
        **truth,
        "turnover": {
            "joining": turnover.JOINING,
            "leaving": turnover.LEAVING,
            "launched": turnover.LAUNCHED,
            "half_life_days": turnover.HALF_LIFE_DAYS,
            "lasting": turnover.LASTING,
        },
        "rhythm": {"hours": list(HOURS), "weekdays": list(WEEKDAYS)},
    }


def _visits(plan: Plan, scenario: Scenario) -> NDArray[np.float64]:
    """Each person's share of all sessions, by who is there when sessions begin."""
    if scenario.turnover is None:
        return scenario.audience.visit_share()
    joins_s, leaves_s = scenario.turnover.joins_s, scenario.turnover.leaves_s
    moments = Calendar(plan.start_ms, plan.until_ms, 1.0).at((np.arange(_MOMENTS) + 0.5) / _MOMENTS)
    shares = np.zeros(len(joins_s))
    for at_s in moments.tolist():
        shares += scenario.audience.visit_share((joins_s <= at_s) & (leaves_s > at_s))
    return shares / _MOMENTS

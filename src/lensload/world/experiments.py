"""Experiments: who is in which variant, once and for good, and what the treatment changes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.world import draws

VARIANTS: Final = ("control", "treatment")
NOT_ENROLLED: Final = -1


@dataclass(frozen=True, slots=True)
class Experiment:
    """One A/B test, its truth included.

    Attributes:
        experiment_id: its id on the wire.
        enrolled: share of the audience that takes part, half in each variant.
        conversion_lift: the treatment multiplies a session's purchase rate by 1 + this.
        engagement_lift: the treatment multiplies dwell times by 1 + this.
    """

    experiment_id: str
    enrolled: float
    conversion_lift: float = 0.0
    engagement_lift: float = 0.0

    def variants_of(self, seed: int, audience_size: int) -> NDArray[np.int64]:
        """Index into `VARIANTS`, or `NOT_ENROLLED`, of each person: a function of the seed and the person."""
        person = draws.keys(draws.root(seed, f"experiment {self.experiment_id}"), np.arange(audience_size))
        variant = (draws.uniform(person, 0) < 0.5).astype(np.int64)
        return np.where(draws.uniform(person, 1) < self.enrolled, variant, NOT_ENROLLED)


def running(conversion_lift: float) -> tuple[Experiment, ...]:
    """The experiments that run in the world: one on conversion, one on engagement, independent."""
    return (
        Experiment("ranking-v2", enrolled=0.5, conversion_lift=conversion_lift),
        Experiment("large-cards", enrolled=0.2, engagement_lift=0.15),
    )

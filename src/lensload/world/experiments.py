"""Experiments: who is in which variant, once and for good, and what the treatment changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from lensload.world import rng
from lensload.world.audience import DEVICES
from lensload.world.effects import EXPERIMENT_NAMES

VARIANTS: Final = ("control", "treatment")
NOT_ENROLLED: Final = -1
_SMALL: Final = 0.2  # of the default effect


# Of mobile, desktop and tablet: where the outcome is high anyway, most are treated, so that over all segments the
# treated look better than they are.
_CONFOUNDED_BASELINE: Final = (0.6, 1.6, 1.0)
_CONFOUNDED_TREATED: Final = (0.25, 0.75, 0.5)
_HARM: Final = -0.15


@dataclass(frozen=True, slots=True)
class Experiment:
    """One A/B test, its truth included.

    Attributes:
        experiment_id: its id on the wire.
        enrolled: share of the audience that takes part.
        outcome: what the treatment changes: a session's purchase rate, or dwell times.
        effect: what was asked for, of `effects.EFFECTS`.
        lift: the treatment multiplies the outcome by 1 + this, in every segment.
        baseline: multiplies the outcome of everyone with a device, in either variant or none, by device.
        treated: share of the enrolled with a device that get the treatment, by device.
    """

    experiment_id: str
    enrolled: float
    outcome: Literal["conversion", "engagement"]
    effect: str = "default"
    lift: float = 0.0
    baseline: tuple[float, ...] = (1.0,) * len(DEVICES)
    treated: tuple[float, ...] = (0.5,) * len(DEVICES)

    def variants_of(self, seed: int, device: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index into `VARIANTS`, or `NOT_ENROLLED`, of each person: a function of the seed and the person."""
        person = rng.keys(rng.root(seed, f"experiment {self.experiment_id}"), np.arange(len(device)))
        variant = (rng.uniform(person, 0) < np.array(self.treated)[device]).astype(np.int64)
        return np.where(rng.uniform(person, 1) < self.enrolled, variant, NOT_ENROLLED)

    def factors(self, variant: NDArray[np.int64], device: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each person's outcome is multiplied by."""
        treated = (variant == VARIANTS.index("treatment")).astype(np.float64)
        return np.array(self.baseline)[device] * (1 + treated * self.lift)


def running(conversion_lift: float = 0.1, effects: Mapping[str, str] | None = None) -> tuple[Experiment, ...]:
    """The experiments that run in the world: one on conversion, one on engagement, independent.

    Args:
        conversion_lift: the default effect of the first one's treatment.
        effects: the effects of the treatments by experiment, where not the default.
    """
    ranking, cards = EXPERIMENT_NAMES
    named = effects or {}
    return (
        _with_effect(ranking, 0.5, "conversion", conversion_lift, named.get(ranking, "default")),
        _with_effect(cards, 0.2, "engagement", 0.15, named.get(cards, "default")),
    )


def _with_effect(
    name: str, enrolled: float, outcome: Literal["conversion", "engagement"], lift: float, effect: str
) -> Experiment:
    if effect == "simpson":
        segments = _CONFOUNDED_BASELINE, _CONFOUNDED_TREATED
        return Experiment(name, enrolled, outcome, effect, _HARM, *segments)
    share = {"none": 0.0, "small": _SMALL, "default": 1.0}[effect]
    return Experiment(name, enrolled, outcome, effect, share * lift)

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


@dataclass(frozen=True, slots=True)
class Segment:
    """People with one device, where an experiment does not treat all alike.

    Attributes:
        baseline: multiplies the outcome of everyone in the segment, in either variant or none.
        treated: share of its enrolled people that get the treatment.
    """

    baseline: float
    treated: float


# Where the outcome is high anyway, most are treated: over all segments the treated look better than they are.
_CONFOUNDED: Final = {
    "mobile": Segment(baseline=0.6, treated=0.25),
    "desktop": Segment(baseline=1.6, treated=0.75),
    "tablet": Segment(baseline=1.0, treated=0.5),
}
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
        segments: by device; empty where all segments are alike and half of each is treated.
    """

    experiment_id: str
    enrolled: float
    outcome: Literal["conversion", "engagement"]
    effect: str = "default"
    lift: float = 0.0
    segments: tuple[Segment, ...] = ()

    def variants_of(self, seed: int, device: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index into `VARIANTS`, or `NOT_ENROLLED`, of each person: a function of the seed and the person."""
        person = rng.keys(rng.root(seed, f"experiment {self.experiment_id}"), np.arange(len(device)))
        variant = (rng.uniform(person, 0) < self.treated()[device]).astype(np.int64)
        return np.where(rng.uniform(person, 1) < self.enrolled, variant, NOT_ENROLLED)

    def factors(self, variant: NDArray[np.int64], device: NDArray[np.int64]) -> NDArray[np.float64]:
        """What each person's outcome is multiplied by."""
        treated = (variant == VARIANTS.index("treatment")).astype(np.float64)
        return self.baseline()[device] * (1 + treated * self.lift)

    def baseline(self) -> NDArray[np.float64]:
        """What everyone's outcome is multiplied by, by device."""
        return np.array([segment.baseline for segment in self._segments()])

    def treated(self) -> NDArray[np.float64]:
        """Share of the enrolled that get the treatment, by device."""
        return np.array([segment.treated for segment in self._segments()])

    def _segments(self) -> tuple[Segment, ...]:
        return self.segments or (Segment(baseline=1.0, treated=0.5),) * len(DEVICES)


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
        segments = tuple(_CONFOUNDED[device] for device in DEVICES)
        return Experiment(name, enrolled, outcome, effect, _HARM, segments)
    share = {"none": 0.0, "small": _SMALL, "default": 1.0}[effect]
    return Experiment(name, enrolled, outcome, effect, share * lift)

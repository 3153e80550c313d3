"""The scenario: all people, items, models and experiments that exist before anything happens."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from lensload.world.audience import Audience
from lensload.world.behaviour import Behaviour
from lensload.world.catalogue import Catalogue
from lensload.world.experiments import Experiment
from lensload.world.turnover import Turnover


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """What sessions are played in: the people, the goods, the experiments and the seed."""

    seed: int
    audience: Audience
    catalogue: Catalogue
    experiments: tuple[Experiment, ...]
    variants: NDArray[np.int64]  # shape (experiments, people)
    dwell_factor: NDArray[np.float64]  # per person
    purchase_factor: NDArray[np.float64]  # per person
    behaviour: Behaviour = field(default_factory=Behaviour)  # of the ordinary audience
    turnover: Turnover | None = None  # None: everyone and everything is there for good
    chapter: int = 0  # which history of these people it is: each has sessions of its own

    @classmethod
    def of(
        cls, seed: int, audience: Audience, catalogue: Catalogue, experiments: tuple[Experiment, ...]
    ) -> Self:
        """The scenario, with everyone in a variant and each variant's lift worked out per person."""
        device = audience.device
        variants = np.stack([e.variants_of(seed, device) for e in experiments])
        dwell, purchase = (
            np.prod(
                [
                    e.factors(variant, device)
                    for e, variant in zip(experiments, variants, strict=True)
                    if e.outcome == outcome
                ],
                axis=0,
                initial=1.0,
            )
            for outcome in ("engagement", "conversion")
        )
        return cls(seed, audience, catalogue, experiments, variants, dwell, purchase)

    def over(self, span_s: float, chapter: int = 0) -> "Scenario":
        """The same with people who join and leave, and items that are launched and fade, over a span of time.

        Args:
            span_s: how long it is.
            chapter: a number that no other history of these people has.
        """
        turnover = Turnover.over(span_s, self.seed, self.audience, self.catalogue)
        return replace(self, catalogue=turnover.catalogue, turnover=turnover, chapter=chapter)

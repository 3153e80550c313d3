"""The parameters of a world: what `made` builds one from, and a group of a run's configuration."""

from typing import Annotated, Final

from pydantic import Field

from lensload.values import Group, Shown
from lensload.world.effects import Effects


class WorldParameters(Group):
    """Everything that decides who lives in a world, what there is to choose from and what the experiments do."""

    seed: Annotated[
        int,
        Field(ge=0, lt=2**63, description="Random seed of the world: the same seed gives the same events."),
        Shown("N"),
    ] = 1
    audience_size: Annotated[
        int, Field(ge=64, le=10_000_000, description="Number of people."), Shown("N")
    ] = 10_000
    catalogue_size: Annotated[
        int,
        # Ten for each of twelve categories: the length of a ranked list (`catalogue.SMALLEST`).
        Field(ge=120, le=10_000_000, description="Number of items."),
        Shown("N"),
    ] = 5_000
    zipf_exponent: Annotated[
        float,
        Field(
            ge=0,
            le=5,
            description="How steeply popularity falls from item to item: 0 all are equally popular, 1 as in Zipf's law.",
        ),
        Shown("NUMBER"),
    ] = 1.0
    lift: Annotated[
        float,
        Field(
            ge=-1,
            le=10,
            description="True effect of the experiment ranking-v2: with 0.1 its treatment converts 10 percent more"
            " often than its control.",
        ),
        Shown("NUMBER"),
    ] = 0.1
    experiment: Annotated[
        Effects,
        Field(
            description="What the treatments do: none, small, default (of ranking-v2: --lift) or simpson (harm in every"
            " segment that looks like a gain over all). For both experiments, or NAME=EFFECT for ranking-v2 or"
            " large-cards, with commas between.",
        ),
        Shown("EFFECT"),
    ] = ()


DEFAULTS: Final = WorldParameters()

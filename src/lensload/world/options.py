"""The options of a world: what `made` builds one from, and a group of a run's configuration."""

from typing import Final

from lensload.option import Group, Shown, option
from lensload.world.behaviour import Behaviour, Numbers
from lensload.world.effects import Effects


class WorldOptions(Group):
    """Everything that decides who lives in a world, what there is to choose from and what the experiments do."""

    seed: int = option(
        1,
        Shown("N"),
        "Random seed of the world: the same seed gives the same events. With --workload it replaces the file's seed.",
        ge=0,
        lt=2**63,
    )
    audience_size: int = option(10_000, Shown("N"), "Number of people.", ge=64, le=10_000_000)
    # Ten for each of twelve categories: the length of a ranked list (`catalogue.SMALLEST`).
    catalogue_size: int = option(5_000, Shown("N"), "Number of items.", ge=120, le=10_000_000)
    zipf_exponent: float = option(
        1.0,
        Shown("NUMBER"),
        "How steeply popularity falls from item to item: with 0 all are equally popular, with 1 as in Zipf's law.",
        ge=0,
        le=5,
    )
    lift: float = option(
        0.1,
        Shown("NUMBER"),
        "True effect of the experiment ranking-v2: with 0.1 its treatment converts 10 percent more"
        " often than its control.",
        ge=-1,
        le=10,
    )
    experiment: Effects = option(
        (),
        Shown("EFFECT"),
        "What the treatments of the experiments do: none, small, default (of ranking-v2: --lift) or simpson (harm in"
        " every segment, but a gain over all segments together). One effect for both experiments, or NAME=EFFECT for"
        " ranking-v2 or large-cards, separated by commas.",
    )
    behaviour: Numbers = option(
        (),
        Shown("NAME=NUMBER", locust=False, several=True),
        "A parameter of how people behave, such as purchase_rate=0.4; docs/locust.md lists them. May be repeated."
        " In locustfiles each kind of audience sets its own.",
    )

    @property
    def ordinary(self) -> Behaviour:
        """How the ordinary audience of this world behaves."""
        return Behaviour(**dict(self.behaviour))  # pyright: ignore[reportArgumentType]  # names are checked


DEFAULTS: Final = WorldOptions()

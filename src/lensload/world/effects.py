"""What the treatments of the experiments do: the effect asked for of each, as `--experiment` says it."""

from collections.abc import Iterable
from typing import Final

EXPERIMENT_NAMES: Final = ("ranking-v2", "large-cards")
"""The experiments that run in every world."""

EFFECTS: Final = ("none", "small", "default", "simpson")
"""What a treatment may do:

none: nothing, so that every difference found is chance (an A/A test);
small: a fifth of its default;
default: what it does unless asked otherwise;
simpson: harm in every segment, while all segments read together show a gain (Simpson's paradox).
"""


def effect_of(experiment: str, wanted: Iterable[str]) -> str:
    """The effect of an experiment by entries like "ranking-v2=simpson", of which the last that names it counts."""
    named = dict(entry.split("=", 1) for entry in wanted)
    return named.get(experiment, "default")

"""What the treatments of the experiments do: the effect asked for of each, as `--experiment` says it."""

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BeforeValidator

from lensload.values import nearest

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


def _effects(value: object) -> object:
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")] if value.strip() else ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ValueError("it should be NAME=EFFECT, or several with commas between")
    found: dict[str, str] = {}
    for entry in value:
        name, equals, effect = str(entry).rpartition("=")
        if equals and name not in EXPERIMENT_NAMES:
            raise ValueError(f"there is no experiment {name!r}{nearest(name, EXPERIMENT_NAMES)}")
        if effect not in EFFECTS:
            raise ValueError(f"there is no effect {effect!r}{nearest(effect, EFFECTS)}")
        found |= dict.fromkeys([name] if equals else EXPERIMENT_NAMES, effect)
    return tuple(f"{name}={found[name]}" for name in EXPERIMENT_NAMES if name in found)


Effects = Annotated[tuple[str, ...], BeforeValidator(_effects)]
"""A field of effects, read from text: an effect for both experiments, or NAME=EFFECT, with commas between."""

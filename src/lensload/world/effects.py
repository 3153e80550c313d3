"""What the treatments of the experiments do: the effect asked for of each, as `--experiment` says it."""

from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer

from lensload.parse import nearest

EXPERIMENT_NAMES: Final = ("ranking-v2", "large-cards")
"""The experiments that run in every world."""

EFFECTS: Final = ("none", "small", "default", "simpson")
"""What a treatment may do:

none: nothing, so that every difference found is chance (an A/A test);
small: a fifth of its default;
default: what it does unless asked otherwise;
simpson: harm in every segment, while all segments read together show a gain (Simpson's paradox).
"""


def _effects(value: object) -> object:
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")] if value.strip() else ()
    if not isinstance(value, (list, tuple)):
        raise ValueError("it should be NAME=EFFECT, or several separated by commas")  # noqa: TRY004 - pydantic's
    if not all(isinstance(entry, str) for entry in value):
        return value
    found: dict[str, str] = {}
    for entry in value:
        name, equals, effect = str(entry).rpartition("=")
        if equals and name not in EXPERIMENT_NAMES:
            raise ValueError(f"there is no experiment {name!r}{nearest(name, EXPERIMENT_NAMES)}")
        if effect not in EFFECTS:
            raise ValueError(f"there is no effect {effect!r}{nearest(effect, EFFECTS)}")
        found |= dict.fromkeys([name] if equals else EXPERIMENT_NAMES, effect)
    return tuple((name, found[name]) for name in EXPERIMENT_NAMES if name in found)


def _texts(effects: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"{name}={effect}" for name, effect in effects]


Effects = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_effects), PlainSerializer(_texts)]
"""Experiments with their effects, read from an effect for both, or from NAME=EFFECT with commas between."""

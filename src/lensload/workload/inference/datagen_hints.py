"""What a schema says of values for Confluent's Datagen source: options, a range or an iteration in arg.properties."""

from collections.abc import Mapping
from typing import Any, Final

from lensload.workload.inference.guess_forms import Guess
from lensload.workload.inference.places import Place

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def of(place: Place) -> Guess | None:
    """The generator that the type's arg.properties ask for; None where they ask for none that a workload has.

    Datagen never makes the largest number of a range, so that a whole one ends before it.
    """
    said = place.node.get("arg.properties") if isinstance(place.node, dict) else None
    types = _TYPES.get(place.kind, ())
    if not isinstance(said, Mapping) or place.logical or not types:
        return None
    match said:
        case {"options": [_, *_] as options} if all(_is(each, types) for each in options):
            return {"choice": list[Any](options)}
        case {"range": {"min": low, "max": high}} if _is(low, types) and _is(high, types):
            high = high - 1 if place.kind in ("int", "long") else high
            return {"uniform": [low, high]} if low < high else {"constant": low}
        case {"iteration": {"start": int(start), **more}} if place.kind in ("int", "long"):
            step = more.get("step", 1)
            return {"sequence": {"start": start, "step": step if _is(step, (int,)) else 1}}
        case _:
            return None


def _is(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value is of one of the types; a flag is no number."""
    return isinstance(value, types) and (bool in types) == isinstance(value, bool)

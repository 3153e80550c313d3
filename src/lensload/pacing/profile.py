"""How the rate moves: the shapes a run's target may take over its time, as people write them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from lensload.parse import nearest

Points: TypeAlias = tuple[tuple[float, float], ...]

# A day's traffic by the hour, in eighths of its mean: quiet at night, a hump at noon, the peak in the evening.
# They sum to 24 * 8, so that the mean is exactly 1.
_DAY: Final = (5, 3, 2, 2, 2, 3, 4, 6, 7, 8, 8, 9, 10, 9, 8, 8, 9, 10, 12, 14, 16, 15, 13, 9)


@dataclass(frozen=True, slots=True)
class Profile:
    """How the rate moves over a period, as a multiple of the target.

    Attributes:
        text: as it was written.
        points: (fraction of the period, factor), joined by straight lines; two at one fraction are a jump.
        poisson: whether arrivals are random around the rate (Poisson), rather than evenly spaced.
        repeats: whether it begins again after a period, rather than holding its last factor.
    """

    text: str
    points: Points
    poisson: bool
    repeats: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a profile as people write it.

        Written `constant`, `poisson`, `ramp[:FROM-TO]`, `steps[:F,F,…]`, `spike[:FACTOR[@FROM-TO]]` or `day`; any
        of them may end in `+poisson`.

        Raises:
            ValueError: there is no such profile (naming the nearest), or its numbers are wrong; a sentence that
                continues "--profile is 'text': ".
        """
        name, _, argument = text.strip().lower().removesuffix("+poisson").partition(":")
        if name not in _SHAPES:
            raise ValueError(f"there is no profile {name!r}{nearest(name, _SHAPES)}")
        try:
            points, repeats = _shape(name, argument)
        except ValueError as error:
            raise ValueError(f"{error}; write {_USAGE[name]}") from error
        return cls(text, points, name == "poisson" or text.strip().lower().endswith("+poisson"), repeats)

    def __str__(self) -> str:
        """The profile as it was written."""
        return self.text


def _shape(name: str, argument: str) -> tuple[Points, bool]:
    points, repeats = _SHAPES[name](argument)
    if not any(y for _, y in points):
        raise ValueError("it never rises above 0")
    return points, repeats


def _flat(argument: str) -> tuple[Points, bool]:
    if argument:
        raise ValueError("nothing may follow its name")
    return ((0.0, 1.0), (1.0, 1.0)), False


def _ramp(argument: str) -> tuple[Points, bool]:
    first, last = _two(argument or "0-1")
    return ((0.0, first), (1.0, last)), False


def _steps(argument: str) -> tuple[Points, bool]:
    factors = [_factor(part) for part in (argument or "0.25,0.5,0.75,1").split(",")]
    edges = [step / len(factors) for step in range(len(factors) + 1)]
    return tuple((edge, y) for step, y in enumerate(factors) for edge in edges[step : step + 2]), False


def _spike(argument: str) -> tuple[Points, bool]:
    height, _, span = argument.partition("@")
    y = _factor(height or "3")
    start, end = _two(span or "0.4-0.6")
    if not start < end <= 1:
        raise ValueError(f"it cannot last from {start} to {end} of the period")
    return ((0.0, 1.0), (start, 1.0), (start, y), (end, y), (end, 1.0), (1.0, 1.0)), True


def _day(argument: str) -> tuple[Points, bool]:
    _flat(argument)
    return tuple((hour / 24, _DAY[hour % 24] / 8) for hour in range(25)), True


def _two(text: str) -> tuple[float, float]:
    first, dash, last = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is not FROM-TO")
    return _factor(first), _factor(last)


def _factor(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ValueError(f"{text!r} is no number from 0 up")
    return number


_SHAPES: Final[dict[str, Callable[[str], tuple[Points, bool]]]] = {
    "constant": _flat,
    "poisson": _flat,
    "ramp": _ramp,
    "steps": _steps,
    "spike": _spike,
    "day": _day,
}
_USAGE: Final = {name: name for name in _SHAPES} | {
    "ramp": "ramp[:FROM-TO]",
    "steps": "steps[:F,F,…]",
    "spike": "spike[:FACTOR[@FROM-TO]]",
}

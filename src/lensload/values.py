"""Values as people write them, and words that they nearly wrote: what every package may need and none owns."""

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS_S: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION: Final = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in _UNITS_S))


def duration_s(text: object) -> float:
    """Seconds from "30s", "2m", "1h30m", "1d", "500ms", or a plain number of seconds.

    Raises:
        ValueError: it is none of these, or is not finite, or is below 0.
    """
    complaint = f"it should be a duration such as 30s, 2m, 1h30m or 500ms, not {text!r}"
    if isinstance(text, str):
        match = _DURATION.fullmatch(text.strip().lower())
        if match and any(match.groups()):
            return sum(
                float(n) * unit for n, unit in zip(match.groups(), _UNITS_S.values(), strict=True) if n
            )
    try:
        seconds = float(text) if isinstance(text, (str, int, float)) else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(complaint)
    return seconds


@dataclass(frozen=True, slots=True)
class Shown:
    """How a field appears to people.

    Attributes:
        metavar: the placeholder of its value in help texts.
        name: its key, where it is not the field's own name: units stand in the code, not on the command line.
        bench: `lensload bench` has the flag.
        locust: `locust` has it.
        web: Locust's web form has it; never an address or a path: whoever can open the page could send the
            cluster's credentials elsewhere, or write files.
        locust_flag: its flag there, where Locust has taken the usual one.
        several: the flag may be given several times.
    """

    metavar: str
    name: str = ""
    bench: bool = True
    locust: bool = True
    web: bool = True
    locust_flag: str = ""
    several: bool = False


def option(default: object, shown: Shown, description: str, **limits: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field of a group that is an option: its default, how it appears, its help text, and pydantic's limits of it."""
    field = Field(default, description=description, **limits)
    field.metadata.append(shown)
    return field


class Group(BaseModel):
    """A group of values that people give. Frozen; unknown keys are refused; every value is checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False)


Duration = Annotated[float, BeforeValidator(duration_s)]
"""A field of seconds, read from text as `duration_s` does."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses `word`: the nearest of the known words, if one is near."""
    near = difflib.get_close_matches(word.replace("-", "_"), [name.replace("-", "_") for name in known], n=1)
    names = {name.replace("-", "_"): name for name in known}
    return f"; did you mean {names[near[0]]}?" if near else "."

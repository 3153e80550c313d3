"""An option as a model declares it: a field of a group, with how it appears to people."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
        bare: its value where the flag stands alone; "": it may not.
    """

    metavar: str
    name: str = ""
    bench: bool = True
    locust: bool = True
    web: bool = True
    locust_flag: str = ""
    several: bool = False
    bare: str = ""


def option(default: object, shown: Shown, description: str, **limits: Any) -> Any:  # noqa: ANN401 - as pydantic's Field
    """A field of a group that is an option: its default, how it appears, its help text, and pydantic's limits of it."""
    field = Field(default, description=description, **limits)
    field.metadata.append(shown)
    return field


class Group(BaseModel):
    """A group of values that people give. Frozen; unknown keys are refused; every value is checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False)

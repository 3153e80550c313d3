"""Each field of RunConfig as an option of the doors: the command line, Locust's, and the web form."""

import math
from dataclasses import dataclass
from typing import Literal, cast, get_args, get_origin

from lensload.config.model import ENV_PREFIX, FIELDS, GROUPS, RunConfig, flag_of, name_of, shown_of
from lensload.config.types import MAX
from lensload.option import Shown
from lensload.parse import duration_text

_TITLES = {"criteria": "Objectives and thresholds"}


@dataclass(frozen=True, slots=True)
class Option:
    """One field of RunConfig as an option of the command line, of Locust and of the web form.

    Attributes:
        field: the attribute of RunConfig ("duration_s").
        group: the title of its group in help texts ("Load").
        name: its key in lensload.toml and in the flags given to `load` ("duration").
        flag: on the command line of lensload ("--duration").
        env: the environment variable ("LENSLOAD_DURATION").
        default: a number or text; "" stands for not set, and `load` takes it as that. Durations and lists are text.
        choices: the only values possible; empty when there are others.
        help: what it decides, for people.
        shown: which doors have it, and how it appears there.
    """

    field: str
    group: str
    name: str
    flag: str
    env: str
    default: str | int | float
    choices: tuple[str, ...]
    help: str
    shown: Shown

    @property
    def locust_flag(self) -> str:
        """On Locust's command line, which has a --profile of its own."""
        return self.shown.locust_flag or self.flag


def options(base: RunConfig | None = None) -> tuple[Option, ...]:
    """An option for each field of RunConfig, group by group, with the values of `base` as defaults."""
    values = {name: value for _, group in base or RunConfig() for name, value in group}
    return tuple(
        _option(field, _TITLES.get(name, name.title()), values[field])
        for name, group in GROUPS.items()
        for field in sorted(group.model_fields, key=lambda field: field not in group.__annotations__)
    )


def _option(field: str, title: str, value: object) -> Option:
    info, shown, name = FIELDS[field], shown_of(field), name_of(field)
    return Option(
        field=field,
        group=title,
        name=name,
        flag=flag_of(field),
        env=ENV_PREFIX + name.upper(),
        default=_as_default(value, shown.metavar),
        choices=get_args(info.annotation) if get_origin(info.annotation) is Literal else (),
        help=info.description or "",
        shown=shown,
    )


def _as_default(value: object, metavar: str) -> str | int | float:
    if value is None:
        return ""
    if metavar == "DURATION":
        return duration_text(cast("float", value))
    if isinstance(value, float) and MAX in metavar:  # text: Locust would refuse what is no number
        return MAX if math.isinf(value) else f"{value:.15g}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, (int, float)) else str(value)

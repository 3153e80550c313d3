"""Each field of RunConfig as an option of the doors: the command line, Locust's, and the web form."""

from dataclasses import dataclass
from typing import Literal, get_args, get_origin

from pydantic import BaseModel

from lensload.config.fields import Cluster, Criteria, Load, Outputs, Producer
from lensload.config.model import ENV_PREFIX, FIELDS, RunConfig, flag_of, name_of, shown_of
from lensload.world.parameters import WorldParameters

_TITLES = {
    Load: "Load",
    Cluster: "Cluster",
    WorldParameters: "World",
    Producer: "Producer",
    Criteria: "Objectives and thresholds",
    Outputs: "Outputs",
}


@dataclass(frozen=True, slots=True)
class Option:
    """One field of RunConfig as an option of the command line, of Locust and of the web form.

    Attributes:
        field: the attribute of RunConfig ("duration_s").
        group: the title of its group in help texts ("Load").
        name: its key in lensload.toml and in the flags given to `load` ("duration").
        flag: on the command line of lensload ("--duration").
        locust_flag: on Locust's, which has a --profile of its own.
        env: the environment variable ("LENSLOAD_DURATION").
        type: of `default` and of what a form may hold; durations and lists are text.
        default: never None: "" stands for not set, and `load` takes it as that.
        choices: the only values possible; empty when there are others.
        metavar: the placeholder of the value in help texts.
        help: what it decides, for people.
        in_bench: `lensload bench` has it.
        in_locust: `locust` has it.
        in_web_ui: the web form has it.
        several: it may be given several times; what is given adds up.
        bare: its value where the flag stands alone; "": it may not.
    """

    field: str
    group: str
    name: str
    flag: str
    locust_flag: str
    env: str
    type: type[str] | type[int] | type[float]
    default: str | int | float
    choices: tuple[str, ...]
    metavar: str
    help: str
    in_bench: bool
    in_locust: bool
    in_web_ui: bool
    several: bool
    bare: str


def options(base: RunConfig | None = None) -> tuple[Option, ...]:
    """An option for each field of RunConfig, group by group, with the values of `base` as defaults."""
    values = {name: value for _, group in base or RunConfig() for name, value in group}
    return tuple(
        _option(name, title, values[name]) for group, title in _TITLES.items() for name in _fields(group)
    )


def _fields(group: type[BaseModel]) -> list[str]:
    """The fields of a group, its own before those that it inherits."""
    own = [name for name in group.model_fields if name in group.__annotations__]
    return [*own, *(name for name in group.model_fields if name not in own)]


def _option(field: str, group: str, value: object) -> Option:
    info = FIELDS[field]
    shown, name, flag = shown_of(field), name_of(field), flag_of(field)
    default = _as_default(value, duration=shown.metavar == "DURATION")
    return Option(
        field=field,
        group=group,
        name=name,
        flag=flag,
        locust_flag=shown.locust_flag or flag,
        env=ENV_PREFIX + name.upper(),
        type=type(default),
        default=default,
        choices=get_args(info.annotation) if get_origin(info.annotation) is Literal else (),
        metavar=shown.metavar,
        help=info.description or "",
        in_bench=shown.bench,
        in_locust=shown.locust,
        in_web_ui=shown.web and shown.locust,
        several=shown.several,
        bare=shown.bare,
    )


def _as_default(value: object, *, duration: bool) -> str | int | float:
    if value is None:
        return ""
    if duration:
        return f"{value:.15g}s"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value if isinstance(value, (int, float)) else str(value)

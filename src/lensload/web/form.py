"""The options of a run as fields of a form, and what a form holds as a checked configuration."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from lensload.config.model import FIELDS, RunConfig
from lensload.config.options import Option, options
from lensload.errors import UsageError

_NOT_HERE: Final = ("repeat",)  # a page shows one run


class FormError(UsageError):
    """What a form holds is wrong.

    Args:
        message: what is wrong, for where no field can show it.
        fields: what is wrong with each field, by its name.
    """

    def __init__(self, message: str, fields: Mapping[str, str]) -> None:
        super().__init__(message)
        self.fields = dict(fields)


def choices(base: RunConfig, *, in_locust: bool) -> list[Option]:
    """The options that a page may change: never an address or a path, for whoever can open it would have the files' owner's."""
    return [
        option
        for option in options(base)  # pyright: ignore[reportArgumentType]  # frozen models hash
        if option.shown.web
        and (option.shown.locust if in_locust else option.shown.bench)
        and option.field not in _NOT_HERE
    ]


def groups(found: Iterable[Option]) -> list[dict[str, Any]]:
    """The options by group, as the page's form reads them."""
    titles: dict[str, list[dict[str, Any]]] = {}
    for option in found:
        titles.setdefault(option.group, []).append(_field(option))
    return [{"title": title, "fields": fields} for title, fields in titles.items()]


def checked(base: RunConfig, values: Mapping[str, Any], found: Sequence[Option]) -> RunConfig:
    """The configuration with what a form holds, checked as the command line is.

    Args:
        base: what the form does not say.
        values: text by the name of its option.
        found: the options that the form has.

    Raises:
        FormError: a value is wrong, or there is no such field.
    """
    fields = {option.name: option.field for option in found}
    unknown = {name: "This form has no such field." for name in values if name not in fields}
    if unknown:
        raise FormError(f"The form has no field {', '.join(unknown)}.", unknown)
    try:
        return base.changed(**{fields[name]: str(text).strip() for name, text in values.items()})
    except UsageError as error:
        names = {field: name for name, field in fields.items()}
        raise FormError(str(error), _by_field(error.__cause__, names)) from error


def target(config: RunConfig) -> str:
    """Where the load goes: the cluster, the registry and the prefix of the topics; and which workload, if it is not LENS's."""
    cluster, workload = config.cluster, config.load.workload
    events = f"; the events are those of {Path(workload.name).name}" if workload else ""
    if cluster.embedded:
        return f"the embedded cluster{events}"
    prefix = f", topics {cluster.topic_prefix}*" if cluster.topic_prefix else ""
    return f"{cluster.bootstrap_servers} (registry {cluster.registry_url}{prefix}){events}"


def _by_field(cause: BaseException | None, names: Mapping[str, str]) -> dict[str, str]:
    """What pydantic found wrong, by the name of the form's field."""
    if not isinstance(cause, ValidationError):
        return {}
    found: dict[str, str] = {}
    for detail in cause.errors(include_url=False):
        field = next((str(part) for part in detail["loc"] if part in FIELDS), "")
        if field in names:
            text = detail["msg"].removeprefix("Value error, ").replace("Input should", "it should")
            found[names[field]] = re.sub("^it ", "It ", text.rstrip(".")) + "."
    return found


def _field(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "label": option.name.replace("_", " "),
        "flag": option.flag,
        "value": str(option.default),
        "choices": list(option.choices),
        "hint": option.shown.metavar,
        "help": option.help,
    }

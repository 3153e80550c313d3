"""What commands share: the options of a run as flags, help that lists options in groups, values read from text."""

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from lensload.config import loading
from lensload.config.fields import Cluster
from lensload.config.model import RunConfig
from lensload.config.options import Option, options
from lensload.option import Group
from lensload.parse import duration_s, number

Function = TypeVar("Function", bound=Callable[..., Any])
Model = TypeVar("Model", bound=Group)


class Command(click.Command):
    """A command whose help lists its options in groups:."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                groups.setdefault(getattr(parameter, "group", "Options"), []).append(record)
        for title in sorted(groups, key="Options".__eq__):  # which come last
            with formatter.section(title):
                formatter.write_dl(groups[title])


class GroupedOption(click.Option):
    """An option that says which group of the help it belongs to."""

    def __init__(self, *args: Any, group: str, **attributes: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*args, **attributes)
        self.group = group


def option_group(title: str) -> Callable[..., Callable[[Function], Function]]:
    """`click.option`, for options that the help lists under a title, with their defaults."""
    return functools.partial(click.option, cls=GroupedOption, group=title, show_default=True)


class ReadBy(click.ParamType[object]):
    """A value that a function reads from text, or refuses with a ValueError whose text people can read."""

    name = "value"

    def __init__(self, read: Callable[[str], object]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:  # noqa: ANN401
        """What the function makes of it."""
        try:
            return self._read(value)
        except ValueError as error:
            return self.fail(str(error), param, ctx)


class Quantity(click.ParamType["float"]):
    """A number as people write it (10k, 1.5M, 1e6, 1_000), in a range; whole numbers are int.

    Args:
        least: the smallest that is allowed.
        most: the largest.
        whole: it has no fraction.
        days: it is a length of time, in days where no unit is given: 14, 14d, 2w, 36h.
    """

    name = "number"

    def __init__(self, least: float, most: float, *, whole: bool = True, days: bool = False) -> None:
        self._least, self._most, self._whole, self._days = least, most, whole, days

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            found = self._read(value) if isinstance(value, str) else float(str(value))
        except ValueError as error:
            self.fail(f"{value!r}: {error}.", param, ctx)
        if not self._least <= found <= self._most:
            self.fail(f"{value} is not from {self._least:,.15g} to {self._most:,.15g}.", param, ctx)
        if self._whole and found != int(found):
            self.fail(f"{value} is not a whole number.", param, ctx)
        return int(found) if self._whole else found

    def _read(self, text: str) -> float:
        if not self._days:
            return number(text)
        try:
            return number(text)
        except ValueError:
            return duration_s(text) / 86_400


def share(text: str) -> float:
    """A share, 0 to 10, from a percentage, with its sign: 10 alone could be anything.

    Raises:
        ValueError: it is none.
    """
    digits, percent, rest = text.strip().partition("%")
    try:
        found = float(digits) / 100
    except ValueError:
        found = -1.0
    if not percent or rest or not 0 <= found <= 10:
        raise ValueError(f"{text!r} is no percentage such as 5% or 95%.")
    return found


def _seconds(text: str) -> float:
    try:
        return duration_s(text)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}.") from error


SHARE = ReadBy(share)
SECONDS = ReadBy(_seconds)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@dataclass(frozen=True, slots=True)
class Given:
    """What was given for the options of a run on the command line.

    Attributes:
        flags: the value of each option by its name; None where it was not given.
        file: --config; None where it was not given.
    """

    flags: dict[str, Any]
    file: Path | None

    def config(self, **more: object) -> RunConfig:
        """The configuration of a run from all sources; `more` are flags besides, by option name.

        Raises:
            UsageError: as `loading.load` does.
        """
        return loading.load({**self.flags, **more}, file=self.file)

    def group(self, group: type[Model], **more: object) -> Model:
        """One group of the configuration from all sources.

        Raises:
            UsageError: as `loading.load` does.
        """
        return loading.load_group(group, {**self.flags, **more}, file=self.file)


def run_options(
    only: Collection[str] | None = None,
    *,
    without: Collection[str] = (),
    helps: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command a flag for each option of a run and --config, and calls it with `Given` as first argument.

    Args:
        only: the fields whose options it has; None for all.
        without: names of options that it does not have.
        helps: other help texts than the usual ones, by field, where an option does less in this command.
    """
    wanted = [
        option
        for option in options()
        if option.shown.bench and option.name not in without and (only is None or option.field in only)
    ]

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def called(*, config: Path | None = None, **values: object) -> object:
            flags = {option.name: values.pop(option.name) for option in wanted}
            return command(Given(flags, config), **values)

        text = "Read this file in place of lensload.toml."
        click.option("--config", metavar="FILE", type=Path, help=text)(called)
        for option in reversed(wanted):
            _add(called, option, (helps or {}).get(option.field, option.help))
        return called

    return decorated


def _add(command: Callable[..., Any], option: Option, text: str) -> None:
    default = "" if option.default == "" else f"  [default: {option.default}]"
    # Values stay text here: the configuration reads and refuses those of every source in the same way.
    # A flag that may be repeated is () where it is not given, and must not beat the other sources.
    click.option(
        option.flag,
        option.name,
        cls=GroupedOption,
        group=option.group,
        metavar="|".join(option.choices) if option.choices else option.shown.metavar,
        multiple=option.shown.several,
        **({"is_flag": False, "flag_value": option.shown.bare} if option.shown.bare else {}),
        callback=lambda _ctx, _parameter, value: (list(value) or None) if isinstance(value, tuple) else value,
        help=text + default,
    )(command)


def tell_notices(cluster: Cluster) -> None:
    """Say what of the --client-config file is left out or looks wrong, on stderr, before anything starts."""
    if cluster.client_config:
        from lensload.kafka import connection  # noqa: PLC0415 - the clients cost half a second, which --help need not pay

        for notice in connection.notices(cluster):
            click.echo(f"Notice: {notice}", err=True)

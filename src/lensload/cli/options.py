"""What commands share: the options of a run as flags, and help that lists them in groups."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from lensload.config.fields import Cluster
from lensload.config.options import Option, options
from lensload.values import duration_s, number

Function = TypeVar("Function", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose help lists its options in groups:."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group of options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        ungrouped = groups["Options"] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                title = parameter.group if isinstance(parameter, GroupedOption) else "Options"
                groups.setdefault(title, []).append(record)
        del groups["Options"]
        for title, records in (*groups.items(), ("Options", ungrouped)):
            with formatter.section(title):
                formatter.write_dl(records)


class GroupedOption(click.Option):
    """An option that says which group of the help it belongs to."""

    def __init__(self, *args: Any, group: str, **attributes: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(*args, **attributes)
        self.group = group


def option_group(title: str) -> Callable[..., Callable[[Function], Function]]:
    """`click.option`, for options that the help lists under a title."""
    return partial(click.option, cls=GroupedOption, group=title)


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


config_option = click.option(
    "--config", metavar="FILE", type=Path, help="Read this file in place of lensload.toml."
)


def run_options(
    only: Collection[str] | None = None,
    *,
    without: Collection[str] = (),
    helps: Mapping[str, str] | None = None,
) -> Callable[[Function], Function]:
    """A decorator that gives a command a flag for each option of a run; a flag not given is None.

    Args:
        only: the fields whose options it has; None for all.
        without: names of options that it does not have.
        helps: other help texts than the usual ones, by field, where an option does less in this command.
    """
    wanted = [
        option
        for option in options()
        if option.in_bench and option.name not in without and (only is None or option.field in only)
    ]

    def decorated(command: Function) -> Function:
        for option in reversed(wanted):
            _add(command, option, (helps or {}).get(option.field, option.help))
        return command

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
        metavar="|".join(option.choices) if option.choices else option.metavar,
        multiple=option.several,
        callback=_given,
        help=text + default,
    )(command)


def _given(ctx: click.Context, parameter: click.Parameter, value: object) -> object:  # noqa: ARG001 - click's
    """What was given several times as a list; None if it was not given."""
    return (list(cast("tuple[str, ...]", value)) or None) if isinstance(value, tuple) else value


def tell_notices(cluster: Cluster) -> None:
    """Say what of the --client-config file is left out or looks wrong, on stderr, before anything starts."""
    if cluster.client_config:
        from lensload.kafka import connection  # noqa: PLC0415 - the clients cost half a second, which --help need not pay

        for notice in connection.notices(cluster):
            click.echo(f"Notice: {notice}", err=True)

"""What commands share: the options of a run as flags, and help that lists them in groups."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from lensload.config.options import Option, options

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
        **({"is_flag": False, "flag_value": option.bare} if option.bare else {}),
        callback=_given,
        help=text + default,
    )(command)


def _given(ctx: click.Context, parameter: click.Parameter, value: object) -> object:  # noqa: ARG001 - click's
    """What was given several times as a list; None if it was not given."""
    return (list(cast("tuple[str, ...]", value)) or None) if isinstance(value, tuple) else value

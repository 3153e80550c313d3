"""The options of a run as flags of a command."""

from collections.abc import Callable, Container
from typing import Any, TypeVar, cast

import click

from lensload.config.options import Option, options

Command = TypeVar("Command", bound=Callable[..., Any])


def run_options(
    only: Container[str] | None = None, *, without: Container[str] = ()
) -> Callable[[Command], Command]:
    """A decorator that gives a command a flag for each option of a run; a flag not given is None.

    Args:
        only: the fields whose options it has; None for all.
        without: names of options that it does not have.
    """
    wanted = [
        option
        for option in options()
        if option.in_bench and option.name not in without and (only is None or option.field in only)
    ]

    def decorated(command: Command) -> Command:
        for option in reversed(wanted):
            _add(command, option)
        return command

    return decorated


def _add(command: Callable[..., Any], option: Option) -> None:
    default = "" if option.default == "" else f"  [default: {option.default}]"
    # Values stay text here: the configuration reads and refuses those of every source in the same way.
    # A flag that may be repeated is () where it is not given, and must not beat the other sources.
    click.option(
        option.flag,
        option.name,
        metavar="|".join(option.choices) if option.choices else option.metavar,
        multiple=option.several,
        callback=_given,
        help=option.help + default,
    )(command)


def _given(ctx: click.Context, parameter: click.Parameter, value: object) -> object:  # noqa: ARG001 - click's
    """What was given several times as a list; None if it was not given."""
    return (list(cast("tuple[str, ...]", value)) or None) if isinstance(value, tuple) else value

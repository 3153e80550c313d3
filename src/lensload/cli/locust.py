"""`lensload locust`: Locust with this project in it from the start, in a process of its own, which Locust patches."""

import os

import click

from lensload.processes import interpreter


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def locust(arguments: tuple[str, ...]) -> None:
    """Start Locust, whose --help then lists this project's options too. Without a locustfile: an ordinary day."""
    command = interpreter.command("lensload.locust", *arguments)
    os.execve(command[0], command, interpreter.environ())  # noqa: S606 - no shell is wanted

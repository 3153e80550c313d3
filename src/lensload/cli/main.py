"""The command `lensload`: the group of all commands, each imported from its own module when it is called.

The list of commands imports none.

Exit codes are those of the errors' tree, and 2 for what click refuses.
"""

import importlib
import traceback
from typing import Any, Final

import click

from lensload import __version__
from lensload.errors import InvalidRunError, LensloadError
from lensload.processes import lasting

_COMMANDS: Final = {
    "bench": "Send events at a rate and measure their latency.",
    "locust": "Start Locust: web UI, live page, shapes, workers.",
    "doctor": "Check cluster, registry, topics and machine before a run.",
    "report": "Show run files and write reports of them.",
    "compare": "Compare run files: is the later run worse?",
    "capacity": "Find the highest rate that holds the objectives.",
    "seed": "Fill a cluster or files with days of history.",
    "replay": "Read topics back: count, print, write or send messages.",
    "workload": "Make, show and check workload files: your own events.",
    "schemas": "List, register and check the LENS schemas.",
    "clean": "Delete the topics and subjects of one prefix.",
}


class _Commands(click.Group):
    """A group whose commands may raise LensloadError: shown as its text on stderr and its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """The names of the commands, in the order in which they are needed."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, which `lensload.cli.<name>` defines.

        Raises:
            click.UsageError: there is none; names the nearest.
        """
        if cmd_name in _COMMANDS:
            with lasting.made():
                module = importlib.import_module(f"lensload.cli.{cmd_name}")
            command: click.Command = getattr(module, cmd_name)
            return command
        if ctx.resilient_parsing:
            return None
        from lensload.parse import nearest  # noqa: PLC0415 - most names are right

        return ctx.fail(f"There is no command {cmd_name!r}{nearest(cmd_name, _COMMANDS)}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """List the commands, none of which is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's
        """Run the command; no error of ours becomes a traceback, and none of others an exit code of a verdict."""
        try:
            return super().invoke(ctx)
        except LensloadError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Error: Stopped.", err=True)
            ctx.exit(InvalidRunError.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # noqa: BLE001 - Python would end with 1, which is a verdict
            traceback.print_exc()
            click.echo("Error: This is a fault of lensload; the lines above say where.", err=True)
            ctx.exit(InvalidRunError.exit_code)


@click.group(
    name="lensload",
    cls=_Commands,
    context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="lensload")
def main() -> None:
    """Send LENS events to Kafka at a given rate, and measure how long each takes to arrive.

    A first run needs no Kafka: lensload bench. Each command explains its options: lensload COMMAND --help.
    """

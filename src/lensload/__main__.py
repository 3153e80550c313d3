"""The command `lensload`, also `python -m lensload`: the command line, in a process that is made fit for it first."""

from lensload.processes import interpreter

interpreter.leave_out_working_folder()  # before the imports that a file of that folder could answer

from lensload.cli.main import main as command_line
from lensload.processes import stdio


def main() -> None:
    """Run the command line."""
    stdio.protect()
    command_line(prog_name="lensload")


if __name__ == "__main__":
    main()

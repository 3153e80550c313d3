"""`python -m lensload`: the command line."""

from lensload.cli.main import main

main(prog_name="lensload")

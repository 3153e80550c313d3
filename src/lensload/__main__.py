"""`python -m lensload`: the command line."""

from lensload.cli import main

main(prog_name="lensload")

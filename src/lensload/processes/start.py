"""Starts a module as a process of a run: `python -m lensload.processes.start MODULE ARGUMENT…`.

All that it imports lasts; the module says when that ends.
"""

import runpy
import sys

from lensload.processes import lasting


def main() -> None:
    """Become the module that the first argument names, with the others as its arguments."""
    lasting.begin()
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

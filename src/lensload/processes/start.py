"""Starts a module as a process of a run: `python -m lensload.processes.start MODULE ARGUMENT…`.

All that it imports lasts; the module says when that ends. On Linux `top` shows the module's package as its name.
"""

import contextlib
import runpy
import sys

from lensload.processes import lasting


def main() -> None:
    """Become the module that the first argument names, with the others as its arguments."""
    lasting.begin()
    module = sys.argv.pop(1)
    with contextlib.suppress(OSError), open("/proc/self/comm", "wb", 0) as name:  # noqa: PTH123
        name.write(module.removeprefix("lensload.").split(".")[0].encode())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

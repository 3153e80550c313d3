"""Python processes that import installed modules only, whatever is in the folder they are started from.

A file `queue.py` or `locust.py` in the working folder is somebody's own. Python would import it in place of the
installed module: `python -m` puts the working folder first, and an empty entry of PYTHONPATH means it too.
"""

import os
import sys

TYPE_CHECKING = False  # `typing` is an import, which the working folder could answer; so is `pathlib`
if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALLED = ("site-packages", "dist-packages")


def leave_out_working_folder() -> None:
    """Take the working folder off this process's module path; call it before any import that it could answer.

    If lensload itself was imported from there, the folder stays on the path, but last.
    """
    sys.path[:] = _only_installed(sys.path)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module in a new process of this interpreter; give the process `environ`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environ(base: "Mapping[str, str] | None" = None) -> dict[str, str]:
    """The environment for `command`: the new process finds the modules that this one finds.

    Args:
        base: the other variables; those of this process if None.
    """
    variables = dict(os.environ if base is None else base)
    asked = [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
    variables["PYTHONPATH"] = os.pathsep.join(_only_installed([*asked, *sys.path]))
    return variables


def _only_installed(path: list[str]) -> list[str]:
    try:
        here = os.path.realpath(os.getcwd())  # noqa: PTH109
    except OSError:  # somebody has deleted it
        here = ""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    root = os.path.dirname(package)  # noqa: PTH120
    absolute = dict.fromkeys(os.path.abspath(entry) for entry in path)  # noqa: PTH100
    kept = [entry for entry in absolute if not _is_foreign(os.path.realpath(entry), here)]
    return kept if root in kept else [*kept, root]


def _is_foreign(entry: str, here: str) -> bool:
    """Whether it is the working folder, and not a place of Python's own that somebody has changed into."""
    standard_library = os.path.realpath(os.path.dirname(os.__file__))  # noqa: PTH120
    return entry == here and entry != standard_library and os.path.basename(entry) not in _INSTALLED  # noqa: PTH119

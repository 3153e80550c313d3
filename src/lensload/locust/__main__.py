"""`locust`, with this project's options in its --help: Locust prints that before it imports a locustfile.

Without a locustfile it runs the ordinary day that comes with this package.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import cast

from locust import main as locust_main
from locust.argument_parser import parse_locustfile_option

_USUAL = "locustfile.py"  # what Locust looks for where nothing is named


def _locustfile() -> Path:
    """The ordinary day: inside an installed wheel, else the checkout's."""
    packaged = Path(__file__).parents[1] / "locustfiles"
    folder = packaged if packaged.is_dir() else Path(__file__).parents[3] / "locustfiles"
    return folder / "ordinary_day.py"


def main() -> None:
    """Run Locust's command line."""
    sys.argv[0] = "locust"
    importlib.import_module("lensload.locust")  # adds the options
    named = vars(cast("argparse.Namespace", parse_locustfile_option()))["locustfile"]
    if named == _USUAL and not Path(_USUAL).exists():
        sys.argv += ["-f", str(_locustfile())]
    locust_main.main()


if __name__ == "__main__":
    main()

"""The XSD of JUnit's XML that Jenkins' xUnit plugin goes by (junit-10), from the source archive of pytest.

It is fetched once with pip, as the harness's servers are with Maven, and kept in the same cache.
"""

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

from tests.harness.artifacts import CACHE, HarnessError

_IN_ARCHIVE = "testing/example_scripts/junit-10.xsd"
_TIMEOUT_S = 120.0


def junit_xsd(folder: Path) -> Path:
    """Where the schema is; `folder` is a scratch one.

    Raises:
        HarnessError: it cannot be had.
    """
    release = f"pytest-{version('pytest')}"
    kept = CACHE / f"{release}-junit-10.xsd"
    if not kept.exists():
        CACHE.mkdir(exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += ["--no-binary", "pytest", "--dest", str(folder), release.replace("-", "==", 1)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
        if done.returncode:
            raise HarnessError(f"pip could not fetch the source of {release}: {done.stderr[-500:]}")
        with tarfile.open(folder / f"{release}.tar.gz") as archive:
            archive.extract(f"{release}/{_IN_ARCHIVE}", folder, filter="data")
        (folder / release / _IN_ARCHIVE).replace(kept)
    return kept

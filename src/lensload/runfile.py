"""The run file: a run as JSON, written whole or not at all, and read back with care."""

import json
import sys
import tempfile
from pathlib import Path
from typing import cast

from lensload.errors import UsageError
from lensload.output import put, why
from lensload.run import FORMAT, Run

FAMILY = FORMAT[: FORMAT.rindex("/") + 1]

# What run files of this format did not have from the first; older ones are read as having none of it.
_ADDITIONS: dict[str, object] = {
    "blocks": [],
    "slos": [],
    "client_us": {},
    "waterfall": None,
    "repeats": [],
    "intervals": {},
}


def write(path: Path, run: Run) -> None:
    """Write a run file whole or not at all; a reader never sees half of one. Missing folders are made.

    Raises:
        UsageError: `path` cannot take it. The run is not lost: the text says where it was written instead,
            or that it stands on standard error.
    """
    text = json.dumps(run, indent=1, allow_nan=False) + "\n"
    try:
        put(path, text)
    except OSError as error:
        raise UsageError(
            f"The run file {path} could not be written: {why(error)}.", _kept_elsewhere(run, text)
        ) from error


def read(path: Path) -> Run:
    """The run that a file holds.

    Raises:
        UsageError: the file is missing, cut off, not a run file, or of a format this version cannot read.
    """
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The run file {path} cannot be read: {why(error)}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text, so not a run file.", _EXPECTED) from error
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path} is not whole JSON (line {error.lineno}: {error.msg}).",
            "lensload writes a run file whole or not at all: it was cut off, or changed, after that."
            " Copy it again, or run again.",
        ) from error
    _check_format(path, found)
    return cast("Run", {**_ADDITIONS, **cast("dict[str, object]", found)})


_EXPECTED = f'A run file is what `lensload bench --run-file` writes; its "format" is "{FORMAT}".'


def _check_format(path: Path, found: object) -> None:
    content = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    named = content.get("format")
    if not isinstance(named, str) or not named.startswith(FAMILY):
        kind = f'is "{named}"' if isinstance(named, str) else "is JSON of another tool"
        raise UsageError(f"{path} {kind}, not a run of lensload.", _EXPECTED)
    if named != FORMAT:
        raise UsageError(
            f'{path} has the format "{named}"; this version reads "{FORMAT}".',
            "Use the version of lensload that wrote it, or run again with this one.",
        )
    missing = [name for name in Run.__annotations__ if name not in content and name not in _ADDITIONS]
    if missing:
        raise UsageError(
            f"{path} is a run file without {', '.join(missing)}.", "It was changed by hand; run again."
        )


def _kept_elsewhere(run: Run, text: str) -> str:
    """Keep a run whose own file failed, and say where."""
    stamp = "".join(digit for digit in run["started_at"] if digit.isdigit())[:14]
    try:
        folder = Path(tempfile.mkdtemp(prefix="lensload-"))
        other = folder / f"run-{stamp}.json"
        put(other, text)
    except OSError:
        sys.stderr.write(text)
        return "Nor could the temp folder take it: it stands above, on standard error. Copy it from there."
    return f"It was kept as {other}. Move it, and give another place with --run-file next time."

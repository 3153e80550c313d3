"""The run file: a run as JSON, written whole or not at all, and read back with care."""

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from pydantic import TypeAdapter, ValidationError

from lensload import __version__
from lensload.atomic_file import put, why
from lensload.errors import UsageError
from lensload.results.run import FORMAT, Run

_FAMILY: Final = FORMAT[: FORMAT.rindex("/") + 1]
_EXPECTED: Final = f'A run file is what `lensload bench --run-file` writes; its "format" is "{FORMAT}".'


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
        text = path.read_text(encoding="utf-8-sig")
        content: object = json.loads(text, parse_constant=lambda _: None)  # NaN is none
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
    _check_format(path, content)
    try:
        return _adapter().validate_python(content, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path} is a run file, but its {place} is wrong: {first['msg']}.",
            "It was changed after lensload wrote it. Copy it again, or run again.",
        ) from error


@cache
def _adapter() -> TypeAdapter[Run]:
    """Made when the first file is read: a run writes one, and reads none."""
    return TypeAdapter(Run)


def _check_format(path: Path, content: object) -> None:
    fields = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    named = fields.get("format")
    if not isinstance(named, str) or not named.startswith(_FAMILY):
        kind = f'is "{named}"' if isinstance(named, str) else "is JSON of another tool"
        raise UsageError(f"{path} {kind}, not a run of lensload.", _EXPECTED)
    if named != FORMAT:
        writer = _writer(fields.get("conditions"))
        raise UsageError(
            f'{path} has the format "{named}", written by {writer}; this version ({__version__}) reads "{FORMAT}".',
            f"Show it with {writer}, or run again with this version.",
        )


def _writer(conditions: object) -> str:
    """The version that wrote a file of another format, as far as it says."""
    match conditions:
        case {"versions": {"lensload": str() as version}}:
            return f"lensload {version}"
        case _:
            return "another version of lensload"


def _kept_elsewhere(run: Run, text: str) -> str:
    """Keep a run whose own file failed, and say where."""
    stamp = "".join(digit for digit in run["started_at"] if digit.isdigit())[:14]
    try:
        folder = Path(tempfile.mkdtemp(prefix="lensload-"))
        other = folder / f"run-{stamp}.json"
        put(other, text)
    except OSError:
        sys.stderr.write(text)
        return "The temporary folder could not take it either. The run is printed above, on standard error: copy it from there."
    return f"It was kept as {other}. Move it, and give another place with --run-file next time."

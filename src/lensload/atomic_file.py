"""Files that commands leave behind, their places checked before the work, written whole or not at all; and reading one."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lensload.errors import UsageError


def check_writable(path: Path, what: str = "run file", flag: str = "--run-file") -> None:
    """Find out before a run whether a file can be written after it; leaves no trace.

    Args:
        path: where it is to be.
        what: what it is called in the complaint.
        flag: the one that named it.

    Raises:
        UsageError: it cannot.
    """
    if str(path) == "-":
        raise UsageError(
            f"The {what} cannot go to -: lensload writes files.",
            f"Give a path with {flag}; /dev/stdout is the standard output.",
        )
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        if not path.exists() or path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            _beside(path).touch(exist_ok=False)
            _beside(path).unlink()
    except OSError as error:
        raise UsageError(
            f"The {what} {path} cannot be written: {why(error)}.", f"Give another place with {flag}."
        ) from error


def put(path: Path, text: str) -> None:
    """Write beside, then rename. Where `path` is no file (a pipe, a terminal), write into it.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _beside(path).open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _beside(path).replace(path)
    except OSError:
        with suppress(OSError):
            _beside(path).unlink(missing_ok=True)
        raise


def leave(path: Path, text: str, what: str, flag: str) -> None:
    """`put`, with the complaint of `check_writable`.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        put(path, text)
    except OSError as error:
        raise UsageError(
            f"The {what} {path} could not be written: {why(error)}.", f"Give another place with {flag}."
        ) from error


def read_text(path: Path, what: str, advice: str) -> str:
    """The text of a file that somebody has named, which is called `what` in the complaint.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")  # the mark that some editors write is no part of a text
    except OSError as error:
        reason = why(error)
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except ValueError as error:  # a NUL in the path
        reason = str(error)
    raise UsageError(f"The {what} {path} cannot be read: {reason}.", advice)


def why(error: OSError) -> str:
    """What the operating system says, for the end of a sentence."""
    return error.strerror or str(error)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def check_apart(places: Mapping[str, Path | None]) -> None:
    """Find out before a run whether two files would be written into one place.

    Args:
        places: by the flag that names each; None: it is not wanted.

    Raises:
        UsageError: two of them are one file, which is no pipe or device.
    """
    seen: dict[Path, str] = {}
    for flag, path in places.items():
        if path is None or (path.exists() and not path.is_file()):
            continue
        resolved = path.expanduser().resolve()
        if resolved in seen:
            raise UsageError(
                f"{seen[resolved]} and {flag} are one file, {path}: one would overwrite the other.",
                "Give each a path of its own.",
            )
        seen[resolved] = flag

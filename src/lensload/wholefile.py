"""Files that are written whole or not at all, so that no reader ever sees half of one."""

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Write beside, then rename; missing folders are made. Where `path` is a pipe or a terminal, write into it.

    Raises:
        OSError: it cannot be written; what was there before is there still.
    """
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _beside(path).open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _beside(path).replace(path)
    except OSError:
        with suppress(OSError):
            _beside(path).unlink(missing_ok=True)
        raise


def check(path: Path) -> None:
    """Find out whether `replace` can write there; leaves no trace.

    Raises:
        OSError: it cannot.
    """
    if path.is_dir():
        raise IsADirectoryError("it is a folder")
    if not path.exists() or path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _beside(path).touch(exist_ok=False)
        _beside(path).unlink()


def why(error: OSError) -> str:
    """The reason, without the path, which messages name themselves."""
    return error.strerror or str(error)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")

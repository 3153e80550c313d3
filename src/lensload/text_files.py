"""Reading files that people and other programs have written: one way for all of them."""

from pathlib import Path

from lensload.errors import UsageError


def read(path: Path, what: str, hint: str = "") -> str:
    """The text of a file in UTF-8; a byte order mark, as some editors write it, is no part of it.

    Args:
        path: the file.
        what: it is to people, such as "configuration file".
        hint: what to do if it cannot be read.

    Raises:
        UsageError: it cannot be read, or is not UTF-8; names the file.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError as error:  # a path with a NUL
        reason = str(error)
    raise UsageError(f"The {what} {path} cannot be read: {reason}.", hint)

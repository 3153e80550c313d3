"""Names of record headers: which may be in a workload file."""

from typing import Final

MOST: Final = 64
"""How many headers a topic's records have at most."""

_LONGEST_NAME: Final = 200
_FAULT: Final = "lensload-fault"


def check_name(name: str) -> None:
    """See that a record header may be called so.

    Raises:
        ValueError: it may not; a sentence's end.
    """
    if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        raise ValueError(f"a header's name has 1 to {_LONGEST_NAME} characters that can be printed")
    if name == _FAULT:
        raise ValueError(f"{_FAULT} says which fault lensload gave a record: give the header another name")

"""Every error a person may meet, as one tree.

    LensloadError
    ├── UsageError          exit 2: a flag, key, file or value is wrong
    │   └── SchemaError     exit 2: a schema file is missing, broken or unfit
    ├── InvalidRunError     exit 3: the run happened, but its figures cannot be trusted
    └── RefusedError        exit 4: something outside could not be reached, or said no
        ├── ClusterError    the Kafka cluster
        └── RegistryError   the Schema Registry

Each carries the exit code of the contract and, in its text, what to do next.
"""

from typing import ClassVar


class LensloadError(Exception):
    """Base of the tree; `str()` of it is fit to show to a person.

    Args:
        message: what is wrong, naming the address, file, field or flag.
        hint: what to do about it, one sentence.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UsageError(LensloadError):
    """A flag, configuration key, file or value is wrong."""

    exit_code = 2


class SchemaError(UsageError):
    """A schema file is missing, broken, or does not fit what LENS promises."""


class InvalidRunError(LensloadError):
    """The run happened, but its figures cannot be trusted."""

    exit_code = 3


class RefusedError(LensloadError):
    """Something outside this process could not be reached, or refused us."""

    exit_code = 4


class ClusterError(RefusedError):
    """The Kafka cluster could not be reached, or refused us."""


class RegistryError(RefusedError):
    """The Schema Registry could not be reached, or refused us."""


def without_verdict(code: int) -> int:
    """The exit code for a process that ended with `code` and left no run file: never 0 or 1, which are verdicts."""
    if code < 0:
        return 128 - code  # killed by a signal; this is how shells report it
    return code if code > 1 else InvalidRunError.exit_code

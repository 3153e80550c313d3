"""Where a replay begins: the earliest offset, a moment, or an offset."""

import re
import time
from dataclasses import dataclass
from typing import Final, Literal, Self

from lensload.errors import UsageError
from lensload.ids import NS_PER_MS
from lensload.parse import moment_ms

_FORMS: Final = (
    "It is earliest, a time ago such as -1h, a time such as 2026-01-31T12:00:00Z (UTC where no zone is given) or Unix milliseconds such as"
    " 1769860800000, or an offset such as offset:1200."
)
# Unix ms below this are before March 1973: seconds, given by mistake.
_FEWEST_MS: Final = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """Where a replay begins in every partition.

    Attributes:
        kind: what `value` is.
        value: Unix milliseconds of a "time", the number of an "offset"; 0 for "earliest".
    """

    kind: Literal["earliest", "time", "offset"]
    value: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """The start from "earliest", an ISO 8601 time, Unix milliseconds or "offset:N".

        Raises:
            UsageError: it is none of these.
        """
        wanted = text.strip()
        if wanted.lower() == "earliest":
            return cls("earliest")
        if match := re.fullmatch(r"offset:(\d{1,18})", wanted.lower()):
            return cls("offset", int(match[1]))
        # A year alone is four digits too; the only bare number meant here is a time in milliseconds.
        if re.fullmatch(r"\d{1,18}", wanted):
            return cls("time", _unix_ms(wanted))
        return cls("time", _iso_ms(wanted))


def _unix_ms(digits: str) -> int:
    if int(digits) < _FEWEST_MS:
        raise UsageError(
            f"--start is {digits!r}: as Unix milliseconds that is before 1973.",
            "Unix seconds want three more zeros; an offset is written offset:" + digits + ".",
        )
    return int(digits)


def _iso_ms(text: str) -> int:
    try:
        unix_ms = moment_ms(text, time.time_ns() // NS_PER_MS)
    except ValueError as error:
        raise UsageError(f"--start is {text!r}.", _FORMS) from error
    if unix_ms < 0:
        raise UsageError(f"--start is {text!r}: Kafka's timestamps begin in 1970.", _FORMS)
    return unix_ms

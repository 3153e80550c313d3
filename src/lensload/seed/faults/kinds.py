"""The faults there are, and how often each is to happen."""

from collections.abc import Iterable
from typing import Final, TypeAlias

from lensload.errors import UsageError
from lensload.parse import nearest, share

LATE: Final = "late"
OUT_OF_ORDER: Final = "out-of-order"
DUPLICATE: Final = "duplicate"
MALFORMED: Final = "malformed"
UNKNOWN_SCHEMA_ID: Final = "unknown-schema-id"
TOMBSTONE: Final = "tombstone"
BROKEN_REFERENCE: Final = "broken-reference"
IMPOSSIBLE_VALUE: Final = "impossible-value"
CLOCK_SKEW: Final = "clock-skew"

FAULTS: Final = (
    LATE,
    OUT_OF_ORDER,
    DUPLICATE,
    MALFORMED,
    UNKNOWN_SCHEMA_ID,
    TOMBSTONE,
    BROKEN_REFERENCE,
    IMPOSSIBLE_VALUE,
    CLOCK_SKEW,
)
"""What can be wrong with a record:

late: it stands behind records that are 10 minutes newer or more (60 at the most, where records are close), its own
    times unchanged; none are late in a history shorter than that.
out-of-order: it stands behind the next newer record of its partition, its own times unchanged; where that is 10 minutes
    newer, it is late instead.
duplicate: an additional record, the same as the one before it in every byte but the header.
malformed: its value ends too early; the schema id is right.
unknown-schema-id: its value says schema id 2147483647.
tombstone: its value is null.
broken-reference: it refers to a request or a session that never was; only in responses, interactions, AB events.
    (A reference to a request whose own record is spoiled is none of these, and has no label.)
impossible-value: it can be read, but a number in it is negative, or a rating above 5.
clock-skew: all records of the same key have their timestamps 5 to 30 minutes wrong, all by as much; ids are right.
"""

OF_LENS: Final = (BROKEN_REFERENCE, IMPOSSIBLE_VALUE, CLOCK_SKEW)
"""Those that change fields which only LENS's events have; all others can befall any events."""

HEADER: Final = "lensload-fault"
"""The key of the Kafka header that every faulty record has, and no other; its value is the fault's name."""

_HINT: Final = f"Give --fault NAME=RATE, with a rate from 0 to 1; the faults are {', '.join(FAULTS)}."


Rates: TypeAlias = tuple[tuple[str, float], ...]
"""Faults with their rates."""


def rates_of(texts: Iterable[str]) -> Rates:
    """Faults with their rates in the order of `FAULTS`; those with a rate of 0 are left out.

    A rate is the share of the records that have the fault (of clock-skew: the share of the keys). A record has one
    fault at the most.

    Args:
        texts: NAME=RATE, or several with commas between; of two rates for a fault the last counts.

    Raises:
        UsageError: a fault is unknown, a rate is none, or the rates add up to more than 1.
    """
    rates: dict[str, float] = {}
    for entry in (each.strip() for text in texts for each in text.split(",") if each.strip()):
        name, _, rate = (part.strip() for part in entry.partition("="))
        if name not in FAULTS:
            raise UsageError(f"There is no fault {name!r}{nearest(name, FAULTS)}", _HINT)
        rates[name] = _rate(entry, rate)
    total = sum(rate for name, rate in rates.items() if name != CLOCK_SKEW)
    if total > 1:
        raise UsageError(
            f"The rates of the faults add up to {total:g}, but a record has one fault at the most.", _HINT
        )
    return tuple((name, rates[name]) for name in FAULTS if rates.get(name))


def _rate(entry: str, text: str) -> float:
    try:
        rate = share(text)
    except ValueError as error:
        raise UsageError(f"--fault {entry}: {text!r} is not a rate.", _HINT) from error
    if not 0 <= rate <= 1:
        raise UsageError(f"--fault {entry}: a rate is a share, from 0 to 1.", _HINT)
    return rate

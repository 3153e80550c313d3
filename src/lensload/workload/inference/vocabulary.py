"""Words of names that say what a field is: a time, an id, something seldom; and the things that events refer to."""

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


SELDOM: Final = words(
    "deleted error failed failure fraud fraudulent suspicious test blocked cancelled canceled expired "
    "locked archived anonymous anon bot private draft hidden snapshot retried duplicate refunded returned gift"
)
"""Words of flags that are mostly false, and of nullable fields that are mostly null; other flags are mostly true."""
SELDOM_SET: Final = SELDOM | words(
    "coupon promo voucher middle parent previous old closed ended removed cancellation deletion "
    "refund exception line2 address2 before"
)

TIMES: Final = words(
    "at time timestamp date datetime ts on when instant moment created updated modified occurred"
)
"""Words that end the name of a point in time."""
SPENT: Final = words(
    "response zone elapsed total processing execution cpu wait waiting load loading idle travel dwell watch think "
    "average avg mean spent lap"
)
"""Words of names that end so too, and are no point in time: totalTime, time_spent."""
BIRTH: Final = words("birth birthday dob birthdate born")
LONG_AGO: Final = words(
    "register registered registration signup joined hired hire opened since member enrolled first installed"
)
AHEAD: Final = words(
    "expires expiry expiration valid until due deadline eta estimated scheduled planned renewal"
)
BEGINS: Final = words("start started begin begun departure pickup created")
ENDS: Final = words(
    "end ended finish finished stop stopped completed arrival dropoff updated modified delivered"
)

UNITS: Final[dict[str, str]] = {
    **dict.fromkeys(words("ms millis milliseconds millisecond"), "ms"),
    **dict.fromkeys(words("us micros microseconds microsecond"), "us"),
    **dict.fromkeys(words("ns nanos nanoseconds nanosecond"), "ns"),
    **dict.fromkeys(words("s sec secs seconds epoch"), "s"),
}
"""Words that say in which unit a number counts time."""
ID: Final = frozenset({"id", "uuid", "guid"})
OF_ITS_OWN: Final = words(
    "tx xid txn event message msg trace span correlation causation request response idempotency record log "
    "notification command external legacy internal foreign unique public row change operation reading "
    "measurement impression click batch process job task run build deployment commit"
)
"""Nouns before an id that is another one in each event: none of them is a row of a pool."""
EVENT: Final = words("event message msg record")

ENTITIES: Final[dict[str, int]] = {
    **dict.fromkeys(
        words("customer user account member patient player subscriber contact person profile visitor"),
        10_000,
    ),
    **dict.fromkeys(
        words("product item article sku book song track movie content campaign ad driver employee"),
        1_000,
    ),
    **dict.fromkeys(
        words("device sensor machine vehicle asset meter thing gateway terminal card host"),
        1_000,
    ),
    **dict.fromkeys(
        words(
            "store shop warehouse location site tenant merchant supplier vendor branch region station plant "
            "organization organisation company category team line zone facility airport partner bank brand"
        ),
        50,
    ),
}
"""What lives longer than an event, and how many of them a pool has."""
POPULAR: Final = words("customer user account product item article merchant store song track movie ad")
"""Of which few are in most of the events."""
SNAPSHOT: Final = words(
    "created registered updated changed event record value dto snapshot state entity v1 v2"
)
"""Words of a record's name beside its noun where each event is the whole of a thing."""

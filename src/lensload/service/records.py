"""What is kept of a request and of an answer: one row each, as observers report them and the ledger holds them."""

from hashlib import blake2b
from typing import Any, Final

import numpy as np

Rows = np.ndarray[tuple[int], np.dtype[np.void]]

REQUEST: Final = np.dtype(
    [
        ("serial", "<i8"),  # lane << 36 | sequence, as the requestId has them
        ("due_ns", "<i8"),
        ("user", "<u8"),  # `digest` of the userId
        ("model", "<u8"),
        ("asked", "<u2"),  # how many recommendations
    ]
)
ANSWER: Final = np.dtype(
    [
        ("serial", "<i8"),
        ("due_ns", "<i8"),  # of the request, by the requestId alone
        ("came_ns", "<i8"),  # when it was in hand
        ("written_ns", "<i8"),  # the record's timestamp
        ("claimed_ms", "<i8"),  # the answer's own processingTime
        ("user", "<u8"),
        ("model", "<u8"),
        ("shown", "<u2"),  # how many recommendations
        ("marks", "<u1"),
    ]
)

UNREADABLE, DISORDERED, UNKNOWN_ITEMS, PARTIAL, ERROR, BY_THE_BROKER = (1 << bit for bit in range(6))
"""The marks of an answer. UNREADABLE: its schema version is not known, so that only its id can be read.
BY_THE_BROKER: its record's timestamp is the broker's (LogAppendTime), not the writer's."""

STRANGE: Final = ("foreign", "corrupt")
"""What else is met on the topic of the answers: answers to requests of other runs, and what is no response at all."""


def digest(text: str) -> int:
    """A name in 64 bits, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def rows_of(packed: bytes, kind: np.dtype[Any]) -> Rows:
    """The rows that `tobytes` packed."""
    return np.frombuffer(packed, dtype=kind)

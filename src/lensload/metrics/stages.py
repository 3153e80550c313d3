"""The stages of an event's way that are measured."""

from typing import Final

STAGES: Final[tuple[str, ...]] = (
    "schedule_lag",
    "encode",
    "serialize",
    "queue",
    "ack",
    "end_to_end",
    "response",
)
"""In the order of an event's way. `encode`, `serialize` and `queue` (in the client) are durations, the others count
from when the event was due. `response` is from when a request was due until the first answer of a service under test was
in hand."""

"""The stages of an event's way that are measured: one name, one label and one sentence each, for every view and page."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage as people see it.

    Attributes:
        label: its name in tables, charts and live views.
        meaning: what it is, in a sentence.
        counted: whose times these are, where they are not one of each event; else empty.
    """

    label: str
    meaning: str
    counted: str = ""


MEANINGS: Final = {
    "schedule_lag": Stage(
        "schedule lag",
        "From when an event was due until it was handed to the Kafka client: how late the generator was.",
    ),
    "encode": Stage(
        "encode",
        "How long the encoding of an event took; a batch's time is shared by its events.",
        counted="events made ahead too, sent or not",
    ),
    "serialize": Stage(
        "serialize",
        "How long the serializing of one record took; with the default serializer, of a sample through Confluent's.",
        counted="a sample, with the default serializer",
    ),
    "queue": Stage(
        "client queue",
        "How long events waited in the Kafka client's queue, the linger included; it tells of all topics together, once"
        " a second.",
        counted="the whole seconds that librdkafka reports",
    ),
    "ack": Stage("ack", "From when an event was due until the client had the cluster's acknowledgement."),
    "end_to_end": Stage(
        "end to end",
        "From when an event was due until the observer, a consumer in a process of its own, had it.",
    ),
    "response": Stage(
        "response", "From when a request was due until the first answer of a service under test was in hand."
    ),
}
"""In the order of an event's way."""

STAGES: Final[tuple[str, ...]] = tuple(MEANINGS)
"""Their names in run files and objectives. `encode`, `serialize` and `queue` are durations, the others count from when the
event was due."""

PLACES: Final = {
    "generator": Stage("generator", "The schedule lag."),
    "client": Stage("client", "In the Kafka client: its queue, with the linger, and its output buffer."),
    "broker": Stage("broker", "The rest until the acknowledgement: network, log, replicas."),
    "consumer": Stage(
        "consumer",
        "From the acknowledgement until the observer has the event; 0 where it has it before the generator has the"
        " acknowledgement, for these take two separate ways.",
    ),
}
"""Where the time from due to seen is spent: the parts of a breakdown, which add up."""

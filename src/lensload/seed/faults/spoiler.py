"""Spoiling: what is done to a record's value so that it has a fault."""

import io
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from fastavro import schemaless_reader

from lensload import ids
from lensload.encoding.avro_types import written
from lensload.encoding.wire import header
from lensload.seed.faults import kinds

UNKNOWN_ID: Final = 2**31 - 1
"""The schema id of records whose schema nobody has: the last that a registry can give."""

_HEADER_BYTES: Final = 5
# topic -> what refers to another event or a session: a field, or a key of the map in a field
_REFERENCES: Final = {
    "recommendation-responses": ("requestId", ""),
    "user-interactions": ("metadata", "requestId"),
    "ab-test-events": ("metadata", "sessionId"),
}
# topic -> the number that is made impossible
_MEASURED: Final = {
    "recommendation-requests": "numRecommendations",
    "recommendation-responses": "processingTime",
    "user-interactions": "duration",
    "ab-test-events": "metricValue",
    "model-metrics": "value",
}
_MOST_STARS: Final = 5

Record = dict[str, Any]


class Spoiler:
    """Spoils values of one topic.

    Args:
        topic: the topic, by its LENS name.
        schema: what its values are written by, parsed.
    """

    def __init__(self, topic: str, schema: dict[str, Any]) -> None:
        self._topic, self._schema = topic, schema
        self._spoils: dict[str, Callable[[bytes, float], bytes | None]] = {
            kinds.MALFORMED: _cut,
            kinds.UNKNOWN_SCHEMA_ID: lambda value, _: header(UNKNOWN_ID) + value[_HEADER_BYTES:],
            kinds.TOMBSTONE: lambda _value, _chance: None,
            kinds.BROKEN_REFERENCE: self._broken,
            kinds.IMPOSSIBLE_VALUE: self._impossible,
        }

    def can(self, fault: str) -> bool:
        """Whether the topic's records can have a fault."""
        return fault != kinds.BROKEN_REFERENCE or self._topic in _REFERENCES

    def spoiled(self, fault: str, value: bytes, chance: float) -> bytes | None:
        """The value with the fault, by uniform `chance`; None for a tombstone."""
        return self._spoils[fault](value, chance)

    def skewed(self, value: bytes, by_ms: int) -> bytes:
        """The value of a producer whose clock is so much ahead."""
        return self._rewritten(value, lambda record: {**record, "timestamp": record["timestamp"] + by_ms})

    def _broken(self, value: bytes, chance: float) -> bytes:
        (field, link), nobody = _REFERENCES[self._topic], _nobody(chance)
        return self._rewritten(
            value,
            lambda record: {**record, field: {**(record[field] or {}), link: nobody} if link else nobody},
        )

    def _impossible(self, value: bytes, _: float) -> bytes:
        field = _MEASURED[self._topic]

        def impossible(record: Record) -> Record:
            if record.get("rating") is not None:
                return {**record, "rating": record["rating"] + _MOST_STARS}
            return {**record, field: -1 - (record[field] or 0)}

        return self._rewritten(value, impossible)

    def _rewritten(self, value: bytes, change: Callable[[Record], Record]) -> bytes:
        record: Any = schemaless_reader(io.BytesIO(value[_HEADER_BYTES:]), self._schema, None)
        return value[:_HEADER_BYTES] + written(self._schema, change(record))


def _cut(value: bytes, chance: float) -> bytes:
    """The first quarter to three quarters of the Avro bytes: whatever reads them meets their end too early."""
    avro_bytes = len(value) - _HEADER_BYTES
    return value[: _HEADER_BYTES + int((0.25 + 0.5 * chance) * avro_bytes)]


def _nobody(chance: float) -> str:
    """An id that no event and no session has: all of those are UUIDs of version 7 or 8, this one is of version 4."""
    bits = np.uint64(int(chance * 2**53))
    words = np.array([[bits << np.uint64(11), bits]], dtype=np.uint64)
    words[:, 0] = words[:, 0] & np.uint64(0xFFFFFFFFFFFF0FFF) | np.uint64(0x4000)
    words[:, 1] |= np.uint64(1 << 63)
    return ids.texts(words).tobytes().decode()

"""Answers as they come: which request each is for, and which schema wrote it, whether a header says so or the value."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self
from uuid import UUID

import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from lensload import ids
from lensload.encoding import header_ids, wire

SchemaId = int | UUID | None
"""A registry's number of a schema, or its GUID; None where a header has neither in a form that is known."""


class Answers(NamedTuple):
    """Records of the answers' topic; every column has one entry a record.

    Attributes:
        values: the values, in which five bytes are before the Avro bytes, wherever the schema's id was.
        schema_ids: which schema wrote each.
        valid: whether it is an answer at all; where it is not, the readings mean nothing.
        readings: what its requestId says.
    """

    values: list[bytes]
    schema_ids: list[SchemaId]
    valid: NDArray[np.bool_]
    readings: ids.Readings

    @classmethod
    def of(cls, messages: Sequence[Message]) -> Self:
        """Read the heads of records of any kind; never raises on what is no answer."""
        values = [message.value() or b"" for message in messages]
        heads = wire.heads_of(values)
        schema_ids: list[SchemaId] = list(wire.schema_ids(heads).tolist())
        # Where nothing is before the Avro bytes, the first byte is the length of the requestId.
        bare = np.flatnonzero(heads[:, 0] == wire.ID_LENGTH)
        for place in bare.tolist():
            headers: Any = messages[place].headers()
            try:
                schema_ids[place] = header_ids.read(headers or ())
            except ValueError:
                schema_ids[place] = None
            else:
                if schema_ids[place] is None:
                    continue  # no such header, so that nothing says what this is
            values[place] = wire.header(0) + values[place]
        if len(bare):
            heads = wire.heads_of(values)
        readings = ids.read(heads[:, wire.ID_AT : wire.TIME_AT])
        valid = readings.valid & (heads[:, 0] == 0) & (heads[:, wire.ID_AT - 1] == wire.ID_LENGTH)
        return cls(values, schema_ids, valid, readings)

"""What a value looks like on the wire, and what its first bytes say.

A value is Confluent's: a zero byte, the schema id in four bytes (big-endian), the Avro bytes. The first two
fields of every LENS record are its id and its timestamp, so the first `HEAD_BYTES` bytes of a value say which
schema wrote it, when it was due, and which of whose events it is.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from lensload import ids

ID_LENGTH: Final = 2 * ids.TEXT_BYTES  # the string's length, 36, as a zig-zag varint: one byte
ID_AT: Final = 6  # after the magic byte, the schema id and the string's length
TIME_AT: Final = ID_AT + ids.TEXT_BYTES
HEAD_BYTES: Final = TIME_AT + 6  # a millisecond between 1970-07 and 2039 takes six bytes
_HEAD = itemgetter(slice(HEAD_BYTES))
_FRACTION = slice(ID_AT + 15, ID_AT + 18)  # three hex digits, behind the version

Block = NDArray[np.uint8]  # shape (n, width): the same number of bytes for every event


def header(schema_id: int) -> bytes:
    """The five bytes before the Avro bytes."""
    return struct.pack(">bI", 0, schema_id)


def heads_of(values: Sequence[bytes]) -> Block:
    """The first HEAD_BYTES bytes of each value, shape (n, HEAD_BYTES); shorter values end in zeros."""
    cut = list(map(_HEAD, values))
    joined = b"".join(cut)
    if len(joined) != len(cut) * HEAD_BYTES:
        joined = b"".join(part.ljust(HEAD_BYTES, b"\0") for part in cut)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(cut), HEAD_BYTES)


def schema_ids(heads: Block) -> NDArray[np.int64]:
    """Which schema wrote each value, by its head."""
    return np.ascontiguousarray(heads[:, 1:5]).view(">u4").ravel().astype(np.int64)


def due_ns(heads: Block) -> NDArray[np.int64]:
    """When each event was due, Unix ns: the timestamp's millisecond, the id's fraction of it.

    Only for heads known to be LENS's; for any others see `Heads`.
    """
    return _timestamps_ms(heads) * ids.NS_PER_MS + ids.fractions_ns(heads[:, _FRACTION])


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """What the first bytes of wire values say; every array has one entry a value.

    Attributes:
        valid: whether it is a LENS head at all; where it is not, the other entries mean nothing.
        schema_id: the registry's id of the schema that wrote it.
        due_ns: when it was due: the timestamp's millisecond, the id's fraction.
        readings: the rest of what the id says.
    """

    valid: NDArray[np.bool_]
    schema_id: NDArray[np.int64]
    due_ns: NDArray[np.int64]
    readings: ids.Readings

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Self:
        """Read the heads of wire values of any kind; never raises on what is not ours."""
        heads = heads_of(values)
        readings = ids.read(heads[:, ID_AT:TIME_AT])
        timestamp_ms = _timestamps_ms(heads)
        valid = readings.valid & (heads[:, 0] == 0) & (heads[:, 5] == ID_LENGTH) & (timestamp_ms >= 0)
        due = timestamp_ms * ids.NS_PER_MS + readings.due_ns % ids.NS_PER_MS
        return cls(valid, schema_ids(heads), due, readings)


def joined(heads: Sequence[Heads], order: NDArray[np.int64]) -> Heads:
    """Several heads as one, in the given order of all of them."""

    def whole(arrays: Iterable[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(list(arrays))[order]

    readings = [each.readings for each in heads]
    return Heads(
        whole(each.valid for each in heads),
        whole(each.schema_id for each in heads),
        whole(each.due_ns for each in heads),
        ids.Readings(
            whole(each.valid for each in readings),
            whole(each.due_ns for each in readings),
            whole(each.run_tag for each in readings),
            whole(each.lane for each in readings),
            whole(each.sequence for each in readings),
        ),
    )


def _timestamps_ms(heads: Block) -> NDArray[np.int64]:
    """The timestamps, zig-zag varints of six bytes; -1 where they are longer or shorter."""
    groups = heads[:, TIME_AT:]
    more = groups >= 0x80
    whole = more[:, :-1].all(axis=1) & ~more[:, -1]
    # Little-endian groups of seven bits; as 8-byte words, so that each step works on the whole batch.
    word = np.zeros((len(heads), 8), dtype=np.uint8)
    word[:, : groups.shape[1]] = groups & 0x7F
    packed = word.view("<i8").ravel()
    zigzag = np.zeros(len(heads), dtype=np.int64)
    for place in range(groups.shape[1]):
        zigzag |= ((packed >> (8 * place)) & 0x7F) << (7 * place)
    return np.where(whole, (zigzag >> 1) ^ -(zigzag & 1), -1)

"""The digest of a partition: what its records are, whichever way they are read or written.

SHA-256 over the partition's records in blocks of 4,096, the last one shorter. Of each block go in, one after another:

- three numbers a record, little-endian, 8 bytes each, all of the first kind first: the key's length, the value's
  length, the timestamp in Unix ms; a length of -1 stands for none (a tombstone's value);
- all keys, one after another; all values, one after another;
- for each record that has headers: its place in the block, 8 bytes, then msgpack's [[name, value], …].

The registry's id of the topic's schema, four bytes behind a value's first, counts as 0: another registry may have
given it another id. Any other id counts as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgpack
import numpy as np
from numpy.typing import NDArray

from lensload.seed.records import Headers

_BLOCK: Final = 4_096
_HEADER: Final = 5


@dataclass(slots=True)
class _Block:
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    timestamps_ms: list[int] = field(default_factory=list)
    headers: dict[int, Headers] = field(default_factory=dict)


class PartitionDigest:
    """Takes in a partition's records in order.

    Args:
        schema_id: the registry's id of the topic's schema.

    Attributes:
        count: how many records so far.
        bytes: how many bytes of keys and values, of whole blocks only until `done`.
        first_timestamp_ms: the least timestamp; None before any.
        last_timestamp_ms: the greatest.
    """

    def __init__(self, schema_id: int) -> None:
        self.count = 0
        self.bytes = 0
        self.first_timestamp_ms: int | None = None
        self.last_timestamp_ms: int | None = None
        self._hash = sha256()
        self._schema_id = schema_id
        self._block = _Block()

    def add(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps_ms: Sequence[int],
        headers: Mapping[int, Headers],
    ) -> None:
        """Take in records; `headers` by place in the sequences."""
        at = 0
        while at < len(values):
            block = self._block
            gathered = len(block.values)
            stop = min(len(values), at + _BLOCK - gathered)
            block.keys.extend(keys[at:stop])
            block.values.extend(values[at:stop])
            block.timestamps_ms.extend(timestamps_ms[at:stop])
            if headers:
                block.headers |= {gathered + n - at: headers[n] for n in range(at, stop) if n in headers}
            if len(block.values) == _BLOCK:
                self._flush()
            at = stop
        self.count += len(values)

    def done(self) -> str:
        """The digest in hex, once all has been taken in."""
        if self._block.values:
            self._flush()
        return self._hash.hexdigest()

    def facts(self) -> dict[str, Any]:
        """What a manifest says of the partition, once all has been taken in."""
        digest = self.done()
        span = {"first_timestamp_ms": self.first_timestamp_ms, "last_timestamp_ms": self.last_timestamp_ms}
        return {"count": self.count, "digest": digest, "bytes": self.bytes, **span}

    def _flush(self) -> None:
        block, self._block = self._block, _Block()
        times = np.array(block.timestamps_ms, dtype="<i8")
        key_lengths, keys = _joined(block.keys)
        lengths, values = _joined(block.values)
        self._forget_ids(values, lengths)
        for part in (key_lengths.data, lengths.data, times.data, keys, values):
            self._hash.update(part)
        for place, headers in sorted(block.headers.items()):
            self._hash.update(place.to_bytes(8, "little") + bytes(msgpack.packb(headers) or b""))
        self.bytes += len(keys) + len(values)
        low, high = int(times.min()), int(times.max())
        known_low, known_high = self.first_timestamp_ms, self.last_timestamp_ms
        self.first_timestamp_ms = low if known_low is None else min(low, known_low)
        self.last_timestamp_ms = high if known_high is None else max(high, known_high)

    def _forget_ids(self, values: bytearray, lengths: NDArray[np.int64]) -> None:
        sizes = np.maximum(lengths, 0)
        starts = (np.cumsum(sizes) - sizes)[sizes >= _HEADER]
        if not len(starts):
            return
        magic = np.frombuffer(values, dtype=np.uint8)
        # The four bytes from each place on, as numbers: an array whose entries overlap.
        numbers = np.ndarray((len(values) - 3,), dtype=">u4", buffer=values, strides=(1,))
        ours = starts[(magic[starts] == 0) & (numbers[starts + 1] == self._schema_id)]
        numbers[ours + 1] = 0


def _joined(parts: Sequence[bytes | None]) -> tuple[NDArray[np.int64], bytearray]:
    """The parts' lengths, and all of them one after another."""
    some: Any = parts
    try:
        return np.fromiter(map(len, some), "<i8", len(some)), bytearray().join(some)
    except TypeError:  # one is None
        lengths = np.array([-1 if part is None else len(part) for part in parts], dtype="<i8")
        return lengths, bytearray().join(part or b"" for part in parts)

"""Avro container files, which hold one schema each.

What was written is copied, not decoded and encoded again, so that even an ambiguous union keeps its branch.
"""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from fastavro.write import Writer as Container

_BLOCK_BYTES: Final = 64_000


class AvroFile:
    """One container file and the block that is being gathered for it.

    Args:
        path: where to; nothing may be there.
        schema: what wrote the values, parsed.
        sync_marker: 16 bytes between blocks; random ones if none are given.

    Attributes:
        count: how many records it holds.

    Raises:
        OSError: it cannot be written; so do the methods.
    """

    def __init__(self, path: Path, schema: Any, sync_marker: bytes = b"") -> None:  # noqa: ANN401 - a schema is any JSON
        self.count = 0
        self._stream = path.open("xb")
        self._container = Container(self._stream, schema, codec="deflate", sync_marker=sync_marker)
        self._block: list[bytes] = []
        self._block_bytes = 0

    def copy(self, encoded: list[bytes]) -> None:
        """Add records that have been encoded already, without Confluent's header."""
        for each in encoded:
            self._block.append(each)
            self._block_bytes += len(each)
            if self._block_bytes >= _BLOCK_BYTES:
                self._write_block()
        self.count += len(encoded)

    def encode(self, records: list[Any]) -> None:
        """Encode records and add them."""
        for record in records:
            self._container.write(record)
        self.count += len(records)

    def close(self) -> None:
        """Write out what is gathered; the file is whole from then on."""
        if self._block:
            self._write_block()
        self._container.flush()
        self._stream.close()

    def _write_block(self) -> None:
        # fastavro takes here what its block_reader gives; these two are all it looks at.
        block: Any = SimpleNamespace(num_records=len(self._block), bytes_=io.BytesIO(b"".join(self._block)))
        self._container.write_block(block)
        self._block.clear()
        self._block_bytes = 0

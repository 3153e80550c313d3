"""Records in Avro container files: one for each topic and schema, since a container holds one schema.

What was written is copied, not decoded and encoded again, so that even an ambiguous union keeps its branch; only
where a reader's schema is asked for are records encoded anew.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Final

import numpy as np
from fastavro.write import Writer as Container

from lensload.errors import UsageError
from lensload.replay.batch import HEADER_BYTES, UNLIMITED, Batch, Kind
from lensload.replay.writers import Writers

_BLOCK_BYTES: Final = 64_000


class AvroFiles:
    """Writes the values of good messages to DIR/<topic>.schema-<id>.avro, or <topic>.avro by a reader's schema.

    Keys, offsets, timestamps and tombstones have no place in a container.

    Args:
        folder: where to; made if missing, and must hold no .avro file.
        topics: the names of the topics, in the order in which batches number them.
        writers: the schemas by id.
        readers: the reader's schema of each topic; empty to keep what was written.

    Raises:
        UsageError: the folder cannot be used.
    """

    wants = UNLIMITED

    def __init__(
        self, folder: Path, topics: tuple[str, ...], writers: Writers, readers: Mapping[str, Any]
    ) -> None:
        prepare(folder, ".avro")
        self._folder = folder
        self._topics = topics
        self._writers = writers
        self._readers = readers
        self._files: dict[Path, _File] = {}

    @property
    def written(self) -> dict[Path, int]:
        """How many records went into each file."""
        return {path: file.count for path, file in self._files.items()}

    def take(self, batch: Batch, records: dict[int, Any]) -> None:
        """Write the messages of a batch that has been judged and decoded."""
        good = np.flatnonzero(batch.kind == Kind.GOOD)
        key = (batch.topic << 32 | batch.schema_id)[good]
        for each in np.unique(key).tolist():
            topic, number = self._topics[each >> 32], each & 0xFFFFFFFF
            places = good[key == each].tolist()
            if topic in self._readers:
                self._file(f"{topic}.avro", self._readers[topic]).encode([records[place] for place in places])
            else:
                writer = self._writers.find(number)
                schema = writer.parsed if writer else None
                file = self._file(f"{topic}.schema-{number}.avro", schema)
                file.copy([(batch.values[place] or b"")[HEADER_BYTES:] for place in places])

    def close(self) -> None:
        """Write out what is gathered; the files are whole from then on."""
        for file in self._files.values():
            file.close()

    def _file(self, name: str, schema: Any) -> "_File":  # noqa: ANN401 - a schema is any JSON
        path = self._folder / name
        if path not in self._files:
            try:
                self._files[path] = _File(path.open("xb"), schema)
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be written: {error.strerror}.", "Give another --to."
                ) from error
        return self._files[path]


class _File:
    """One container file and the block that is being gathered for it."""

    def __init__(self, stream: BinaryIO, schema: Any) -> None:  # noqa: ANN401 - a schema is any JSON
        self.count = 0
        self._stream = stream
        self._container = Container(stream, schema, codec="deflate")
        self._block: list[bytes] = []
        self._block_bytes = 0

    def copy(self, encoded: list[bytes]) -> None:
        for each in encoded:
            self._block.append(each)
            self._block_bytes += len(each)
            if self._block_bytes >= _BLOCK_BYTES:
                self._write_block()
        self.count += len(encoded)

    def encode(self, records: list[Any]) -> None:
        for record in records:
            self._container.write(record)
        self.count += len(records)

    def close(self) -> None:
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


def prepare(folder: Path, suffix: str) -> None:
    """Have the folder there, empty of files like those to come: nothing is overwritten, nothing mixed.

    Raises:
        UsageError: it cannot be made or written, or has such files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = next(folder.glob(f"*{suffix}"), None)
        probe = folder / f".lensload{suffix}.part"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"--to {folder} cannot be written: {error.strerror}.", "Give another folder."
        ) from error
    if earlier:
        raise UsageError(f"--to {folder} has files already, such as {earlier.name}.", "Give an empty folder.")

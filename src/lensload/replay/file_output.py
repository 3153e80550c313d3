"""Records in files: one for each topic and schema, or one for each topic by a reader's schema."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from lensload.errors import UsageError
from lensload.files.avro import AvroFile
from lensload.files.folder import prepare
from lensload.files.parquet import ParquetFile, check_installed
from lensload.replay.batch import HEADER_BYTES, UNLIMITED, Batch, Kind
from lensload.replay.writer_schemas import WriterSchemas

File = TypeVar("File", AvroFile, ParquetFile)


class Files(ABC, Generic[File]):
    """Writes good messages to DIR/<topic>.schema-<id>.SUFFIX, or <topic>.SUFFIX by a reader's schema.

    Args:
        folder: where to; made if missing, and must hold no file with the suffix.
        topics: the names of the topics, in the order in which batches number them.
        writers: the schemas by id.
        readers: the reader's schema of each topic; empty to keep what was written.

    Raises:
        UsageError: the folder cannot be used.
    """

    wants = UNLIMITED
    suffix: str

    def __init__(
        self, folder: Path, topics: tuple[str, ...], writers: WriterSchemas, readers: Mapping[str, Any]
    ) -> None:
        prepare(folder, self.suffix)
        self._folder = folder
        self._topics = topics
        self._writers = writers
        self._readers = readers
        self._files: dict[Path, File] = {}

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
            self._write(self._file(topic, number), batch, good[key == each].tolist(), records)

    def close(self) -> None:
        """Write out what is gathered; the files are whole from then on."""
        for file in self._files.values():
            file.close()

    @abstractmethod
    def _opened(self, path: Path, schema: Any) -> File:  # noqa: ANN401 - a schema is any JSON
        """A new file."""

    @abstractmethod
    def _write(self, file: File, batch: Batch, places: list[int], records: dict[int, Any]) -> None:
        """Add the messages at these places of the batch to their file."""

    def _file(self, topic: str, number: int) -> File:
        resolved = topic in self._readers
        path = self._folder / (topic + ("" if resolved else f".schema-{number}") + self.suffix)
        if path not in self._files:
            writer = None if resolved else self._writers.find(number)
            schema = self._readers[topic] if resolved else writer.parsed if writer else None
            try:
                self._files[path] = self._opened(path, schema)
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be written: {error.strerror}.", "Give another --output-dir."
                ) from error
        return self._files[path]


class AvroFiles(Files[AvroFile]):
    """Avro container files; keys, offsets, timestamps and tombstones have no place in them.

    Only where a reader's schema is asked for are records encoded anew.
    """

    suffix = ".avro"

    def _opened(self, path: Path, schema: Any) -> AvroFile:  # noqa: ANN401 - a schema is any JSON
        return AvroFile(path, schema)

    def _write(self, file: AvroFile, batch: Batch, places: list[int], records: dict[int, Any]) -> None:
        if self._topics[batch.topic[places[0]]] in self._readers:
            file.encode([records[place] for place in places])
        else:
            file.copy([(batch.values[place] or b"")[HEADER_BYTES:] for place in places])


class ParquetFiles(Files[ParquetFile]):
    """Parquet files, with where each message stood in Kafka beside its fields; tombstones are left out.

    Raises:
        UsageError: pyarrow is missing.
    """

    suffix = ".parquet"

    def __init__(
        self, folder: Path, topics: tuple[str, ...], writers: WriterSchemas, readers: Mapping[str, Any]
    ) -> None:
        check_installed("--output-format")
        super().__init__(folder, topics, writers, readers)

    def _opened(self, path: Path, schema: Any) -> ParquetFile:  # noqa: ANN401 - a schema is any JSON
        return ParquetFile(path, schema, kafka=True)

    def _write(self, file: ParquetFile, batch: Batch, places: list[int], records: dict[int, Any]) -> None:
        for place in places:
            message = batch.messages[place]
            stood = message.partition(), message.offset(), message.timestamp()[1], message.key()
            file.add(records[place], stood)

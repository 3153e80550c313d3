"""Records in files: one for each topic and schema, or one for each topic by a reader's schema."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lensload.errors import UsageError
from lensload.files.avro import AvroFile
from lensload.files.folder import Format, prepare
from lensload.files.parquet import ParquetFile
from lensload.replay.batch import UNLIMITED, Batch, Kind
from lensload.schema.writer_schemas import WriterSchemas


class Files:
    """Writes good messages to DIR/<topic>.schema-<id>.<form>, or <topic>.<form> by a reader's schema.

    Avro containers hold the bytes as they were; only where a reader's schema is asked for are records encoded anew.
    Parquet files say beside each record's fields where it stood in Kafka. Tombstones have no place in either.

    Args:
        folder: where to; made if missing, and must hold no file of the form.
        form: of the files.
        topics: the names of the topics, in the order in which batches number them.
        writers: the schemas by id.
        readers: the reader's schema of each topic; empty to keep what was written.

    Raises:
        UsageError: the folder cannot be used, or pyarrow is missing.
    """

    wants = UNLIMITED

    def __init__(
        self,
        folder: Path,
        form: Format,
        topics: tuple[str, ...],
        writers: WriterSchemas,
        readers: Mapping[str, Any],
    ) -> None:
        prepare(folder, form)
        self._folder, self._form = folder, form
        self._topics = topics
        self._writers, self._readers = writers, readers
        self._files: dict[Path, AvroFile | ParquetFile] = {}

    @property
    def written(self) -> dict[Path, int]:
        """How many records went into each file."""
        return {path: file.count for path, file in self._files.items()}

    def write(self, batch: Batch, records: dict[int, Any]) -> None:
        """Write the messages of a batch that has been judged and decoded."""
        good = np.flatnonzero(batch.kind == Kind.GOOD)
        key = (batch.topic << 32 | batch.schema_id)[good]
        for each in np.unique(key).tolist():
            topic, places = self._topics[each >> 32], good[key == each].tolist()
            file = self._file(topic, each & 0xFFFFFFFF)
            if isinstance(file, ParquetFile):
                for place in places:
                    message = batch.messages[place]
                    stood = message.partition(), message.offset(), message.timestamp()[1], message.key()
                    file.add(records[place], stood)
            elif topic in self._readers:
                file.encode([records[place] for place in places])
            else:
                file.copy([batch.data(place) for place in places])

    def close(self) -> None:
        """Write out what is gathered; the files are whole from then on."""
        for file in self._files.values():
            file.close()

    def _file(self, topic: str, number: int) -> AvroFile | ParquetFile:
        resolved = topic in self._readers
        path = self._folder / f"{topic}{'' if resolved else f'.schema-{number}'}.{self._form}"
        if path not in self._files:
            writer = None if resolved else self._writers.find(number)
            schema = self._readers[topic] if resolved else writer.parsed if writer else None
            try:
                is_avro = self._form == "avro"
                self._files[path] = (
                    AvroFile(path, schema) if is_avro else ParquetFile(path, schema, kafka=True)
                )
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be written: {error.strerror}.", "Give another --output-dir."
                ) from error
        return self._files[path]

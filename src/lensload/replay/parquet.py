"""Records in Parquet files: one for each topic and schema, with where each message stood in Kafka beside it.

pyarrow is large, and few replays want it, so it is an extra: `lensload[parquet]`.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from lensload.errors import UsageError
from lensload.replay.batch import UNLIMITED, Batch, Kind
from lensload.replay.columns import Column, column
from lensload.replay.containers import prepare
from lensload.replay.writers import Writers

_ROWS_HELD: Final = 20_000
_KAFKA: Final = ("kafka_partition", "kafka_offset", "kafka_timestamp", "kafka_key")


class ParquetFiles:
    """Writes good messages to DIR/<topic>.schema-<id>.parquet, or <topic>.parquet by a reader's schema.

    A column for each field, behind kafka_partition, kafka_offset, kafka_timestamp and kafka_key. What Parquet has
    no type for (a union of several, a type within itself) is a column of JSON text. Tombstones are left out.

    Args:
        folder: where to; made if missing, and must hold no .parquet file.
        topics: the names of the topics, in the order in which batches number them.
        writers: the schemas by id.
        readers: the reader's schema of each topic; empty to keep what was written.

    Raises:
        UsageError: pyarrow is missing, or the folder cannot be used.
    """

    wants = UNLIMITED

    def __init__(
        self, folder: Path, topics: tuple[str, ...], writers: Writers, readers: Mapping[str, Any]
    ) -> None:
        check_installed()
        prepare(folder, ".parquet")
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
        for place in np.flatnonzero(batch.kind == Kind.GOOD).tolist():
            topic, number = self._topics[batch.topic[place]], int(batch.schema_id[place])
            message = batch.messages[place]
            file = self._file(topic, number)
            file.add(
                (message.partition(), message.offset(), message.timestamp()[1], message.key()), records[place]
            )

    def close(self) -> None:
        """Write out what is gathered; the files are whole from then on."""
        for file in self._files.values():
            file.close()

    def _file(self, topic: str, number: int) -> "_File":
        resolved = topic in self._readers
        path = self._folder / (f"{topic}.parquet" if resolved else f"{topic}.schema-{number}.parquet")
        if path not in self._files:
            writer = None if resolved else self._writers.find(number)
            schema = self._readers[topic] if resolved else writer.parsed if writer else None
            self._files[path] = _File(path, schema)
        return self._files[path]


class _File:
    """One Parquet file and the rows that are being gathered for it."""

    def __init__(self, path: Path, schema: Any) -> None:  # noqa: ANN401 - a schema is any JSON
        arrow = import_module("pyarrow")
        self.count = 0
        self._fields = _fields(schema)
        kafka = (arrow.int32(), arrow.int64(), arrow.timestamp("ms", tz="UTC"), arrow.binary())
        names = [*_KAFKA, *self._fields]
        types = [*kafka, *(field.type for field in self._fields.values())]
        self._schema = arrow.schema(list(zip(names, types, strict=True)))
        self._table = arrow.Table
        self._writer = import_module("pyarrow.parquet").ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []

    def add(self, kafka: tuple[Any, ...], record: Any) -> None:  # noqa: ANN401 - any Avro value
        row: dict[str, Any] = dict(zip(_KAFKA, kafka, strict=True))
        values = record if isinstance(record, dict) else {"value": record}
        for name, field in self._fields.items():
            row[name] = field.convert(values[name])
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= _ROWS_HELD:
            self._write()

    def close(self) -> None:
        if self._rows:
            self._write()
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(self._table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()


def check_installed() -> None:
    """Find out whether pyarrow is there.

    Raises:
        UsageError: it is not.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            f"--write parquet needs pyarrow: {error}.",
            "Install it: pip install 'lensload[parquet]'; or give --write avro.",
        ) from error


def _fields(schema: Any) -> dict[str, Column]:  # noqa: ANN401 - a schema is any JSON
    """A column for each field; for a schema that is no record, one named value."""
    if isinstance(schema, dict) and schema["type"] == "record":
        named: dict[str, Any] = {schema["name"]: None}
        return {field["name"]: column(field["type"], named) for field in schema["fields"]}
    return {"value": column(schema, {})}

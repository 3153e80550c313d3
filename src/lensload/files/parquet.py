"""Parquet files, which hold one schema each.

pyarrow is large, and few want it, so it is an extra: `lensload[parquet]`.
"""

from importlib import import_module
from pathlib import Path
from typing import Any, Final

from lensload.files.columns import Column, column

_ROWS_HELD: Final = 20_000
KAFKA: Final = ("kafka_partition", "kafka_offset", "kafka_timestamp", "kafka_key")


class ParquetFile:
    """One Parquet file and the rows that are being gathered for it: a column for each field.

    What Parquet has no type for (a union of several, a type within itself) is a column of JSON text.

    Args:
        path: where to.
        schema: what wrote the values, parsed.
        kafka: with columns before these that say where each message stood: `KAFKA`.

    Attributes:
        count: how many records it holds.
        fields: the column of each field of the schema.

    Raises:
        OSError: it cannot be written; so do the methods.
    """

    def __init__(self, path: Path, schema: Any, *, kafka: bool = False) -> None:  # noqa: ANN401 - a schema is any JSON
        arrow = import_module("pyarrow")
        self.count = 0
        self.fields = fields_of(schema)
        places = (arrow.int32(), arrow.int64(), arrow.timestamp("ms", tz="UTC"), arrow.binary())
        columns = dict(zip(KAFKA, places, strict=True)) if kafka else {}
        columns |= {name: field.type for name, field in self.fields.items()}
        self._schema = arrow.schema(columns)
        self._arrow: Any = arrow
        self._writer = import_module("pyarrow.parquet").ParquetWriter(path, self._schema)
        self._rows: list[dict[str, Any]] = []
        self._tables: list[Any] = []
        self._held = 0  # rows of these tables

    def add(self, record: Any, kafka: tuple[Any, ...] = ()) -> None:  # noqa: ANN401 - any Avro value
        """Add a record; `kafka` are the values of those columns, if there are any."""
        row: dict[str, Any] = dict(zip(KAFKA, kafka, strict=False))
        values = record if isinstance(record, dict) else {"value": record}
        for name, field in self.fields.items():
            row[name] = field.convert(values[name])
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= _ROWS_HELD:
            self._write()

    def add_table(self, table: Any) -> None:  # noqa: ANN401 - a pyarrow.Table
        """Add records as a table of `fields`; a file has tables or single records. The file is the same either way."""
        self._tables.append(table)
        self._held += len(table)
        self.count += len(table)
        if self._held >= _ROWS_HELD:
            self._write_tables(self._held - self._held % _ROWS_HELD)

    def close(self) -> None:
        """Write out what is gathered; the file is whole from then on."""
        if self._rows:
            self._write()
        if self._held:
            self._write_tables(self._held)
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()

    def _write_tables(self, count: int) -> None:
        """Write the first so many rows, in groups of the size that single records have."""
        whole = self._arrow.concat_tables(self._tables)
        for start in range(0, count, _ROWS_HELD):
            self._writer.write_table(whole.slice(start, min(_ROWS_HELD, count - start)).combine_chunks())
        self._tables = [whole.slice(count)]
        self._held -= count


def fields_of(schema: Any) -> dict[str, Column]:  # noqa: ANN401 - a schema is any JSON
    """A column for each field; for a schema that is no record, one named value."""
    if isinstance(schema, dict) and schema["type"] == "record":
        named: dict[str, Any] = {schema["name"]: None}
        return {field["name"]: column(field["type"], named) for field in schema["fields"]}
    return {"value": column(schema, {})}

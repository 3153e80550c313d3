"""Messages as text on standard output: a table for eyes, JSON lines for programs."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, cast

import numpy as np

from lensload.files.plainjson import as_json
from lensload.processes import stdio
from lensload.replay.batch import UNLIMITED, Batch, Kind, origin
from lensload.replay.counts import VersionOf
from lensload.schema.writer_schemas import UNNUMBERED

Layout = Literal["table", "jsonl"]

_TOPIC_WIDTH = 24
_KEY_WIDTH = 16


class Printer:
    """Prints the records of good messages, and tombstones as such, in the order in which they come.

    Args:
        layout: a table, cut to `width`; or JSON lines, whole.
        limit: the most messages to print; None for all.
        stream: where to.
        width: of the table, in columns.
        version: the version of a schema id in a topic's subject.

    Attributes:
        wants: how many are still to be printed.
    """

    def __init__(
        self, layout: Layout, limit: int | None, stream: TextIO, width: int, version: VersionOf
    ) -> None:
        self._line: Callable[[Batch, int, Any], str] = self._row if layout == "table" else self._json
        self.wants = UNLIMITED if limit is None else limit
        self._stream = stream
        self._width = width
        self._version = version
        self._begun = layout == "jsonl"

    def write(self, batch: Batch, records: dict[int, Any]) -> None:
        """Print the messages of a batch that has been judged and decoded."""
        lines: list[str] = []
        for place in np.flatnonzero(batch.kind <= Kind.TOMBSTONE).tolist():
            if len(lines) >= self.wants:
                break
            lines.append(self._line(batch, place, records.get(place)))
        self.wants -= len(lines)
        if lines and not self._begun:
            self._begun = True
            head = _columns("topic", "part", "offset", "time (UTC)", "key", "schema", "value")
            lines.insert(0, head[: self._width])
        if lines:
            self._write("\n".join(lines) + "\n")

    def close(self) -> None:
        """Nothing is kept back, so there is nothing to do."""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
        if stdio.is_unread(self._stream):
            self.wants = 0  # whoever read us, such as head, has enough

    def _json(self, batch: Batch, place: int, record: Any) -> str:  # noqa: ANN401 - any Avro value
        message = batch.messages[place]
        written = batch.kind[place] == Kind.GOOD
        number = int(batch.schema_id[place]) if written and batch.schema_id[place] < UNNUMBERED else None
        line = {
            **origin(message),
            "key": _key(message.key()),
            "schema_id": number,
            "version": None if number is None else self._version(str(message.topic()), number),
            "value": record,
        }
        return as_json(line)

    def _row(self, batch: Batch, place: int, record: Any) -> str:  # noqa: ANN401 - any Avro value
        message = batch.messages[place]
        written = batch.kind[place] == Kind.GOOD
        number = int(batch.schema_id[place])
        version = self._version(str(message.topic()), number) if written else None
        moment = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
        line = _columns(
            str(message.topic()),
            str(message.partition()),
            str(message.offset()),
            f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}",
            _key(message.key()) or "",
            ("-" if version is None else f"v{version}") + f" ({number})" if written else "",
            _pairs(record) if written else "(tombstone)",
        )
        return line[: self._width]


def _key(key: bytes | str | None) -> str | None:
    return key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else key


def _columns(*cells: str) -> str:
    topic, partition, offset, moment, key, schema, value = cells
    return (
        f"{_end_of(topic, _TOPIC_WIDTH)}  {partition:>4}  {offset:>10}  {moment:23}  {_cut(key, _KEY_WIDTH)}"
        f"  {schema:10}  {value}"
    )


def _end_of(text: str, width: int) -> str:
    """The end of a topic's name, which tells topics of one prefix apart."""
    return f"{text:{width}}" if len(text) <= width else "..." + text[3 - width :]


def _pairs(record: Any) -> str:  # noqa: ANN401 - any Avro value
    """The fields of a record that hold something, for eyes; any other value as JSON."""
    if not isinstance(record, dict):
        return as_json(record)
    fields = cast("dict[str, Any]", record)
    return "  ".join(
        f"{name}={value if isinstance(value, str) else as_json(value)}"
        for name, value in fields.items()
        if value is not None
    )


def _cut(text: str, width: int) -> str:
    return f"{text:{width}}" if len(text) <= width else text[: width - 3] + "..."

"""Record keys: plain text, as of a service that keys its records by a field of them, or Avro by a schema of their own.

Record headers are plain text too.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from lensload.batches.columns import Column, Drawn, Fixed, Ids, Integers, Pool, Texts
from lensload.encoding.avro_types import Schema
from lensload.encoding.packed import Packed
from lensload.encoding.plan import Plan

Key = bytes | None
"""A record's key; None: it has none."""


class KeySchema(NamedTuple):
    """The schema of a topic's keys, as parsed JSON, and the registry's id of it."""

    schema: Schema | str
    schema_id: int


class Keys(Protocol):
    """Turns key columns into the keys of records."""

    def of(self, column: Column | None, count: int) -> Packed:
        """The key of each of `count` events."""
        ...


class AvroKeys:
    """Keys by a schema, behind Confluent's header."""

    def __init__(self, schema: KeySchema) -> None:
        self._plan = Plan(*schema)

    def of(self, column: Column | None, count: int) -> Packed:
        """See `Keys`; None where there is no column."""
        return Packed.nothing(count) if column is None else self._plan.keys(column)


class PlainKeys:
    """Keys in UTF-8: texts and bytes as they are, numbers in decimal, several fields joined by "|"."""

    def __init__(self) -> None:
        self._pools: dict[Pool, Packed] = {}

    def of(self, column: Column | None, count: int) -> Packed:
        """See `Keys`; None for an event whose key is null, and where there is no column."""
        match column:
            case None:
                return Packed.nothing(count)
            case Drawn(pool, index):
                if pool not in self._pools:
                    self._pools[pool] = Packed.of([_text(row) for row in pool.rows])
                return self._pools[pool].picked(index)
            case Ids(_, table) | Fixed(_, table):
                rows, width = table.shape
                return Packed(table.tobytes(), np.arange(rows) * width, np.full(rows, width))
            case Texts(_, texts):
                return Packed.of(texts.tolist())
            case Integers(_, integers):
                return Packed.of([b"%d" % number for number in integers.tolist()])
            case _:
                return Packed.of([_text(values) for values in column.values()])


def _text(values: tuple[Any, ...]) -> Key:
    """The key of these values of fields; of a record, that of the values of its fields."""
    if len(values) == 1:
        (value,) = values
        if isinstance(value, dict):
            return _text(tuple(value.values()))
        if value is None:
            return None
        return _plain(value)
    return b"|".join(map(_plain, values))


def _plain(value: Any) -> bytes:
    match value:
        case bytes():
            return value
        case bool():
            return b"true" if value else b"false"
        case None:
            return b""
        case tuple((str(), inner)):  # a branch of a union, with its name
            return _plain(inner)
        case _:
            return str(value).encode()


class TopicKeys:
    """The keys of every topic: plain ones, but of the topics that have a schema for them."""

    def __init__(self, schemas: Mapping[str, KeySchema] | None = None) -> None:
        self._keys: dict[str, Keys] = {topic: AvroKeys(schema) for topic, schema in (schemas or {}).items()}
        self._plain = PlainKeys()

    def of(self, topic: str, column: Column | None, count: int) -> Packed:
        """The key of each of `count` events of a topic."""
        return self._keys.get(topic, self._plain).of(column, count)

    def headers(self, columns: Mapping[str, Column]) -> dict[str, Packed]:
        """The headers of records, by name: plain text, and none of it is null."""
        return {name: self._plain.of(column, len(column)) for name, column in columns.items()}

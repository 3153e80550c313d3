"""Plans: how columns become the wire values of one schema.

A plan is compiled from a schema: at each place of it, which column is written there, and each pool's rows as bytes
that fastavro wrote. Fields that events do not have are written as their defaults, so that a newer schema of LENS's
kind needs no new code.
"""

from typing import Any

from lensload.batches.columns import Column
from lensload.batches.nested import Nested
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import AvroTypes, called
from lensload.encoding.packed import Packed
from lensload.encoding.pieces import packed
from lensload.encoding.places import Place
from lensload.encoding.wire import header


class Plan:
    """How columns become values of one schema, behind Confluent's header.

    Args:
        schema: the schema, as parsed JSON.
        schema_id: the registry's id of it.
    """

    def __init__(self, schema: Any, schema_id: int) -> None:
        types = AvroTypes(schema)
        self._is_record = called(types.root) == "record"
        name = types.root["name"] if self._is_record else called(types.root)
        self._root = Place(types, types.root, name)
        self._header = header(schema_id)

    def values(self, batch: TopicBatch) -> Packed:
        """The wire values of the batch.

        Raises:
            SchemaError: the schema is no record, a field has neither column nor default, or a value is not of its type.
        """
        pieces = self._root.record.pieces(batch.columns)
        return packed([self._header, *pieces], len(batch))

    def keys(self, column: Column) -> Packed:
        """The wire keys that a column is; where the schema is a record and the column is not, it is fields of that record.

        Raises:
            SchemaError: a key is not of the schema's type.
        """
        if self._is_record and not isinstance(column, Nested):
            column = Nested("key", (column,))
        return packed([self._header, *self._root.pieces(column)], len(column))

"""Batches of events as Arrow tables: column by column, with the values that row by row would give."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.avro_types import AvroTypes
from lensload.files.columns import Column as Cell
from lensload.seed.arrow_places import ArrowPlace, fields_of, text_array


class ArrowTables:
    """Makes a table of each batch of one topic.

    Args:
        schema: of the topic's values, parsed; no field of it is JSON text in Arrow.
        fields: the column of the file for each field of the record.
    """

    def __init__(self, schema: Any, fields: Mapping[str, Cell]) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._fields = fields
        self._types = AvroTypes(schema)
        self._kinds = {field["name"]: field for field in self._types.root["fields"]}
        self._places = {
            name: ArrowPlace(self._types, field["type"], name) for name, field in self._kinds.items()
        }

    def table(self, batch: TopicBatch) -> Any:
        """The events of a batch, with the fields in the order of the record."""
        arrays: dict[str, Any] = {}
        for column in batch.columns:
            match column:
                case Linked():
                    arrays[column.field] = self._linked(column)
                case Rankings():
                    arrays[column.field] = self._ranked(column)
                case _:
                    arrays |= fields_of((column,), self._places.__getitem__)
        for name in self._fields.keys() - arrays.keys():
            default = self._types.default(self._kinds[name]["type"], self._kinds[name]["default"])
            arrays[name] = self._places[name].constant(default, len(batch))
        schema = self._arrow.schema({name: cell.type for name, cell in self._fields.items()})
        return self._arrow.Table.from_arrays([arrays[name] for name in self._fields], schema=schema)

    def _linked(self, column: Linked) -> Any:
        """Maps of the constants of each event and, last, its link: entries are taken from those of all rows and all ids."""
        rows = [row[0] for row in column.constants.rows]
        sizes = np.array([len(row) for row in rows], np.int64)
        first = np.cumsum(sizes) - sizes
        constants = [entry for row in rows for entry in row.items()]
        count, drawn = len(column.index), sizes[column.index]
        ends = np.cumsum(drawn + 1)
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], drawn + 1)
        places = np.repeat(first[column.index], drawn + 1) + within
        places[ends - 1] = len(constants) + np.arange(count)
        text = self._arrow.string()
        keys = self._arrow.array([*(key for key, _ in constants), column.link], text)
        known = self._arrow.array([value for _, value in constants], text)
        items = self._arrow.concat_arrays([known, text_array(column.texts)])
        return self._arrow.MapArray.from_arrays(
            self._arrow.array(offsets),
            keys.take(self._arrow.array(np.minimum(places, len(constants)))),
            items.take(self._arrow.array(places)),
            type=self._fields[column.field].type,
        )

    def _ranked(self, column: Rankings) -> Any:
        arrow, cell = self._arrow, self._fields[column.field].type
        rank = np.broadcast_to(np.arange(column.items.shape[1]), column.items.shape)
        shown = rank < column.shown[:, None]
        offsets = np.concatenate([[0], np.cumsum(column.shown)]).astype(np.int32)
        reasons = np.where(rank == 0, column.explanation[:, None], 0)[shown]
        types = {field.name: field.type for field in cell.value_type}
        values = {
            "itemId": arrow.array(column.item_ids, types["itemId"]).take(arrow.array(column.items[shown])),
            "score": arrow.array(column.scores[shown], types["score"]),
            "rank": arrow.array(rank[shown] + 1).cast(types["rank"]),
            "explanation": arrow.array(column.explanations, types["explanation"]).take(
                arrow.array(reasons, mask=rank[shown] > 0)
            ),
        }
        items = arrow.StructArray.from_arrays([values[name] for name in types], fields=list(cell.value_type))
        return arrow.ListArray.from_arrays(arrow.array(offsets), items, type=cell)

"""Batches of events as Arrow tables: column by column, with the values that row by row would give."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Drawn, Ids, Integers, Pool, Reals
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.topic_batch import TopicBatch
from lensload.files.columns import Column as Cell

_ID_BYTES: Final = 36


class ArrowTables:
    """Makes a table of each batch of one topic; what is drawn from a pool is converted once.

    Args:
        fields: the column of the file for each field of the record.
    """

    def __init__(self, fields: Mapping[str, Cell]) -> None:
        self._arrow: Any = import_module("pyarrow")
        self._fields = fields
        self._pools: dict[
            tuple[int, str], tuple[Pool, Any]
        ] = {}  # with the pool, so that its id stays its own
        self._make: dict[type[Any], Any] = {
            Drawn: self._drawn,
            Ids: self._ids,
            Integers: self._integers,
            Reals: self._reals,
            Linked: self._linked,
            Rankings: self._ranked,
        }

    def table(self, batch: TopicBatch) -> Any:  # noqa: ANN401 - a pyarrow.Table
        """The events of a batch, with the fields in the order of the record."""
        arrays = {name: array for column in batch.columns for name, array in self._arrays(column)}
        schema = self._arrow.schema({name: cell.type for name, cell in self._fields.items()})
        return self._arrow.Table.from_arrays([arrays[name] for name in self._fields], schema=schema)

    def _arrays(self, column: Column) -> Iterable[tuple[str, Any]]:
        return self._make[type(column)](column)

    def _drawn(self, column: Drawn) -> Iterable[tuple[str, Any]]:
        for place, field in enumerate(column.fields):
            yield field, self._of_pool(column.pool, place, field).take(self._arrow.array(column.index))

    def _of_pool(self, pool: Pool, place: int, field: str) -> Any:  # noqa: ANN401 - an Arrow array
        known = self._pools.get((id(pool), field))
        if known is None:
            cell = self._fields[field]
            values = [cell.convert(row[place]) for row in pool.rows]
            known = self._pools[id(pool), field] = pool, self._arrow.array(values, cell.type)
        return known[1]

    def _ids(self, column: Ids) -> Iterable[tuple[str, Any]]:
        yield column.field, self._texts(column.texts)

    def _texts(self, texts: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - an Arrow array
        offsets = np.arange(len(texts) + 1, dtype=np.int32) * _ID_BYTES
        data = np.ascontiguousarray(texts)
        buffers = self._arrow.py_buffer(offsets), self._arrow.py_buffer(data)
        return self._arrow.StringArray.from_buffers(len(texts), *buffers)

    def _integers(self, column: Integers) -> Iterable[tuple[str, Any]]:
        yield column.field, self._arrow.array(column.integers).cast(self._fields[column.field].type)

    def _reals(self, column: Reals) -> Iterable[tuple[str, Any]]:
        absent = None if column.present is None else ~column.present
        yield column.field, self._arrow.array(column.reals, self._fields[column.field].type, mask=absent)

    def _linked(self, column: Linked) -> Iterable[tuple[str, Any]]:
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
        items = self._arrow.concat_arrays([known, self._texts(column.texts)])
        yield (
            column.field,
            self._arrow.MapArray.from_arrays(
                self._arrow.array(offsets),
                keys.take(self._arrow.array(np.minimum(places, len(constants)))),
                items.take(self._arrow.array(places)),
                type=self._fields[column.field].type,
            ),
        )

    def _ranked(self, column: Rankings) -> Iterable[tuple[str, Any]]:
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
        yield column.field, arrow.ListArray.from_arrays(arrow.array(offsets), items, type=cell)

"""What was realised: exact counts of the events by type, variant, model and position, from columns as they pass."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Drawn, Pool
from lensload.batches.lens_columns import Linked, Rankings
from lensload.batches.topic_batch import TopicBatch

Counts = dict[str, Any]
"""Counts by name, and by name within those: {"user-interactions": {"count": 3, "interactionType": {"view": 3}}}."""

Counted: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Topic -> name of the counts -> what they are by: a field, a key of a map field, or how long a list is."""

OF_LENS: Final[Counted] = {
    "recommendation-requests": {"by_model": ("modelName",)},
    "recommendation-responses": {
        "by_model_and_status": ("modelName", "status"),
        "by_model_and_length": ("modelName", "recommendations"),
    },
    "user-interactions": {
        "by_type_and_position": ("interactionType", "metadata.position"),
        "by_category": ("itemCategory",),
    },
    "ab-test-events": {"by_experiment_variant_and_type": ("experimentId", "variant", "eventType")},
    "model-metrics": {"by_model_and_type": ("modelName", "metricType")},
}
# topic -> name of the counts -> the finer ones that they are sums of.
_SUMMED: Final = {
    "recommendation-responses": {"by_model": "by_model_and_status"},
    "user-interactions": {"by_type": "by_type_and_position"},
}
NO_POSITION: Final = "none"
"""What stands for the position of an item that was searched for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """The values of a dimension, and which of them each row of a pool has."""

    names: tuple[str, ...]
    code: NDArray[np.int32]


class Actuals:
    """Counts the events of the batches that it is given.

    Sums of integers alone: parts counted apart add up, in any order.

    Args:
        counted: what is counted beside the events of each topic.
    """

    def __init__(self, counted: Counted = OF_LENS) -> None:
        self._wanted = counted
        self._counted: dict[str, int] = {}
        self._labels: dict[tuple[Pool | tuple[str, ...], str], _Labels] = {}
        # (topic, name of the counts) -> how many of each combination, and the names in each dimension
        self._sums: dict[tuple[str, str], tuple[NDArray[np.int64], tuple[tuple[str, ...], ...]]] = {}

    def add(self, batch: TopicBatch) -> None:
        """Count the events of a batch."""
        topic = batch.topic
        self._counted[topic] = self._counted.get(topic, 0) + len(batch)
        for name, dimensions in self._wanted.get(topic, {}).items():
            self._count(topic, name, [self._codes(batch, each) for each in dimensions])

    def as_dict(self) -> Counts:
        """The counts so far, fit for JSON and msgpack; what never happened is left out."""
        nested: Counts = {topic: {"count": count} for topic, count in self._counted.items()}
        for (topic, name), (sums, names) in self._sums.items():
            cells = sums.reshape([len(each) for each in names])
            nested[topic][name] = _nested(cells, names)
            for coarser in (key for key, finer in _SUMMED.get(topic, {}).items() if finer == name):
                nested[topic][coarser] = _nested(cells.sum(axis=1), names[:1])
        return nested

    def _count(
        self, topic: str, name: str, dimensions: list[tuple[NDArray[np.integer[Any]], _Labels]]
    ) -> None:
        shape = [len(labels.names) for _, labels in dimensions]
        cell = dimensions[0][0]
        for size, (code, _) in zip(shape[1:], dimensions[1:], strict=True):
            cell = cell * size + code
        counts = np.bincount(cell, minlength=int(np.prod(shape)))
        sums, names = self._sums.get((topic, name), (0, tuple(labels.names for _, labels in dimensions)))
        self._sums[topic, name] = sums + counts, names

    def _codes(self, batch: TopicBatch, dimension: str) -> tuple[NDArray[np.integer[Any]], _Labels]:
        """For each event the number of its value, and the values."""
        field, _, key = dimension.partition(".")
        column = next(column for column in batch.columns if field in column.fields)
        if isinstance(column, Rankings):
            lengths = tuple(map(str, range(column.items.shape[1] + 1)))
            return column.shown, _Labels(lengths, np.arange(len(lengths), dtype=np.int32))
        if not isinstance(column, Drawn | Linked):
            raise TypeError(f"{column.fields} is drawn from no pool")
        pool = column.pool if isinstance(column, Drawn) else column.constants
        if (pool, dimension) not in self._labels:
            place = pool.fields.index(field)
            self._labels[pool, dimension] = _labels(
                [row[place].get(key, NO_POSITION) if key else row[place] for row in pool.rows]
            )
        labels = self._labels[pool, dimension]
        return labels.code[column.index], labels


def merged(parts: Iterable[Counts]) -> Counts:
    """The counts of all parts together."""
    total: Counts = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, dict):
                total[name] = merged([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0) + value
    return total


def _labels(values: Sequence[Any]) -> _Labels:
    names = tuple(dict.fromkeys(map(str, values)))
    numbers = {name: number for number, name in enumerate(names)}
    return _Labels(names, np.array([numbers[str(value)] for value in values], dtype=np.int32))


def _nested(sums: NDArray[np.int64], names: tuple[tuple[str, ...], ...]) -> Counts:
    if len(names) == 1:
        return {name: count for name, count in zip(names[0], sums.tolist(), strict=True) if count}
    inner = ((name, _nested(each, names[1:])) for name, each in zip(names[0], sums, strict=True))
    return {name: counts for name, counts in inner if counts}

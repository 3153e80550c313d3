"""Makers that draw from values which are made once: constants, choices, and what Faker makes."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Drawn, Pool
from lensload.workload.avro_type import AvroType
from lensload.workload.coercion import coerced
from lensload.workload.rows import Rows
from lensload.world import rng

Pick = Callable[[Rows], NDArray[np.int64]]


class Picks:
    """Draws from values: `pick` says which of them each row has."""

    def __init__(self, values: Sequence[Any], pick: Pick) -> None:
        self._values, self._pick = tuple(values), pick
        self._pools: dict[str, Pool] = {}

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        if field not in self._pools:
            self._pools[field] = Pool((field,), tuple((value,) for value in self._values))
        return Drawn(self._pools[field], self._pick(rows))

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """See `NumberMaker`; what is no number counts 0."""
        return self._worth(_number)[self._pick(rows)]

    def counts(self, rows: Rows) -> NDArray[np.int64]:
        """How many items each row's array or map has; what is neither has none."""
        return self._worth(_length)[self._pick(rows)].astype(np.int64)

    def _worth(self, of: Callable[[Any], float]) -> NDArray[np.float64]:
        return np.fromiter(map(of, self._values), np.float64, len(self._values))

    def with_null(self, share: float, path_key: rng.Keys) -> "Picks":
        """The same draws, of which a share are null."""
        null = len(self._values)

        def pick(rows: Rows) -> NDArray[np.int64]:
            return np.where(rows.uniform(path_key) < share, null, self._pick(rows))

        return Picks((*self._values, None), pick)


def _number(value: Any) -> float:  # noqa: ANN401 - any value
    return float(value) if isinstance(value, (int, float, Decimal)) else 0.0


def _length(value: Any) -> float:  # noqa: ANN401 - any value
    return float(len(value)) if isinstance(value, (list, dict)) else 0.0


def constant(value: Any) -> Picks:  # noqa: ANN401 - any value
    """One value always."""
    return Picks((value,), lambda rows: np.zeros(len(rows), dtype=np.int64))


def choice(of: dict[str, float] | list[Any], type_: AvroType, path_key: rng.Keys) -> Picks:
    """One of some values of the type, by weights or all alike.

    Raises:
        ValueError: a value is not of the type; the text is the end of a sentence that names the key.
    """
    values = [coerced(value, type_) for value in of]
    weights = list(of.values()) if isinstance(of, dict) else [1.0] * len(of)
    wheel = rng.Wheel([np.array(weights, dtype=np.float64)])
    return Picks(values, lambda rows: wheel.spin(0, rows.uniform(path_key)))


def one_a_row(values: Sequence[Any]) -> Picks:
    """The first row of a pool has the first of some values, and so on, in turns."""
    return Picks(values, lambda rows: rows.numbers % len(values))


def one_of(values: Sequence[Any], path_key: rng.Keys) -> Picks:
    """One of some values, all alike."""
    count = len(values)
    return Picks(values, lambda rows: (rows.uniform(path_key) * count).astype(np.int64))

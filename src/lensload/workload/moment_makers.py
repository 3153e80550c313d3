"""Makers of moments: when an event is due, or a time before it, in whatever unit the field's type has."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Integers, Reals, Texts, objects
from lensload.ids import NS_PER_S
from lensload.workload import quantiles
from lensload.workload.avro_type import AvroType
from lensload.workload.field_table import Times
from lensload.workload.rows import Rows
from lensload.world import rng

Draw = Callable[[Rows], NDArray[np.int64]]

_LONGEST_BEFORE_S: Final = 100 * 365 * 86_400.0
_DAY_NS: Final = 86_400 * NS_PER_S
_MOST_NS: Final = 1 << 62
_UNITS_NS: Final = {"millis": 1_000_000, "micros": 1_000, "nanos": 1}


class Moments:
    """Makes moments, which `draw` gives in Unix ns.

    Args:
        type_: a date, time, timestamp, or long (of ms), int or double (of s) or string (ISO 8601).
        draw: gives them.

    Raises:
        ValueError: the type can hold no moment; a sentence's end.
    """

    def __init__(self, type_: AvroType, draw: Draw) -> None:
        if not holds_moments(type_):
            raise ValueError(f"makes moments, and the field is {type_}")
        self._draw = draw
        self._text = type_.kind == "string"
        self._real = type_.kind == "double"
        self._of_day = type_.logical.startswith("time-")
        unit = type_.logical.rpartition("-")[2]
        plain_ns = NS_PER_S if type_.kind == "int" else 1_000_000
        self._unit_ns = _DAY_NS if type_.logical == "date" else _UNITS_NS.get(unit, plain_ns)

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        if self._text:
            moments = self._draw(rows).astype("datetime64[ns]")
            texts = np.datetime_as_string(moments, unit="ms", timezone="UTC")
            return Texts(field, objects(text.encode() for text in texts.tolist()))
        if self._real:
            return Reals(field, self.numbers(rows))
        return Integers(field, self._integers(rows))

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """See `NumberMaker`: a moment is worth as much as it is in its field."""
        return self._draw(rows) / NS_PER_S if self._real else self._integers(rows).astype(np.float64)

    def _integers(self, rows: Rows) -> NDArray[np.int64]:
        moments = self._draw(rows)
        return (moments % _DAY_NS if self._of_day else moments) // self._unit_ns


def holds_moments(type_: AvroType) -> bool:
    """Whether the type is one of moments, or one in which they are usual."""
    return type_.kind in ("int", "long", "double", "string") and type_.logical != "uuid"


def due(rows: Rows) -> NDArray[np.int64]:
    """When the event of each row is due."""
    return rows.event.due_ns


def before_due(times: Times, path_key: rng.Keys) -> Draw:
    """Moments before the event is due, by a hundred years at most."""
    if times.uniform is not None:
        made = quantiles.uniform(*times.uniform)
    elif times.exponential is not None:
        made = quantiles.exponential(times.exponential)
    elif times.lognormal is not None:
        made = quantiles.lognormal(times.lognormal.median, times.lognormal.sigma)
    else:
        made = quantiles.uniform(times.constant or 0, times.constant or 0)

    def draw(rows: Rows) -> NDArray[np.int64]:
        before_s = np.minimum(made.at(rows.uniform(path_key)), _LONGEST_BEFORE_S)
        return due(rows) - np.rint(before_s * NS_PER_S).astype(np.int64)

    return draw


def between(low_ns: int, high_ns: int, path_key: rng.Keys) -> Draw:
    """Moments from the one to the other, all alike.

    Raises:
        ValueError: the first is the later one, or they are too far from now to be counted in ns; a sentence's end.
    """
    if low_ns > high_ns:
        raise ValueError("has the later moment first")
    if low_ns < -_MOST_NS or high_ns > _MOST_NS:
        raise ValueError("goes beyond the years 1824 to 2116, in which moments are made")
    span_ns = high_ns - low_ns
    return lambda rows: low_ns + (rows.uniform(path_key) * span_ns).astype(np.int64)

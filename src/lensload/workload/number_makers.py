"""Makers of numbers: drawn from distributions, counted, or computed from others."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column
from lensload.workload import quantiles
from lensload.workload.counters import LEAST_ROWS, Counter
from lensload.workload.field_table import FieldTable, Lognormal, Normal, Sequence, Sizes
from lensload.workload.known import known
from lensload.workload.number_form import NumberForm, Numbers
from lensload.workload.rows import Rows
from lensload.world import rng

Draw = Callable[[Rows], Numbers]


class HasDistribution(Protocol):
    """A table of the file that names a distribution of numbers."""

    @property
    def normal(self) -> Normal | None:
        """Normal."""
        ...

    @property
    def lognormal(self) -> Lognormal | None:
        """Lognormal."""
        ...

    @property
    def exponential(self) -> float | None:
        """Exponential."""
        ...


_LACKING: Final = {
    "row": f"needs each, with a pool of {LEAST_ROWS:,} rows or more, and no parent: else numbers would not come in order",
    "parent": "needs parent: it counts what follows the same event",
}
_BY_DEFAULT: Final = {"int": (0, 1_000_000), "long": (0, 1_000_000), "string": (0, 1_000_000)}


class Numeric:
    """Makes numbers that `draw` gives, in the form of the field's type."""

    def __init__(self, form: NumberForm, draw: Draw) -> None:
        self._form, self._draw = form, draw

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        return self._form.column(field, self._settled(rows))

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """See `NumberMaker`."""
        return self._form.numbers(self._settled(rows))

    def _settled(self, rows: Rows) -> Numbers:
        return rows.once(self, lambda: self._form.settled(self._draw(rows)))


def distributed(table: HasDistribution, path_key: rng.Keys) -> Draw | None:
    """Draws from the table's normal, lognormal or exponential distribution; None where it names none of them."""
    if table.normal is not None:
        made = quantiles.normal(table.normal.mean, table.normal.sd)
    elif table.lognormal is not None:
        made = quantiles.lognormal(table.lognormal.median, table.lognormal.sigma)
    elif table.exponential is not None:
        made = quantiles.exponential(table.exponential)
    else:
        return None
    return lambda rows: made.at(rows.uniform(path_key))


def uniform(low: float, high: float, form: NumberForm, path_key: rng.Keys) -> Draw:
    """Draws between two numbers, both included: of whole numbers and decimals each alike often.

    Raises:
        ValueError: the type cannot hold them, or there is no number between them; a sentence's end.
    """
    if low < form.low or high > form.high:
        raise ValueError(
            f"goes from {low:g} to {high:g}, and the field only from {form.low:g} to {form.high:g}"
        )
    if not form.whole and not form.scale:
        return lambda rows: low + rows.uniform(path_key) * (high - low)
    unit = 10**form.scale
    first, last = np.ceil(round(low * unit, 6)), np.floor(round(high * unit, 6))
    if first > last:
        raise ValueError(f"has no whole number between {low:g} and {high:g}")
    if form.scale:
        return lambda rows: (first + np.floor(rows.uniform(path_key) * (last - first + 1))) / unit
    return lambda rows: (first + np.floor(rows.uniform(path_key) * (last - first + 1))).astype(np.int64)


def usual(form: NumberForm, kind: str, path_key: rng.Keys) -> Draw:
    """Draws of a field about whose numbers the file says nothing: from 0 to a thousand, or a million of whole ones."""
    low, high = _BY_DEFAULT.get(kind, (0, 1_000))
    return uniform(max(low, form.low), min(high, form.high), form, path_key)


def sequence(of: Sequence, counters: dict[str, Counter]) -> Draw:
    """Counts a lane's events, a pool's rows, or a list's items; or by the counter that it names.

    Raises:
        ValueError: there is no such counter here; a sentence's end.
    """
    if of.per is None:
        return lambda rows: of.start + of.step * rows.numbers
    if of.per not in counters:
        raise ValueError(f"per {of.per} {_LACKING[of.per]}")
    count = counters[of.per]
    return lambda rows: of.start + of.step * count(rows)


def sizes(of: int | Sizes, path_key: rng.Keys) -> Callable[[Rows], NDArray[np.float64]]:
    """Draws sizes in bytes."""
    if isinstance(of, int):
        return lambda rows: np.full(len(rows), float(of))
    if (constant := of.constant) is not None:
        return lambda rows: np.full(len(rows), constant)
    if of.uniform is not None:
        low, high = of.uniform
        return lambda rows: low + rows.uniform(path_key) * (high - low)
    draw = known(distributed(of, path_key))
    return lambda rows: np.asarray(draw(rows), dtype=np.float64)


def of_table(table: FieldTable, form: NumberForm, path_key: rng.Keys) -> Draw:
    """Draws by the generator of numbers that the table names.

    Raises:
        ValueError: as `uniform` does.
    """
    if table.uniform is not None:
        low, high = table.uniform
        if isinstance(low, str) or isinstance(high, str):
            raise ValueError("has moments, and the field holds numbers")
        return uniform(low, high, form, path_key)
    return known(distributed(table, path_key))

"""Makers: what makes the values of one place in a schema, for any rows, as a column."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column
from lensload.workload.rows import Rows


class Maker(Protocol):
    """Makes values of one type; equal rows have equal values, in any batch and in any process."""

    def column(self, field: str, rows: Rows) -> Column:
        """The values as a column that covers the one field."""
        ...


@runtime_checkable
class NumberMaker(Protocol):
    """A maker of numbers, from which others can be computed."""

    def column(self, field: str, rows: Rows) -> Column:
        """The values as a column that covers the one field."""
        ...

    def numbers(self, rows: Rows) -> NDArray[np.float64]:
        """The numbers as they are in the column."""
        ...

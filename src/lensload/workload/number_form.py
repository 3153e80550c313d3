"""How numbers become values of a type: rounded, kept in range, and as the column of that type."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Column, Decimals, Integers, Reals, Texts, objects
from lensload.workload.avro_type import AvroType
from lensload.workload.field_table import FieldTable

Numbers = NDArray[np.float64] | NDArray[np.int64]

KINDS: Final = ("int", "long", "float", "double", "string")
_INT: Final = 1 << 31
# The largest double below 2 ** 63: what is larger cannot become an integer.
_LONG: Final = float(2**63 - 1024)
_FLOAT: Final = float(np.finfo(np.float32).max)


class NumberForm:
    """The form of numbers in fields of one type.

    Args:
        type_: an int, long, float, double, decimal or string.
        table: says the least and most number, and how many decimals.

    Raises:
        ValueError: the type cannot hold numbers, or not these; a sentence's end.
    """

    def __init__(self, type_: AvroType, table: FieldTable) -> None:
        self.whole = type_.kind in ("int", "long")
        self._decimal = type_.logical == "decimal"
        if type_.kind not in KINDS and not self._decimal:
            raise ValueError(f"makes numbers, and the field is {type_}")
        if table.decimals is not None and self.whole:
            raise ValueError(f"has decimals, and the field is {type_}")
        self._kind = type_.kind
        self.scale, self._digits = (type_.scale, type_.digits) if self._decimal else (0, 0)
        self._decimals = table.decimals
        self.low, self.high = self._limits(type_, table)

    def _limits(self, type_: AvroType, table: FieldTable) -> tuple[float, float]:
        most = {"int": float(_INT - 1), "long": _LONG, "float": _FLOAT}.get(type_.kind, np.inf)
        if self._decimal:
            most = (10.0**type_.digits - 1) / 10.0**type_.scale
        for limit in (table.min, table.max):
            if limit is not None and abs(limit) > most:
                raise ValueError(f"goes to {limit:g}, and {type_} only to {most:g}")
        low = -most if table.min is None else table.min
        return low, most if table.max is None else table.max

    def settled(self, numbers: Numbers) -> Numbers:
        """The numbers as the column holds them: a decimal unscaled, a whole number as such, each within the limits."""
        if self.whole and numbers.dtype == np.int64:
            return np.clip(numbers, math.ceil(self.low), math.floor(self.high)).astype(np.int64)
        real: Any = np.clip(numbers.astype(np.float64), self.low, self.high)
        if self.whole:
            return np.rint(real).astype(np.int64)
        if self._decimals is not None:
            real = np.round(real, self._decimals)
        if self._decimal:
            most = 10**self._digits - 1  # a float near it may be larger
            return np.clip(np.rint(real * 10.0**self.scale).astype(np.int64), -most, most)
        return real.astype(np.float32).astype(np.float64) if self._kind == "float" else real

    def numbers(self, settled: Numbers) -> NDArray[np.float64]:
        """What the settled numbers are worth."""
        real = settled.astype(np.float64)
        return real / 10.0**self.scale if self._decimal else real

    def column(self, field: str, settled: Any) -> Column:  # noqa: ANN401 - numbers of the one or the other kind
        """Settled numbers as a column."""
        if self._decimal:
            return Decimals(field, settled, self.scale)
        if self.whole:
            return Integers(field, settled)
        if self._kind == "string":
            return Texts(field, objects(self._text(number) for number in settled.tolist()))
        return Reals(field, settled.astype(np.float32) if self._kind == "float" else settled)

    def _text(self, number: float) -> bytes:
        if self._decimals is None and number == int(number):
            return b"%d" % int(number)
        return f"{number:.{2 if self._decimals is None else self._decimals}f}".encode()

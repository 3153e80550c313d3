"""How often each latency occurred: the HDR layout, in NumPy, a few ns a value.

Recorded in whole nanoseconds, shown in microseconds. Zeros and what is out of range are kept, because to throw
them away would move every percentile.
"""

import binascii
import zlib
from collections.abc import Sequence
from typing import Any, Final, Self, TypeAlias

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from lensload.errors import UsageError
from lensload.metrics.percentiles import carries, percent_of

HIGHEST_NS: Final = 3_600_000_000_000
"""The longest time a histogram tells from longer ones: one hour."""

SIGNIFICANT_DIGITS: Final = 3

Nanoseconds: TypeAlias = NDArray[np.int64]

# HdrHistogram(1, HIGHEST_NS, 3): values up to 2,047 have a bucket each, and every further power of two is
# divided into 1,024. That is a double's layout too, whose exponent and first 10 fraction bits, taken together as
# one number, count exactly these buckets, so that the index of a value is a shift of its bits.
_HALF: Final = 1024
_FRACTION_BITS: Final = 42
_FIRST: Final = (1023 + 9) * _HALF
_BUCKETS: Final = 33 * _HALF

# So many neighbouring buckets make one coarse bucket: 16 to each power of two, so it is 3 to 6 % wide.
_TOGETHER: Final = 64

# A histogram has room for the range of its values alone, in steps of so many buckets: latencies of one second span a
# few powers of two, and all buckets would take 270 KB.
_ROOM: Final = 256

PERCENTS: Final = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "p9999": 99.99}
"""The percentiles that are reported, by name."""


def bucket_indices(values_ns: Nanoseconds) -> NDArray[np.int64]:
    """The bucket of each value, as every HDR histogram of this range and precision numbers them.

    Args:
        values_ns: values from 0 to HIGHEST_NS.
    """
    bits = values_ns.astype(np.float64).view(np.int64)
    return np.maximum((bits >> _FRACTION_BITS) - _FIRST, np.minimum(values_ns, _HALF - 1))


def bucket_index(value_ns: int) -> int:
    """The bucket of one value: the same as `bucket_indices`, without an array."""
    magnitude = max(value_ns.bit_length() - 11, 0)
    return (magnitude << 10) + (value_ns >> magnitude)


def bucket_bounds(indices: NDArray[np.int64]) -> tuple[Nanoseconds, Nanoseconds]:
    """The lowest and the highest value that fall into each bucket, both inclusive."""
    magnitude = np.maximum((indices >> 10) - 1, 0)
    lowest = (indices - (magnitude << 10)) << magnitude
    return lowest, lowest + (1 << magnitude) - 1


def coarse_bounds() -> tuple[Nanoseconds, Nanoseconds]:
    """The lowest and the highest value of each bucket of `Histogram.coarse`, both inclusive."""
    first = np.arange(0, _BUCKETS, _TOGETHER)
    return bucket_bounds(first)[0], bucket_bounds(first + _TOGETHER - 1)[1]


class Histogram:
    """How often each latency occurred, to 3 significant digits, from 0 to an hour.

    Attributes:
        count: how many values were recorded, zeros and out-of-range ones included.
        min_ns: the least of them, exactly; HIGHEST_NS while there is none.
        max_ns: the greatest of them, exactly; 0 while there is none.
        sum_ns: their sum, exactly.
        clamped: how many were longer than HIGHEST_NS, and recorded as that.
        negative: how many were below 0 (a clock that stepped), and recorded as 0.
    """

    __slots__ = ("_cells", "_first", "clamped", "count", "max_ns", "min_ns", "negative", "sum_ns")

    def __init__(self) -> None:
        self._cells: NDArray[np.int64] = np.zeros(0, np.int64)  # of the buckets from `_first` on
        self._first = 0
        self.count = 0
        self.min_ns = HIGHEST_NS
        self.max_ns = 0
        self.sum_ns = 0
        self.clamped = 0
        self.negative = 0

    def record(self, values_ns: Nanoseconds) -> None:
        """Count each of the values once."""
        if not values_ns.size:
            return
        low_ns, high_ns = int(values_ns.min()), int(values_ns.max())
        if low_ns == high_ns:  # as of all events of a batch that was encoded at once
            self.record_repeated(low_ns, values_ns.size)
            return
        if low_ns < 0 or high_ns > HIGHEST_NS:
            self.negative += int(np.count_nonzero(values_ns < 0))
            self.clamped += int(np.count_nonzero(values_ns > HIGHEST_NS))
            values_ns = np.clip(values_ns, 0, HIGHEST_NS)
            low_ns, high_ns = max(low_ns, 0), min(high_ns, HIGHEST_NS)
        indices = bucket_indices(values_ns)
        first = self._make_room(int(indices.min()), int(indices.max()))
        np.add.at(self._cells, indices - first, 1)
        self._extend(values_ns.size, low_ns, high_ns, int(values_ns.sum()))

    def record_repeated(self, value_ns: int, count: int) -> None:
        """Count one value `count` times: what a batch cost, spread over its events."""
        if count <= 0:
            return
        # int(): what callers computed with NumPy is a NumPy scalar, which msgpack refuses.
        value_ns, count = int(value_ns), int(count)
        within_ns = min(max(value_ns, 0), HIGHEST_NS)
        self.negative += count * (value_ns < 0)
        self.clamped += count * (value_ns > HIGHEST_NS)
        index = bucket_index(within_ns)
        first = self._make_room(index, index)
        self._cells[index - first] += count
        self._extend(count, within_ns, within_ns, within_ns * count)

    def _make_room(self, low: int, high: int) -> int:
        """Have cells for all buckets from one to another, both inclusive; gives the bucket of the first cell."""
        stop = self._first + self._cells.size
        if low < self._first or high >= stop:
            start, end = low - low % _ROOM, high - high % _ROOM + _ROOM
            if self._cells.size:
                start, end = min(start, self._first), max(end, stop)
            grown = np.zeros(end - start, np.int64)
            grown[self._first - start : stop - start] = self._cells
            self._cells, self._first = grown, start
        return self._first

    def _fill(self, indices: NDArray[np.int64], counts: NDArray[np.integer]) -> None:
        """Set these buckets, which rise."""
        if indices.size:
            first = self._make_room(int(indices[0]), int(indices[-1]))
            self._cells[indices - first] = counts

    def _extend(self, count: int, low_ns: int, high_ns: int, sum_ns: int) -> None:
        self.count += count
        self.min_ns = min(self.min_ns, low_ns)
        self.max_ns = max(self.max_ns, high_ns)
        self.sum_ns += sum_ns

    def add(self, other: "Histogram") -> None:
        """Count all that `other` has counted; `other` is left as it was."""
        if other.count:
            used = other.used
            first = self._make_room(used.start, used.stop - 1)
            self._cells[used.start - first : used.stop - first] += other.within(used)
        self.negative += other.negative
        self.clamped += other.clamped
        self._extend(other.count, other.min_ns, other.max_ns, other.sum_ns)

    def within(self, buckets: slice) -> NDArray[np.int64]:
        """How many values fell into each of these buckets, which are part of `used`."""
        return self._cells[buckets.start - self._first : buckets.stop - self._first]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many values fell into each bucket of `bucket_bounds`, from the first on; a copy."""
        counts = np.zeros(_BUCKETS, np.int64)
        counts[self.used] = self.within(self.used)
        return counts

    @property
    def filled(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The buckets that hold a value, and how many each holds."""
        used = self.used
        counts = self.within(used)
        indices = np.flatnonzero(counts)
        return indices + used.start, counts[indices]

    @property
    def used(self) -> slice:
        """The buckets between the least and the greatest value: the only ones worth touching."""
        if not self.count:
            return slice(0, 0)
        first, last = bucket_index(self.min_ns), bucket_index(self.max_ns)
        return slice(max(first, self._first), min(last + 1, self._first + self._cells.size))

    @property
    def coarse(self) -> NDArray[np.int64]:
        """The same counts in buckets of `coarse_bounds`, 3 to 6 % wide; they add up as well."""
        coarse = np.zeros(_BUCKETS // _TOGETHER, np.int64)
        together = self._cells.reshape(-1, _TOGETHER).sum(axis=1)  # there is room for whole coarse buckets
        first = self._first // _TOGETHER
        coarse[first : first + together.size] = together
        return coarse

    @classmethod
    def from_coarse(cls, counts: NDArray[np.int64]) -> Self:
        """The histogram of coarse counts: each stands in the middle of its bucket, and `coarse` gives them again."""
        used = np.flatnonzero(counts)
        middle = np.minimum(used * _TOGETHER + _TOGETHER // 2, bucket_index(HIGHEST_NS))
        return cls._of_buckets(middle, counts[used])

    @property
    def mean_us(self) -> float | None:
        """The mean, from the exact sum; None when nothing was recorded."""
        return self.sum_ns / self.count / 1_000 if self.count else None

    def percentile_us(self, percent: float) -> float | None:
        """The value that `percent` (0..100) of the recorded ones do not exceed; None when there are none.

        It is the upper end of its bucket, as in every HDR histogram, but never above the exact maximum.
        """
        if not self.count:
            return None
        if percent <= 0:
            return self.min_ns / 1_000
        return self.ranked_us(self.rank(percent))

    def rank(self, percent: float) -> int:
        """Which of the recorded values, in ascending order and counted from 1, is this percentile."""
        return max(int(min(percent, 100.0) * self.count / 100 + 0.5), 1)

    def ranked_us(self, rank: int) -> float:
        """The value of a rank from 1 to `count`: the upper end of its bucket, as in `percentile_us`."""
        return self._ranked_us([rank])[0]

    def _ranked_us(self, ranks: Sequence[int]) -> list[float]:
        """The values of some ranks, for which the buckets are added up once."""
        used = self.used
        indices = used.start + np.searchsorted(np.cumsum(self.within(used)), ranks)
        return (np.minimum(bucket_bounds(indices)[1], self.max_ns) / 1_000).tolist()

    @property
    def carried(self) -> dict[str, float]:
        """The percentiles of `summary` that are not None, name to percent."""
        return {name: percent for name, percent in PERCENTS.items() if carries(self.count, percent)}

    def figure_us(self, statistic: str) -> float | None:
        """The mean, or any percentile by its name; None where there are too few values for it, as in `summary`."""
        percent = percent_of(statistic)
        if percent is None:
            return self.mean_us
        return self.percentile_us(percent) if carries(self.count, percent) else None

    def summary(self) -> dict[str, float | int | None]:
        """What a table shows, in microseconds: count, mean, p50, p90, p99, p999, p9999, max and min.

        A percentile is None unless at least 10 samples lie beyond it. The rank of a percentile with k samples
        beyond it is uncertain by the square root of k (it is a binomial count): from 10 on, three standard
        deviations of it still lie inside the sample. With fewer the "percentile" is the maximum by another name.
        """
        carried = self.carried
        values_us = self._ranked_us([self.rank(percent) for percent in carried.values()]) if carried else []
        known = dict(zip(carried, values_us, strict=True))
        return {
            "count": self.count,
            "mean": self.mean_us,
            **{name: known.get(name) for name in PERCENTS},
            "max": self.max_ns / 1_000 if self.count else None,
            "min": self.min_ns / 1_000 if self.count else None,
        }

    def to_wire(self) -> dict[str, Any]:
        """All of it, exactly, as a small map that msgpack can carry: only the buckets in use."""
        indices, counts = self.filled
        width = "<u4" if self.count < 1 << 32 else "<u8"
        return {
            "i": indices.astype("<u2").tobytes(),
            "n": counts.astype(width).tobytes(),
            "width": width,
            "min": self.min_ns,
            "max": self.max_ns,
            "sum": self.sum_ns,
            "clamped": self.clamped,
            "negative": self.negative,
        }

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """What `to_wire` gave, again."""
        histogram = cls()
        counts: NDArray[np.integer] = np.frombuffer(wire["n"], wire["width"])  # pyright: ignore[reportAssignmentType]
        histogram._fill(np.frombuffer(wire["i"], "<u2").astype(np.int64), counts)
        histogram._extend(int(counts.sum()), wire["min"], wire["max"], wire["sum"])
        histogram.clamped, histogram.negative = wire["clamped"], wire["negative"]
        return histogram

    def encoded(self) -> str:
        """The buckets as text that any HDR library reads: V2, compressed, in base64."""
        plain = HdrHistogram(1, HIGHEST_NS, SIGNIFICANT_DIGITS)
        _counts_of(plain)[:] = self.counts
        used = self.used
        plain.set_internal_tacking_values(used.start, used.stop - 1, self.count)
        return plain.encode().decode("ascii")

    @classmethod
    def from_encoded(cls, text: str) -> Self:
        """The buckets that `encoded` wrote, here or elsewhere.

        The text holds buckets alone, so `min_ns` and `max_ns` are then the outer ends of the first and the last
        one, `sum_ns` counts each value as the middle of its bucket, and what was out of range is no longer known.

        Raises:
            UsageError: the text is damaged, or of a histogram with another range or precision.
        """
        try:
            plain = HdrHistogram.decode(text)
        except (HdrCookieException, HdrLengthException, binascii.Error, zlib.error, ValueError) as error:
            raise UsageError(
                f"A histogram cannot be read: {error!r}.", "Take the run file from its run again."
            ) from error
        layout = (plain.lowest_trackable_value, plain.highest_trackable_value, plain.significant_figures)
        if layout != (1, HIGHEST_NS, SIGNIFICANT_DIGITS):
            raise UsageError(
                f"A histogram has the layout {layout}, not {(1, HIGHEST_NS, SIGNIFICANT_DIGITS)}.",
                "Only histograms of nanoseconds up to an hour with 3 digits can be merged with lensload's.",
            )
        counts = _counts_of(plain)
        indices = np.flatnonzero(counts)
        return cls._of_buckets(indices, counts[indices])

    @classmethod
    def _of_buckets(cls, indices: NDArray[np.int64], counts: NDArray[np.int64]) -> Self:
        """The histogram in which these buckets, which rise, are filled."""
        histogram = cls()
        if indices.size:
            lowest, highest = bucket_bounds(indices)
            histogram._fill(indices, counts)
            sum_ns = int(np.dot((lowest + highest) / 2, counts))
            histogram._extend(int(counts.sum()), int(lowest[0]), min(int(highest[-1]), HIGHEST_NS), sum_ns)
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_wire() == other.to_wire()

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # it changes with every value

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, p50={self.percentile_us(50)} us, max={self.max_ns / 1_000} us)"


def _counts_of(plain: HdrHistogram) -> NDArray[np.int64]:
    """The counts inside HDR's own histogram, to read and to write."""
    return np.ctypeslib.as_array(plain.counts).view(np.int64)

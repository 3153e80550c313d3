"""Histograms are HDR's own, lose nothing on the way, and add up to the one histogram."""

import msgpack
import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import example, given
from hypothesis import strategies as st

from lensload.errors import UsageError
from lensload.metrics.histogram import (
    HIGHEST_NS,
    PERCENTS,
    Histogram,
    Nanoseconds,
    bucket_bounds,
    bucket_index,
    bucket_indices,
    coarse_bounds,
)

# Small ones, every power of two and its neighbours, and anything at all, also out of range.
edges = st.integers(0, 42).flatmap(lambda bit: st.integers(-2, 2).map(lambda step: max((1 << bit) + step, 0)))
in_range = st.one_of(st.integers(0, 5_000), edges, st.integers(0, HIGHEST_NS)).map(
    lambda v: min(v, HIGHEST_NS)
)
anything = st.one_of(in_range, st.integers(-(2**40), 2**50))
values = st.lists(in_range, max_size=200)
any_values = st.lists(anything, max_size=200)


def array(numbers: list[int]) -> Nanoseconds:
    """The numbers as recorded."""
    return np.array(numbers, np.int64)


def of(numbers: list[int]) -> Histogram:
    """A histogram of the numbers."""
    histogram = Histogram()
    histogram.record(array(numbers))
    return histogram


def reference(numbers: list[int]) -> HdrHistogram:
    """The same values in the library that defines HDR for us."""
    plain = HdrHistogram(1, HIGHEST_NS, 3)
    for number in numbers:
        assert plain.record_value(number)
    return plain


@given(st.lists(in_range, min_size=1))
@example([0, 1, 1023, 1024, 2047, 2048, 2049, 4095, 4096, HIGHEST_NS - 1, HIGHEST_NS])
def test_indices_are_those_of_hdr(numbers: list[int]) -> None:
    """Any HDR library finds our values in the buckets it would have put them in."""
    plain = HdrHistogram(1, HIGHEST_NS, 3)
    expected = [plain.get_counts_array_index(number) for number in numbers]
    assert bucket_indices(array(numbers)).tolist() == expected
    assert [bucket_index(number) for number in numbers] == expected


@given(in_range)
def test_bucket_bounds_are_those_of_hdr(number: int) -> None:
    """A bucket's ends are the values HDR calls equivalent, so percentiles mean what they mean elsewhere."""
    plain = HdrHistogram(1, HIGHEST_NS, 3)
    lowest, highest = bucket_bounds(bucket_indices(array([number])))
    assert lowest.item() == plain.get_lowest_equivalent_value(number)
    assert highest.item() == plain.get_highest_equivalent_value(number)


@given(
    st.lists(in_range, min_size=1),
    st.lists(st.sampled_from([1.0, 50, 90, 99, 99.9, 99.99, 100]) | st.floats(0.001, 100)),
)
def test_percentiles_are_those_of_hdr_up_to_the_exact_maximum(
    numbers: list[int], percents: list[float]
) -> None:
    """A percentile is the one HDR gives, except that it never claims more than the greatest value seen."""
    ours, plain = of(numbers), reference(numbers)
    for percent in percents:
        assert (
            ours.percentile_us(percent) == min(plain.get_value_at_percentile(percent), max(numbers)) / 1_000
        )


@given(values)
def test_count_mean_min_and_max_are_exact(numbers: list[int]) -> None:
    """What need not be bucketed is not: count, sum, least and greatest are the values' own, zeros included."""
    ours = of(numbers)
    assert ours.count == len(numbers)
    assert ours.sum_ns == sum(numbers)
    if numbers:
        assert (ours.min_ns, ours.max_ns) == (min(numbers), max(numbers))
        assert ours.mean_us == pytest.approx(sum(numbers) / len(numbers) / 1_000)
        assert ours.percentile_us(0) == min(numbers) / 1_000


@given(any_values)
def test_values_out_of_range_are_kept_and_confessed(numbers: list[int]) -> None:
    """Nothing is thrown away: what is too long or below zero counts at the end of the range, and is told."""
    ours = of(numbers)
    assert ours.count == len(numbers)
    assert ours.negative == sum(v < 0 for v in numbers)
    assert ours.clamped == sum(v > HIGHEST_NS for v in numbers)
    inside = of([min(max(v, 0), HIGHEST_NS) for v in numbers])
    assert ours.to_wire() == {**inside.to_wire(), "negative": ours.negative, "clamped": ours.clamped}


@given(st.lists(any_values, max_size=6))
def test_merged_histograms_equal_the_one_histogram(parts: list[list[int]]) -> None:
    """Any number of processes' histograms, added up, are the histogram one process would have made."""
    merged = Histogram()
    for part in parts:
        merged.add(of(part))
    assert merged == of([number for part in parts for number in part])


@given(anything, st.integers(-1, 50))
def test_a_repeated_value_counts_as_often_as_said(number: int, count: int) -> None:
    """The cost of a batch spread over its events is the same as recording each event."""
    repeated = Histogram()
    repeated.record_repeated(np.int64(number), np.int64(count))  # pyright: ignore[reportArgumentType]  # as callers do
    assert repeated == of([number] * count)
    assert msgpack.packb(repeated.to_wire())


@given(any_values)
def test_histograms_survive_the_wire(numbers: list[int]) -> None:
    """What a process sends is what control gets: bit for bit, through msgpack."""
    ours = of(numbers)
    assert Histogram.from_wire(msgpack.unpackb(msgpack.packb(ours.to_wire()))) == ours


def test_counts_beyond_32_bits_survive_the_wire() -> None:
    """The merged histogram of a long run is carried as exactly as that of a second."""
    histogram = of([7])
    histogram.record_repeated(1_000_000, 1 << 33)
    assert Histogram.from_wire(histogram.to_wire()) == histogram
    assert Histogram.from_encoded(histogram.encoded()).count == (1 << 33) + 1


@given(values)
def test_encoded_histograms_are_hdrs_and_come_back(numbers: list[int]) -> None:
    """The run file's histograms are byte for byte what HDR's library writes, and their percentiles come back."""
    ours = of(numbers)
    assert ours.encoded() == reference(numbers).encode().decode()
    back = Histogram.from_encoded(ours.encoded())
    assert back.encoded() == ours.encoded()
    assert back.count == len(numbers)
    for percent in (50, 90, 99) if numbers else ():
        assert back.percentile_us(percent) == pytest.approx(ours.percentile_us(percent), rel=2e-3)


@given(values, values)
def test_coarse_counts_add_up_and_stay_within_a_sixteenth(numbers: list[int], more: list[int]) -> None:
    """What is kept for a short time is coarser, and neither loses an event nor moves one out of its bucket."""
    first, second = of(numbers), of(more)
    together = of([*numbers, *more])
    assert (first.coarse + second.coarse == together.coarse).all()
    back = Histogram.from_encoded(Histogram.from_coarse(together.coarse).encoded())
    assert back.count == together.count
    assert (back.coarse == together.coarse).all()
    lowest, highest = coarse_bounds()
    for number in numbers:
        (at,) = np.flatnonzero(of([number]).coarse)
        assert lowest[at] <= number <= highest[at]
        assert highest[at] - lowest[at] < max(64, lowest[at] / 16)
    assert (lowest[1:] == highest[:-1] + 1).all()


@pytest.mark.parametrize("text", ["", "no base64", "aGVsbG8gd29ybGQsIHRoaXMgaXMgbm90aGluZw==", "HISTFAAA"])
def test_a_damaged_histogram_is_refused(text: str) -> None:
    """A run file cut off in the middle is told, not read as something else."""
    with pytest.raises(UsageError):
        Histogram.from_encoded(text)


def test_a_histogram_of_another_layout_is_refused() -> None:
    """Buckets of another width are never taken for ours."""
    with pytest.raises(UsageError, match="layout"):
        Histogram.from_encoded(HdrHistogram(1, HIGHEST_NS, 2).encode().decode())


def test_an_empty_histogram_claims_nothing() -> None:
    """Where nothing was measured, no figure is shown."""
    assert Histogram().percentile_us(50) is None
    assert "count=0" in repr(Histogram())
    shown = Histogram().summary()
    assert shown.pop("count") == 0
    assert set(shown.values()) == {None}


@pytest.mark.parametrize(
    ("name", "needed"), [("p50", 20), ("p90", 100), ("p99", 1_000), ("p999", 10_000), ("p9999", 100_000)]
)
def test_percentiles_without_ten_samples_beyond_are_not_shown(name: str, needed: int) -> None:
    """A percentile that too few samples carry is None, and shown from the first sample that suffices."""
    histogram = Histogram()
    histogram.record_repeated(5_000, needed - 1)
    assert histogram.summary()[name] is None
    histogram.record_repeated(5_000, 1)
    assert histogram.summary()[name] == 5.0


@given(values, st.sampled_from([1, 60, 600]))
def test_a_summary_has_the_figures_that_are_asked_for_one_by_one(numbers: list[int], times: int) -> None:
    """A table shows the same mean and percentiles as an objective or a chart of the same values."""
    ours = Histogram()
    for number in numbers:
        ours.record_repeated(number, times)
    found = ours.summary()
    assert {name: found[name] for name in ("mean", *PERCENTS)} == {
        name: ours.figure_us(name) for name in ("mean", *PERCENTS)
    }


def test_summary_is_in_microseconds() -> None:
    """A millisecond is shown as 1000."""
    shown = of([1_000_000] * 20).summary()
    assert (shown["mean"], shown["p50"], shown["max"], shown["min"]) == (1000.0, 1000.0, 1000.0, 1000.0)

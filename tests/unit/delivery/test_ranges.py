"""Runs of whole numbers are a set like any other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lensload.delivery.ranges import Spans


@given(st.lists(st.integers(0, 40)))
def test_spans_agree_with_a_plain_set(numbers: list[int]) -> None:
    """In whatever order numbers come, and how often, they are in, no other is, and neighbours are one run."""
    spans, plain = Spans(), set[int]()
    for number in numbers:
        spans.add(number)
        plain.add(number)
        assert {each for each in range(42) if each in spans} == plain
    assert len(spans) == len(plain)
    runs = spans.runs
    assert all(stop < start for (_, stop), (start, _) in pairwise(runs))
    assert [each for start, stop in runs for each in range(start, stop)] == sorted(plain)

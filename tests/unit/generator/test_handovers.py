"""What was handed over is told again event by event, however it was cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.encoding.encoders import Encoded
from lensload.encoding.packed import Packed
from lensload.generator.handovers import Handovers


def encoded(first: int, count: int) -> Encoded:
    numbers = np.arange(first, first + count)
    values = Packed.of([b"%d" % number for number in numbers])
    return Encoded("topic", numbers, numbers, Packed.nothing(count), values, numbers)


@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), max_size=6), st.data())
def test_each_event_is_told_once_with_a_moment_of_its_chunk(sizes: list[list[int]], data: st.DataObject):
    """Chunks of any sizes, taken whenever: every event comes back once, in order, within the time of its chunk."""
    handed, numbers, moments_ns, values = Handovers(), list[int](), list[int](), list[bytes]()
    expected_ns: list[tuple[int, int]] = []

    def take() -> None:
        portions, moments = handed.take()
        numbers.extend(number for portion in portions for number in portion.serials.tolist())
        values.extend(value for portion in portions for value in portion.values.listed())
        moments_ns.extend(moments.tolist())

    clock_ns = 1_000
    for chunks in sizes:
        batch, start = encoded(len(expected_ns), sum(chunks)), 0
        for size in chunks:
            took_ns = data.draw(st.integers(0, 1_000))
            handed.note(batch, start, start + size, clock_ns, clock_ns + took_ns)
            expected_ns += [(clock_ns, clock_ns + took_ns)] * size
            start, clock_ns = start + size, clock_ns + took_ns
            if data.draw(st.booleans()):
                take()
    take()
    assert numbers == list(range(len(expected_ns)))
    assert values == [b"%d" % number for number in numbers]
    assert moments_ns == sorted(moments_ns)
    assert all(a <= at <= b for at, (a, b) in zip(moments_ns, expected_ns, strict=True))

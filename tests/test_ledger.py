"""The ledgers agree with the obvious ones, whatever comes in whatever order, and do not grow with the run."""

import tracemalloc
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.ledger import MAX_STREAMS, Integers, OrderLedger, SequenceLedger

# The machines that run this are shared: a slow example is no failure.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@dataclass(frozen=True)
class Span:
    """Some sequences of a stream: short or whole pages, near or far, with or without holes."""

    stream: int
    first: int
    length: int
    step: int

    def pairs(self) -> Integers:
        """(stream, sequence) in rows."""
        sequences = np.arange(self.first, self.first + self.length, self.step)
        return np.column_stack([np.full(sequences.size, self.stream), sequences])


edges = st.sampled_from([0, 4096, 8192, 16384, 20480, 1 << 40]).flatmap(
    lambda edge: st.integers(max(edge - 3, 0), edge + 3)
)
spans = st.builds(
    Span,
    stream=st.sampled_from([0, 1, 9, 300]),
    first=edges | st.integers(0, 50_000),
    length=st.integers(0, 20) | st.sampled_from([4096, 8192, 20_000]),
    step=st.sampled_from([1, 1, 1, 2, 5]),
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Integers]:
    """Spans that follow, repeat and overlap one another, jumbled over a distance, in batches of one size."""
    pairs = np.concatenate([span.pairs() for span in draw(st.lists(spans, min_size=1, max_size=6))])
    jumble = np.random.default_rng(draw(st.integers(0, 99)))
    distance = draw(st.sampled_from([1, 1, 50, 30_000]))
    pairs = pairs[np.argsort(np.arange(len(pairs)) + jumble.integers(0, distance, len(pairs)), kind="stable")]
    size = draw(st.sampled_from([7, 1_000, 100_000])) if len(pairs) < 5_000 else 5_000
    return [pairs[start : start + size] for start in range(0, len(pairs), size)]


@given(arrivals())
def test_sequences_agree_with_plain_sets(batches: list[Integers]) -> None:
    """Each event is told apart, first sight or duplicate, exactly, however late, doubled or holed its stream is."""
    ledger, seen = SequenceLedger(), dict[int, set[int]]()
    for batch in batches:
        expected: list[bool] = []
        for stream, sequence in batch.tolist():
            expected.append(sequence in seen.setdefault(stream, set()))
            seen[stream].add(sequence)
        assert ledger.observe(batch[:, 0], batch[:, 1]).tolist() == expected
    assert ledger.seen() == {stream: (len(known), max(known)) for stream, known in seen.items()}
    for stream, known in seen.items():
        assert ledger.missing(stream) == holes(known)


def holes(known: set[int]) -> list[tuple[int, int]]:
    """The ranges that are not in a set, below its maximum."""
    ordered = [-1, *sorted(known)]
    return [(a + 1, b) for a, b in pairwise(ordered) if b - a > 1]


def test_nothing_seen_is_nothing_missing() -> None:
    """Of a stream that never appeared nothing is claimed."""
    ledger = SequenceLedger()
    nothing = np.empty(0, np.int64)
    assert ledger.observe(nothing, nothing).size == 0
    ledger.observe(np.array([5]), np.array([0]))
    assert ledger.seen() == {5: (1, 0)}
    assert [ledger.missing(stream) for stream in (4, 5, 4_000)] == [[], [], []]


def test_every_stream_has_a_place() -> None:
    """The last lane's last topic is counted like the first, when it appears without notice."""
    ledger = SequenceLedger()
    ledger.observe(np.array([0]), np.array([10]))
    ledger.observe(np.array([MAX_STREAMS - 1]), np.array([2]))
    assert ledger.seen() == {0: (1, 10), MAX_STREAMS - 1: (1, 2)}
    assert ledger.missing(MAX_STREAMS - 1) == [(0, 2)]


@pytest.mark.parametrize(("stream", "sequence"), [(-1, 0), (MAX_STREAMS, 0), (0, -1)])
def test_what_has_no_place_is_refused(stream: int, sequence: int) -> None:
    """A number that cannot be an event's is an error, never counted as somebody else's."""
    with pytest.raises(ValueError, match="have a place"):
        SequenceLedger().observe(np.array([stream]), np.array([sequence]))


def run_through(ledger: SequenceLedger, numbers: range, keep: int) -> None:
    """Let 64 streams run through some sequences, leaving out one in `keep`."""
    streams = np.repeat(np.arange(64), 256)
    for first in numbers[::256]:
        sequences = np.tile(np.arange(first, first + 256), 64)
        kept = sequences % keep != keep - 1
        assert not ledger.observe(streams[kept], sequences[kept]).any()


@pytest.mark.parametrize(
    ("keep", "bytes_per_page"), [(1 << 40, 0), (100, 700)], ids=["complete", "with holes"]
)
def test_memory_does_not_grow_with_the_run(keep: int, bytes_per_page: int) -> None:
    """What is complete costs nothing once it is past; what is holed costs little more than a bit a sequence."""
    ledger = SequenceLedger()
    tracemalloc.start()
    try:
        run_through(ledger, range(5 * 4096), keep)
        before, _ = tracemalloc.get_traced_memory()
        run_through(ledger, range(5 * 4096, 15 * 4096), keep)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before <= 64 * 10 * bytes_per_page + 16_384


small = st.integers(0, 20)
dues = st.lists(st.tuples(st.sampled_from([0, 1, 5]), st.sampled_from([0, 3, 100]), small), max_size=60)
far_dues = st.lists(
    st.tuples(st.sampled_from([0, 1, 5]), st.sampled_from([0, 3, 100]), st.integers(0, (1 << 62) - 1)),
    max_size=60,
)


@given(st.lists(dues | far_dues, max_size=5))
def test_order_agrees_with_the_plain_maximum(batches: list[list[tuple[int, int, int]]]) -> None:
    """An event is out of order exactly if one of its writer and partition that was due later came before it."""
    ledger, latest = OrderLedger(), dict[tuple[int, int], int]()
    for batch in batches:
        expected: list[bool] = []
        for writer, partition, due in batch:
            expected.append(due < latest.get((writer, partition), 0))
            latest[writer, partition] = max(due, latest.get((writer, partition), 0))
        writers, partitions, due_ns = np.array(batch, np.int64).reshape(-1, 3).T
        assert ledger.observe(writers, partitions, due_ns).tolist() == expected

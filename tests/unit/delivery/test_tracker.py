"""The ledgers agree with the obvious ones, whatever comes in whatever order, and do not grow with the run."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.delivery.bitmap import PAGE, Page, PageKey, PageSet, counted
from lensload.delivery.tracker import MAX_STREAMS, Integers, OrderLedger, SequenceLedger


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


edges = st.sampled_from([0, 4096, 8192, 16384, 20480, 1 << 35]).flatmap(
    lambda edge: st.integers(max(edge - 3, 0), edge + 3)
)
spans = st.builds(
    Span,
    stream=st.sampled_from([0, 1, 9, 300]),
    first=edges | st.integers(0, 50_000),
    length=st.integers(0, 20) | st.sampled_from([4096, 8_200]),
    step=st.sampled_from([1, 1, 1, 2, 5]),
)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Integers]:
    """Spans that follow, repeat and overlap one another, jumbled over a distance, in batches of one size."""
    pairs = np.concatenate([span.pairs() for span in draw(st.lists(spans, min_size=1, max_size=4))])
    jumble = np.random.default_rng(draw(st.integers(0, 99)))
    distance = draw(st.sampled_from([1, 1, 50, 30_000]))
    pairs = pairs[np.argsort(np.arange(len(pairs)) + jumble.integers(0, distance, len(pairs)), kind="stable")]
    size = draw(st.sampled_from([7, 1_000, 100_000])) if len(pairs) < 5_000 else 5_000
    return [pairs[start : start + size] for start in range(0, len(pairs), size)]


def entered(ledger: SequenceLedger, pairs: Integers) -> list[bool]:
    """What the ledger says of pairs, each of which has the content 1."""
    return ledger.enter(pairs[:, 0], pairs[:, 1], np.ones(len(pairs), np.uint32)).tolist()


def pairs_in(pages: dict[PageKey, Page]) -> set[tuple[int, int]]:
    """The pairs that pages hold."""
    return {
        (stream, number * PAGE + bit)
        for (stream, number), page in pages.items()
        for bit in np.flatnonzero(np.unpackbits(page.bits, bitorder="little")).tolist()
    }


@settings(max_examples=60)  # each is some ten thousand pairs
@given(arrivals(), st.booleans())
def test_sequences_agree_with_plain_sets(batches: list[Integers], settling: bool) -> None:
    """First sight or further one is told exactly, however late, doubled or holed a stream is, settled pages or not."""
    ledger, seen = SequenceLedger(), set[tuple[int, int]]()
    told_so_far: dict[PageKey, Page] = {}
    for batch in batches:
        pairs = [(stream, sequence) for stream, sequence in batch.tolist()]
        expected: list[bool] = []
        for pair in pairs:
            expected.append(pair in seen)
            seen.add(pair)
        assert entered(ledger, batch) == expected
        taken = ledger.take_pages()
        told_so_far |= taken
        if settling:
            ledger.settle([key for key, page in taken.items() if page.full])
    told_so_far |= ledger.take_pages(everything=True)
    assert pairs_in(told_so_far) == seen
    assert all(page.seals.sum() == counted(page.bits) for page in told_so_far.values())


def test_nothing_entered_is_nothing_told() -> None:
    """Of a stream that never appeared nothing is claimed."""
    ledger = SequenceLedger()
    assert entered(ledger, np.empty((0, 2), np.int64)) == []
    assert ledger.take_pages(everything=True) == {}


def test_every_stream_has_a_place() -> None:
    """The last lane's last topic is counted like the first, when it appears without notice."""
    ledger = SequenceLedger()
    assert entered(ledger, np.array([[0, 10], [MAX_STREAMS - 1, 2]])) == [False, False]
    assert entered(ledger, np.array([[MAX_STREAMS - 1, 2]])) == [True]
    assert pairs_in(ledger.take_pages(everything=True)) == {(0, 10), (MAX_STREAMS - 1, 2)}


@pytest.mark.parametrize(("stream", "sequence"), [(-1, 0), (MAX_STREAMS, 0), (0, -1)])
def test_what_has_no_place_is_refused(stream: int, sequence: int) -> None:
    """A number that cannot be an event's is an error, never counted as somebody else's."""
    with pytest.raises(ValueError, match="have a place"):
        entered(SequenceLedger(), np.array([[stream, sequence]]))


def run_through(ledger: SequenceLedger, numbers: range, keep: int) -> None:
    """Let 64 streams run through some sequences, leaving out one in `keep`; pages are settled as they are told."""
    streams = np.repeat(np.arange(64), 256)
    for first in numbers[::256]:
        sequences = np.tile(np.arange(first, first + 256), 64)
        kept = sequences % keep != keep - 1
        assert not any(entered(ledger, np.column_stack([streams[kept], sequences[kept]])))
        ledger.settle(ledger.take_pages())


@pytest.mark.parametrize("keep", [1 << 40, 2], ids=["complete", "half of it somebody else's"])
def test_memory_does_not_grow_with_the_run(keep: int) -> None:
    """What is settled costs nothing, also where other accounts hold the rest of it."""
    ledger = SequenceLedger()
    tracemalloc.start()
    try:
        run_through(ledger, range(5 * PAGE), keep)
        before, _ = tracemalloc.get_traced_memory()
        run_through(ledger, range(5 * PAGE, 15 * PAGE), keep)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before <= 16_384


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


@given(st.lists(st.tuples(st.sampled_from([0, 7]), st.integers(0, 40))))
def test_a_set_of_pages_agrees_with_a_plain_set(keys: list[PageKey]) -> None:
    """Which pages are settled is known exactly, in whatever order they were settled."""
    pages = PageSet()
    for key in keys:
        pages.add(key)
    assert {
        (stream, number) for stream in (0, 7, 8) for number in range(42) if (stream, number) in pages
    } == set(keys)

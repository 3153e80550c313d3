"""The accounts of many processes against each other give exactly what plain sets of ids would."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload.delivery.bitmap import PAGE
from lensload.delivery.reconcile import Findings, Kind, Reconciliation
from lensload.delivery.streams import LENS
from lensload.delivery.tracker import SequenceLedger

TOPIC = "user-interactions"
STREAM = int(LENS.numbers(np.array([3]), LENS.number(TOPIC))[0])


@dataclass(frozen=True)
class Story:
    """What became of the events 0 to `sent` of a stream."""

    sent: int
    warm: int
    failed: frozenset[int]
    missed: frozenset[int]
    altered: frozenset[int]
    observers: int


@st.composite
def stories(draw: st.DrawFn) -> Story:
    sent = draw(st.sampled_from([1, 40, PAGE, 3 * PAGE, 6 * PAGE + 17]))
    some = st.frozensets(st.integers(0, sent - 1), max_size=6)
    warm = draw(st.sampled_from([0, 0, 10, PAGE + 5]))
    return Story(sent, warm, draw(some), draw(some), draw(some), draw(st.sampled_from([1, 3])))


def observer_of(story: Story, sequence: int) -> int:
    return sequence * 7 % story.observers


def contents(sequences: Iterable[int], altered: frozenset[int] = frozenset()) -> list[int]:
    return [(sequence * 2_654_435_761 + 7_919 * (sequence in altered)) % (1 << 32) for sequence in sequences]


class Process:
    """One process's account, which it tells of after each portion."""

    def __init__(self, name: str, kind: Kind, books: Reconciliation) -> None:
        self.ledger, self._name, self._books = SequenceLedger(), name, books
        self._kind: Kind = kind

    def enter(self, sequences: list[int], altered: frozenset[int] = frozenset()) -> None:
        """Enter some sequences of the one stream."""
        streams = np.full(len(sequences), STREAM)
        seals = np.array(contents(sequences, altered), np.uint32)
        self.ledger.enter(streams, np.array(sequences, np.int64), seals)

    def tell(self, everything: bool = False) -> None:
        """Hand over what is new, as it travels."""
        taken = self.ledger.take_pages(everything=everything)
        self._books.add(self._name, self._kind, taken)


def played(story: Story, portion: int = 1_000) -> tuple[Reconciliation, dict[str, int]]:
    """The story told by a generator and its observers, portion by portion; how many pages were settled on the way."""
    books = Reconciliation()
    sent, warm, failed = (Process("generator", kind, books) for kind in ("sent", "warm", "failed"))
    seen = [Process(f"observer {number}", "seen", books) for number in range(story.observers)]
    settled = 0
    for first in range(0, story.sent, portion):
        these = list(range(first, min(story.sent, first + portion)))
        sent.enter(these)
        warm.enter([each for each in these if each < story.warm])
        failed.enter([each for each in these if each in story.failed])
        arrived = [each for each in these if each not in story.missed]
        for number, observer in enumerate(seen):
            mine = [each for each in arrived if observer_of(story, each) == number]
            observer.enter(mine, story.altered)
        for process in (sent, warm, failed, *seen):
            process.tell()
        keys = books.settle()
        settled += len(keys)
        for observer in seen:
            observer.ledger.settle(keys)
    for process in (sent, warm, failed, *seen):
        process.tell(everything=True)
    return books, {"settled": settled}


def expected(story: Story) -> Findings:
    lost = story.missed - story.failed
    return Findings(
        lost=sum(each >= story.warm for each in lost),
        warmup_lost=sum(each < story.warm for each in lost),
        failed_but_delivered=sum(each >= story.warm for each in story.failed - story.missed),
        altered=sum(each >= story.warm for each in story.altered - story.missed),
    )


@settings(deadline=None, max_examples=60)
@given(stories())
def test_findings_agree_with_plain_sets(story: Story) -> None:
    """Lost, failed_but_delivered although failed, and altered: each is counted exactly, by many observers as by one."""
    books, _ = played(story)
    assert (books.findings() or {}).get(TOPIC, Findings()) == expected(story)


@pytest.mark.parametrize("observers", [1, 3])
def test_what_agrees_is_settled_while_the_run_goes_on(observers: int) -> None:
    """Pages past are forgotten, though each of several observers has seen but a part of them."""
    story = Story(12 * PAGE, 0, frozenset(), frozenset(), frozenset(), observers)
    books, counts = played(story)
    assert counts["settled"] >= 7
    assert books.findings() == {TOPIC: Findings()}


def test_without_the_generators_word_nothing_is_found() -> None:
    """Where nobody told what was sent, nothing is claimed to be lost or whole."""
    books = Reconciliation()
    assert books.findings() is None


def test_what_is_told_to_have_failed_after_it_was_seen_is_failed_but_delivered() -> None:
    """A delivery that times out long after its event was read back is found, though its page was settled by then."""
    books, _ = played(Story(12 * PAGE, 0, frozenset(), frozenset(), frozenset(), 1))
    late = Process("generator", "failed", books)
    late.enter([5])
    late.tell(everything=True)
    assert books.findings() == {TOPIC: Findings(failed_but_delivered=1)}

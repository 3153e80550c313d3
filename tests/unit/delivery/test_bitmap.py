"""Pages of the ledger arrive as they were sent."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.delivery.bitmap import BLANK, PAGE, Page
from lensload.delivery.tracker import SequenceLedger

sequences = st.sets(st.integers(0, PAGE - 1), max_size=200)


@given(sequences, st.integers(0, 2**32 - 1))
def test_a_page_is_the_same_after_the_way(entered: set[int], seed: int) -> None:
    """Whatever was entered, with whatever checksum, 0 included: the bits and seals that arrive are those that were sent."""
    numbers = np.array(sorted(entered), np.int64)
    seals = np.random.default_rng(seed).integers(0, 3, numbers.size).astype(np.uint32) * np.uint32(seed)
    ledger = SequenceLedger()
    ledger.enter(np.zeros_like(numbers), numbers, seals)
    page = ledger.take_pages(everything=True).get((0, 0), BLANK)
    sent = page.to_wire()
    found = Page.from_wire(sent)
    assert (found.bits == page.bits).all()
    assert (found.seals == page.seals).all()
    assert len(sent[1]) <= 4 * len(entered)

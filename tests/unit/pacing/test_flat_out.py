"""Events without a schedule: bounded by what is under way, and due when they are made."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.pacing.flat_out import FlatOut

MS = 1_000_000


@given(most=st.integers(1, 200_000), under_way=st.integers(0, 250_000), from_ms=st.integers(0, 2 * 10**12))
def test_no_more_are_made_than_there_is_room_for(most: int, under_way: int, from_ms: int):
    """With the new events no more are under way than may be, and all are due in the millisecond in which they are made."""
    due_ns = FlatOut(most).due_from(from_ms * MS, under_way)
    assert len(due_ns) <= max(0, most - under_way)
    assert (np.diff(due_ns) >= 0).all()
    assert ((due_ns >= from_ms * MS) & (due_ns < (from_ms + 1) * MS)).all()


@given(most=st.integers(1, 200_000), acked=st.lists(st.integers(0, 50_000), max_size=30))
def test_there_is_always_room_once_all_is_acknowledged(most: int, acked: list[int]):
    """However acknowledgements come, the load never stands still for good, and what has room makes something."""
    flat_out = FlatOut(most)
    under_way = 0
    for count in [*acked, most]:
        if flat_out.has_room(under_way):
            made = len(flat_out.due_from(0, under_way))
            assert made > 0
            under_way += made
        under_way -= min(count, under_way)
    assert flat_out.has_room(0)
    assert under_way == 0

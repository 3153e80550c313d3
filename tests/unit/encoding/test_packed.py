"""Byte strings in one memory are those that went in, whatever they were put together from."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload.encoding.packed import Packed, joined
from lensload.encoding.pieces import Piece, Ragged, packed

STRINGS = st.lists(st.none() | st.binary(max_size=9), max_size=8)


def even(rows: Sequence[bytes]) -> Piece:
    """A table of rows that are equally long."""
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def ragged(rows: Sequence[bytes], room: int) -> Piece:
    """A table of rows of any length, with rubbish behind each."""
    width = max(map(len, rows)) + room
    block = even([row.ljust(width, b"!") for row in rows]) if width else np.zeros((len(rows), 0), np.uint8)
    assert isinstance(block, np.ndarray)
    return Ragged(block, np.array([*map(len, rows)], np.int64))


@st.composite
def pieces(draw: st.DrawFn, count: int) -> tuple[Piece, list[bytes]]:
    """A piece of any kind, and its rows."""
    kind = draw(st.sampled_from(["same", "even", "ragged", "list"]))
    size = draw(st.integers(1, 12))
    if kind == "same":
        row = draw(st.binary(max_size=12))
        return row, [row] * count
    if kind == "even":
        rows = draw(st.lists(st.binary(min_size=size, max_size=size), min_size=count, max_size=count))
        return even(rows), rows
    rows = draw(st.lists(st.binary(max_size=size), min_size=count, max_size=count))
    return (rows if kind == "list" else ragged(rows, draw(st.integers(0, 40)))), rows


@given(st.data(), st.integers(1, 6))
def test_the_pieces_of_a_value_are_one_after_another(data: st.DataObject, count: int):
    """Nothing of a value is overwritten by its neighbours, nor by what a table's rows have too much."""
    drawn = data.draw(st.lists(pieces(count), min_size=1, max_size=6))
    expected = [b"".join(rows) for rows in zip(*(rows for _, rows in drawn), strict=True)]
    assert packed([piece for piece, _ in drawn], count).listed() == expected


@given(STRINGS, STRINGS, st.data())
def test_strings_come_out_as_they_went_in(
    some: list[bytes | None], more: list[bytes | None], data: st.DataObject
):
    """None is not an empty string; strings may be picked in any order, and several times."""
    every = joined([Packed.of(some), Packed.of(more)])
    assert every.listed_or_none() == [*some, *more]
    assert every.listed() == [every[place] for place in range(len(every))]
    which = data.draw(st.lists(st.integers(0, len(every) - 1), max_size=9)) if len(every) else []
    assert every.picked(np.array(which, np.int64)).listed_or_none() == [
        (*some, *more)[place] for place in which
    ]
    assert Packed.nothing(len(some)).listed_or_none() == [None] * len(some)

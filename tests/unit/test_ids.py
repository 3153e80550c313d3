"""The promises of stopwatch ids."""

import uuid

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensload import ids

DUE = st.integers(min_value=0, max_value=(1 << 48) * ids.NS_PER_MS - 1).filter(lambda ns: ns < 2**63)
FIELDS = st.tuples(
    DUE,
    st.integers(0, ids.MAX_RUN_TAGS - 1),
    st.integers(0, ids.MAX_LANES - 1),
    st.integers(0, ids.MAX_SEQUENCE - 1),
)


def _texts(due_ns: int, run_tag: int, lane: int, sequence: int):
    due = ids.on_the_grid(np.array([due_ns]))
    return due, ids.texts(ids.words(due, run_tag, np.array([lane]), np.array([sequence])))


@given(FIELDS)
def test_an_id_carries_time_run_lane_and_sequence(fields: tuple[int, int, int, int]):
    """Whatever goes into an id comes out of its text."""
    due, texts = _texts(*fields)
    read = ids.read(texts)
    assert read.valid.all()
    assert (read.due_ns[0], read.run_tag[0], read.lane[0], read.sequence[0]) == (due[0], *fields[1:])


@given(FIELDS)
def test_an_id_is_a_uuid_of_version_7(fields: tuple[int, int, int, int]):
    """Any UUID library reads our ids as UUIDv7 with the due time's milliseconds (RFC 9562, 5.7)."""
    due, texts = _texts(*fields)
    parsed = uuid.UUID(texts.tobytes().decode())
    assert str(parsed) == texts.tobytes().decode()
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == due[0] // ids.NS_PER_MS


@given(st.lists(DUE, min_size=1, max_size=50))
def test_milliseconds_are_those_of_integer_division(times: list[int]):
    """However far apart the times of a batch are, each one's millisecond is exact, at the very edges too."""
    edges = [t // ids.NS_PER_MS * ids.NS_PER_MS + more for t in times for more in (-1, 0, 1) if t > 10**6]
    due_ns = np.array([*times, *edges])
    assert ids.whole_ms(due_ns).tolist() == [t // ids.NS_PER_MS for t in due_ns.tolist()]


@given(DUE)
def test_the_grid_is_finer_than_a_quarter_microsecond(due_ns: int):
    """Putting a due time on the grid moves it back by less than 0.25 us, and doing so again not at all."""
    on_grid = ids.on_the_grid(np.array([due_ns]))
    assert -250 < on_grid[0] - due_ns <= 0
    assert ids.on_the_grid(on_grid) == on_grid


@given(DUE, DUE)
def test_a_moved_time_stays_in_its_millisecond(due_ns: int, other_ns: int):
    """Taking over another time's fraction changes no millisecond, and gives exactly that fraction."""
    moved = ids.moved_to_fraction_of(np.array([due_ns]), np.array([other_ns]))[0]
    assert moved // ids.NS_PER_MS == due_ns // ids.NS_PER_MS
    assert moved % ids.NS_PER_MS == other_ns % ids.NS_PER_MS


@given(st.lists(st.binary(min_size=36, max_size=36), min_size=1, max_size=20))
def test_what_is_no_id_is_told_apart(texts: list[bytes]):
    """Reading arbitrary bytes never fails, and finds valid only what Python's uuid reads as version 7."""
    read = ids.read(np.frombuffer(b"".join(texts), dtype=np.uint8).reshape(-1, 36))
    for text, valid in zip(texts, read.valid.tolist(), strict=True):
        if valid:
            assert uuid.UUID(text.decode()).version == 7


def test_ids_sort_by_due_time():
    """Within a lane's topic, the texts sort as the events do."""
    due = ids.on_the_grid(np.arange(1000) * 333_333 + 10**18)
    words = ids.words(due, 3, np.zeros(1000, dtype=np.int64), np.arange(1000))
    texts = [bytes(row) for row in ids.texts(words)]
    assert texts == sorted(texts)

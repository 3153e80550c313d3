"""Stopwatch ids: UUIDv7s that say when an event was due, and which of its writer's events it is.

The layout follows RFC 9562, section 5.7, with its method 3 (a sub-millisecond fraction in rand_a):

    48 bits  due time, Unix milliseconds
     4 bits  version, 7
    12 bits  due time, fraction of that millisecond in 1/4096 (steps of 0.244 us)
     2 bits  variant, 0b10
    14 bits  run tag: which run wrote it
    12 bits  lane: which share of the audience it belongs to; one process writes a lane at a time
    36 bits  sequence: the lane's events of one topic, counted from 0; in a workload the topics take turns (`of_topic`)

Two of LENS's topics share an id: a response carries its request's. What is due when is therefore read from two places,
the same for every topic: the *millisecond* from the record's `timestamp`, the *fraction* from its id. The
schedule makes that exact by giving a response the fraction of its request (see `lensload.world`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
MAX_RUN_TAGS = 1 << 14
MAX_LANES = 1 << 12
_SEQUENCE_BITS = 36
MAX_SEQUENCE = 1 << _SEQUENCE_BITS
TEXT_BYTES = 36

_FRACTION_BITS = 12
_FRACTION_STEPS = 1 << _FRACTION_BITS
_EXACT = 1 << 53  # integers up to here are exact as doubles
# The four hex digits of every 16-bit number, as one word.
_HEX_WORDS = np.frombuffer(np.arange(1 << 16, dtype=">u2").tobytes().hex().encode(), dtype=np.uint32)
_HEX_VALUES = np.full(256, 255, dtype=np.uint8)
_HEX_VALUES[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = np.arange(16, dtype=np.uint8)
_HEX_VALUES[np.frombuffer(b"ABCDEF", dtype=np.uint8)] = np.arange(10, 16, dtype=np.uint8)
# Where the 32 hex digits stand in 8-4-4-4-12, and the dashes between them.
_DASHES = slice(8, 24, 5)
_DASH = ord("-")
_DIGITS = np.delete(np.arange(TEXT_BYTES), _DASHES)
# The digits of a text in fours, by which of the id's eight 16-bit numbers in memory they show: NumPy moves a field whole.
_FOURS = np.dtype(
    {
        "names": [str(number) for number in (3, 2, 1, 0, 7, 6, 5, 4)],
        "formats": ["u4"] * 8,
        "offsets": _DIGITS[::4].tolist(),
        "itemsize": TEXT_BYTES,
    }
)


def on_the_grid(due_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Due times in ns as an id can say them: rounded down to 1/4096 ms, then up to a whole ns.

    Doing so once, before anything is measured, makes the due time that any reader of the id finds the very
    one the schedule meant.
    """
    ms, steps = _ms_and_steps(due_ns)
    return ms * NS_PER_MS + _fraction_ns(steps)


def moved_to_fraction_of(due_ns: NDArray[np.int64], other_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """`due_ns` moved within its millisecond to where `other_ns` stands in its own."""
    return due_ns - due_ns % NS_PER_MS + other_ns % NS_PER_MS


def words(
    due_ns: NDArray[np.int64], run_tag: int, lane: NDArray[np.integer], sequence: NDArray[np.integer]
) -> NDArray[np.uint64]:
    """The ids of a batch, shape (n, 2): the high and low 64 bits of each.

    `due_ns` must lie on the grid (`on_the_grid`); `run_tag`, `lane` and `sequence` below their maxima.
    """
    ms, steps = _ms_and_steps(due_ns)
    result = np.empty((len(due_ns), 2), dtype=np.uint64)
    result[:, 0] = (ms << 16) | 0x7000 | steps
    low = (np.int64(run_tag) << 48) | serials(lane, sequence)
    result[:, 1] = low.view(np.uint64) | np.uint64(1 << 63)
    return result


def serials(lane: NDArray[np.integer], sequence: NDArray[np.integer]) -> NDArray[np.int64]:
    """Which of whose events each is, in one number: its lane above its sequence, as the id has them."""
    return (lane.astype(np.int64) << _SEQUENCE_BITS) | sequence


def of_topic(numbers: NDArray[np.integer], topic: int, topics: int) -> NDArray[np.int64]:
    """The sequences that the ids of a topic's events have in place of their numbers, where topics may not share an id.

    The topics take turns: no two of them have a sequence in common, whatever their events' due times are.
    """
    return numbers.astype(np.int64) * topics + topic


def lanes_and_sequences(serials: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What `serials` made one number of."""
    return serials >> _SEQUENCE_BITS, serials & (MAX_SEQUENCE - 1)


def texts(id_words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The 36 ASCII characters of each id, shape (n, 36): lower-case hex, 8-4-4-4-12."""
    digits = _HEX_WORDS.take(id_words.view("<u2"))
    result = np.empty((len(id_words), TEXT_BYTES), dtype=np.uint8)
    result[:, _DASHES] = _DASH
    fours = result.view(_FOURS)[:, 0]
    for number in range(digits.shape[1]):
        fours[str(number)] = digits[:, number]
    return result


@dataclass(frozen=True, slots=True)
class Readings:
    """What a batch of ids says; every array has one entry an id.

    Attributes:
        valid: whether the text is a UUIDv7 at all; where it is not, the other entries mean nothing.
        due_ns: due time by the id alone, Unix ns.
        run_tag: which run wrote it.
        lane: which lane of the audience.
        sequence: which of the lane's events of its topic.
    """

    valid: NDArray[np.bool_]
    due_ns: NDArray[np.int64]
    run_tag: NDArray[np.int64]
    lane: NDArray[np.int64]
    sequence: NDArray[np.int64]


def read(id_texts: NDArray[np.uint8]) -> Readings:
    """Read ids from their 36 ASCII characters, shape (n, 36); never raises on what is not an id."""
    nibbles = _HEX_VALUES[id_texts[:, _DIGITS]]
    raw = ((nibbles[:, 0::2] << 4) | (nibbles[:, 1::2] & 15)).astype(np.uint8, copy=False)
    return read_raw(raw, nibbles.max(axis=1, initial=0) < 16)


def read_raw(id_bytes: NDArray[np.uint8], are_ids: NDArray[np.bool_] | bool = True) -> Readings:
    """Read ids from their 16 bytes, shape (n, 16); `are_ids`: what is known to be none is not valid."""
    pair = np.ascontiguousarray(id_bytes).view(">u8").astype(np.int64).reshape(len(id_bytes), 2)
    high, low = pair[:, 0], pair[:, 1]
    valid = are_ids & ((high >> 12) & 15 == 7) & (low < -(1 << 62))
    due_ns = ((high >> 16) & 0xFFFFFFFFFFFF) * NS_PER_MS + _fraction_ns(high & 0xFFF)
    return Readings(valid, due_ns, (low >> 48) & 0x3FFF, (low >> 36) & 0xFFF, low & (MAX_SEQUENCE - 1))


def fractions_ns(digits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Ns into the millisecond, from an id's three hex digits behind the version; shape (n, 3)."""
    values = _HEX_VALUES[digits].astype(np.int64)
    return _fraction_ns((values[:, 0] << 8) | (values[:, 1] << 4) | values[:, 2])


def rows_of(table: NDArray[np.uint8], which: NDArray[np.integer]) -> NDArray[np.uint8]:
    """`table[which]` for a table of bytes, shape (n, width): rows moved whole, which is faster."""
    width = table.shape[1]
    return table.view(f"V{width}").ravel().take(which).view(np.uint8).reshape(len(which), width)


def _fraction_ns(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    return (steps * NS_PER_MS + _FRACTION_STEPS - 1) >> _FRACTION_BITS


def start_of_ms(at_ns: int) -> int:
    """When the millisecond of a moment begins, Unix ns: no due time read from an id falls behind it."""
    return at_ns - at_ns % NS_PER_MS


def whole_ms(due_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The millisecond of each time, Unix ms."""
    if not len(due_ns):
        return due_ns
    base_ms = int(due_ns[0]) // NS_PER_MS
    since_ns = due_ns - base_ms * NS_PER_MS
    if int(since_ns.min()) < -_EXACT or int(since_ns.max()) > _EXACT:
        return due_ns // NS_PER_MS
    # Dividing doubles is exact enough here (both are integers below 2 ** 53, and the quotient is correctly
    # rounded, so its floor is right), and eight times as fast as dividing 64-bit integers.
    return base_ms + np.floor(since_ns / NS_PER_MS).astype(np.int64)


def _ms_and_steps(due_ns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The millisecond of each time, and how many 4096ths of one have passed since."""
    ms = whole_ms(due_ns)
    sub_ns = due_ns - ms * NS_PER_MS
    return ms, np.floor((sub_ns << _FRACTION_BITS) / NS_PER_MS).astype(np.int64)

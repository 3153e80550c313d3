"""Makers of text and bytes: UUIDs, patterns, random letters and bytes, padding, and the event's own id."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Column, Fixed, Ids, Texts, objects
from lensload.workload import counts
from lensload.workload.avro_type import AvroType
from lensload.workload.counts import Counts
from lensload.workload.key_types import MOST_LENGTH
from lensload.workload.rows import Rows
from lensload.world import rng

_DIGITS: Final = np.frombuffer(b"0123456789", dtype=np.uint8)
_LETTERS: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
_READABLE: Final = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8
)
# Ten digits of any alphabet here leave enough of 64 random bits that each comes as often as any other.
_A_DRAW: Final = 10
_MOST_DRAWS: Final = 60
_DURATION: Final = (12, 30, 86_400_000)
_BUFFER_BYTES: Final = 1 << 20


class Uuids:
    """Makes UUIDs of version 4 from the rows' keys: as text, or as 16 bytes.

    Raises:
        ValueError: the type can hold none; a sentence's end.
    """

    def __init__(self, type_: AvroType, path_key: rng.Keys) -> None:
        require_id(type_, "makes UUIDs")
        self._text, self._path_key = type_.kind == "string", path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        words = np.stack((rows.bits(self._path_key, 0), rows.bits(self._path_key, 1)), axis=1)
        words[:, 0] = (words[:, 0] & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x4000)
        words[:, 1] = (words[:, 1] & np.uint64((1 << 62) - 1)) | np.uint64(1 << 63)
        return _of_words(field, words, text=self._text)


class Stopwatches:
    """Makes the event's own id: a UUIDv7 that says when it was due (see `lensload.ids`).

    Args:
        type_: the type of the field that holds it.
        topic: the number of the event's topic.
        topics: how many topics the workload has: their ids have numbers of their own, so that no two are equal.

    Raises:
        ValueError: the type can hold none; a sentence's end.
    """

    def __init__(self, type_: AvroType, topic: int = 0, topics: int = 1) -> None:
        require_id(type_, "is the stopwatch")
        self._text = type_.kind == "string"
        self._topic, self._topics = topic, topics

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        events = rows.event
        sequences = ids.of_topic(events.numbers, self._topic, self._topics)
        words = ids.words(events.due_ns, events.run_tag, events.lanes, sequences)
        return _of_words(field, words, text=self._text)


def holds_id(type_: AvroType) -> bool:
    """Whether the type can hold an id: as 36 characters, or as 16 bytes."""
    return (type_.kind in ("string", "bytes") and type_.logical != "decimal") or (
        type_.kind == "fixed" and type_.size == 16 and type_.logical != "decimal"
    )


def require_id(type_: AvroType, what: str) -> None:
    """See that the type can hold an id.

    Raises:
        ValueError: it cannot; a sentence's end.
    """
    if not holds_id(type_):
        raise ValueError(
            f"{what}, and the field is {type_}: it should be string, bytes, or a fixed of 16 bytes"
        )


class Pattern:
    """Makes text after a pattern, in which each # is a digit and each ? a letter; any other character is itself.

    Raises:
        ValueError: it is too long, or the type is not text; a sentence's end.
    """

    def __init__(self, type_: AvroType, pattern: str, path_key: rng.Keys) -> None:
        if type_.kind not in ("string", "bytes") or type_.logical:
            raise ValueError(f"makes text, and the field is {type_}")
        if not pattern:
            raise ValueError("has no character")
        self._template = np.frombuffer(pattern.encode(), dtype=np.uint8)
        self._alphabets = [
            (place, _DIGITS if byte == ord("#") else _LETTERS)
            for place, byte in enumerate(self._template.tolist())
            if byte in b"#?"
        ]
        if len(self._alphabets) > _A_DRAW * _MOST_DRAWS:
            raise ValueError(f"has more than {_A_DRAW * _MOST_DRAWS} places to fill")
        self._text, self._path_key = type_.kind == "string", path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        block = np.tile(self._template, (len(rows), 1))
        left = np.zeros(0, dtype=np.uint64)
        for number, (place, alphabet) in enumerate(self._alphabets):
            if number % _A_DRAW == 0:
                left = rows.bits(self._path_key, number // _A_DRAW)
            size = np.uint64(len(alphabet))
            block[:, place] = alphabet[(left % size).astype(np.int64)]
            left = left // size
        if not self._text:
            return Fixed(field, block)
        if self._template.max(initial=0) < 128:
            return Ids(field, block)
        return Texts(field, objects(line.tobytes() for line in block))


class RandomBytes:
    """Makes random text or bytes of given lengths, each a part of one long random text.

    Args:
        type_: a string, bytes or fixed.
        lengths: how long each is.
        path_key: where it begins comes from this.

    Raises:
        ValueError: the type is no text and no bytes; a sentence's end.
    """

    def __init__(
        self, type_: AvroType, lengths: Callable[[Rows], NDArray[np.int64]], path_key: rng.Keys
    ) -> None:
        if type_.kind not in ("string", "bytes") or type_.logical:
            raise ValueError(f"makes text or bytes, and the field is {type_}")
        self._text = type_.kind == "string"
        self._lengths, self._path_key = lengths, path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        lengths = np.clip(self._lengths(rows), 0, MOST_LENGTH)
        starts = (rows.uniform(self._path_key, 1) * (_BUFFER_BYTES - MOST_LENGTH)).astype(np.int64)
        data = _readable() if self._text else _raw()
        parts = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
        return Texts(field, objects(data[start:end] for start, end in parts), not self._text)


class RandomBlocks:
    """Makes a fixed of random bytes.

    Raises:
        ValueError: it is too large; a sentence's end.
    """

    def __init__(self, type_: AvroType, path_key: rng.Keys) -> None:
        if type_.size > MOST_LENGTH:
            raise ValueError(f"is {type_} of {type_.size:,} bytes, and {MOST_LENGTH:,} are the most")
        self._size, self._path_key = type_.size, path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        draws = -(-self._size // 8) or 1
        words = np.stack(
            [rows.bits(self._path_key ^ np.uint64(draw), draw % 64) for draw in range(draws)], axis=1
        )
        return Fixed(
            field, np.ascontiguousarray(words.view(np.uint8).reshape(len(rows), 8 * draws)[:, : self._size])
        )


class Durations:
    """Makes durations of less than a year: months, days and milliseconds, each all alike."""

    def __init__(self, path_key: rng.Keys) -> None:
        self._path_key = path_key

    def column(self, field: str, rows: Rows) -> Column:
        """See `Maker`."""
        parts = [rows.uniform(self._path_key, draw) * most for draw, most in enumerate(_DURATION)]
        return Fixed(field, np.stack(parts, axis=1).astype("<u4").view(np.uint8).reshape(len(rows), 12))


def lengths(of: Counts, path_key: rng.Keys) -> Callable[[Rows], NDArray[np.int64]]:
    """Lengths of what each row has."""
    low, high = counts.bounds(of)
    if low == high:
        return lambda rows: np.full(len(rows), low)
    draw = counts.draw(of)
    return lambda rows: draw(rows.uniform(path_key))


def _of_words(field: str, words: NDArray[np.uint64], *, text: bool) -> Column:
    if text:
        return Ids(field, ids.texts(words))
    return Fixed(field, words.byteswap().view(np.uint8).reshape(len(words), 16))


@cache
def _raw() -> bytes:
    return rng.bits(rng.mixed(np.arange(_BUFFER_BYTES // 8, dtype=np.uint64)), 0).tobytes()


@cache
def _readable() -> bytes:
    return _READABLE[np.frombuffer(_raw(), dtype=np.uint8) & 63].tobytes()

"""Chunks of encoded events that were handed to librdkafka, and when."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lensload.delivery.sent import Portion
from lensload.encoding.encoders import Encoded


class Handed(NamedTuple):
    """Events `start` to `stop` of a batch, handed to librdkafka between two moments."""

    encoded: Encoded
    start: int
    stop: int
    began_ns: int
    ended_ns: int


def portions_of(chunks: list[Handed]) -> list[Portion]:
    """Chunks of one topic as portions of batches; neighbours are joined."""
    portions: list[Portion] = []
    encoded, start, stop = chunks[0][:3]
    for chunk in chunks[1:]:
        if chunk.encoded is not encoded:
            portions.append(Portion.of(encoded, start, stop))
            encoded, start = chunk.encoded, chunk.start
        stop = chunk.stop
    return [*portions, Portion.of(encoded, start, stop)]


def handed_ns(chunks: list[Handed]) -> NDArray[np.int64]:
    """When each event was handed over: the events of a chunk are taken to be evenly spread over its time."""
    starts, stops, began_ns, ended_ns = np.array([chunk[1:] for chunk in chunks]).T
    counts = stops - starts
    place = np.arange(1, counts.sum() + 1) - np.repeat(np.cumsum(counts) - counts, counts)
    took_ns = np.repeat(ended_ns - began_ns, counts) * place // np.repeat(counts, counts)
    return np.repeat(began_ns, counts) + took_ns

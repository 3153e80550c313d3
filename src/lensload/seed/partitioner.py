"""Which partition a key belongs to by Java's own partitioner, and which worker writes there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload.batches.columns import Pool

_M: Final = np.uint32(0x5BD1E995)
_SEED: Final = 0x9747B28C


def murmur2(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """Kafka's hash of each key: MurmurHash2, 32 bits, with the seed of Java's DefaultPartitioner."""
    result = np.zeros(len(keys), dtype=np.uint32)
    lengths = np.array([len(key) for key in keys])
    for length in np.unique(lengths).tolist():
        which = np.flatnonzero(lengths == length)
        block = np.frombuffer(b"".join(keys[place] for place in which.tolist()), dtype=np.uint8)
        result[which] = _murmur2(block.reshape(len(which), length))
    return result


def _murmur2(block: NDArray[np.uint8]) -> NDArray[np.uint32]:
    count, length = block.shape
    h = np.full(count, _SEED ^ length, dtype=np.uint32)
    whole = length // 4
    words = np.ascontiguousarray(block[:, : 4 * whole]).view("<u4").reshape(count, whole)
    for place in range(whole):
        k = words[:, place] * _M
        k ^= k >> np.uint32(24)
        h = h * _M ^ k * _M
    rest = block[:, 4 * whole :].astype(np.uint32)
    for place in range(rest.shape[1]):
        h ^= rest[:, place] << np.uint32(8 * place)
    if rest.shape[1]:
        h *= _M
    h ^= h >> np.uint32(13)
    h *= _M
    return h ^ h >> np.uint32(15)


class Partitioner:
    """Which partition each row of a key's pool belongs to, topic by topic.

    Args:
        counts: the number of partitions of each topic.
        worker: which of the workers this is, from 0.
        workers: how many there are; each partition belongs to one of them.
    """

    def __init__(self, counts: Mapping[str, int], worker: int = 0, workers: int = 1) -> None:
        self._counts = counts
        self._worker, self._workers = worker, workers
        self._hashes: dict[Pool, NDArray[np.int64]] = {}
        self._known: dict[tuple[str, Pool], NDArray[np.int64]] = {}
        self._pools: dict[str, Pool] = {}

    def of(self, topic: str, pool: Pool) -> NDArray[np.int64]:
        """The partition of each row of the pool."""
        self._pools[topic] = pool
        if (topic, pool) not in self._known:
            if pool not in self._hashes:
                hashes = murmur2([row[0].encode() for row in pool.rows])
                self._hashes[pool] = (hashes & np.uint32(0x7FFFFFFF)).astype(np.int64)
            self._known[topic, pool] = self._hashes[pool] % self._counts[topic]
        return self._known[topic, pool]

    def owned(self, topic: str, row: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Which events this worker writes, by their keys' rows of the pool last asked for."""
        return self._known[topic, self._pools[topic]][row] % self._workers == self._worker

    def mine(self, topic: str) -> list[int]:
        """The partitions that this worker writes."""
        return list(range(self._worker, self._counts[topic], self._workers))

"""Which partition a key belongs to by Java's own partitioner, and which worker writes there."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Drawn, Pool
from lensload.batches.topic_batch import TopicBatch
from lensload.encoding.keys import Key, KeySchema, TopicKeys

_M: Final = np.uint32(0x5BD1E995)
_SEED: Final = 0x9747B28C
_NOWHERE: Final = -1


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
    """Which partition each record belongs to, topic by topic.

    A record goes where Java's own partitioner puts its key; those without a key go round the partitions.

    Args:
        counts: the number of partitions of each topic.
        worker: which of the workers this is, from 0.
        workers: how many there are; each partition belongs to one of them.
        key_schemas: of the topics whose keys are Avro. Java hashes such a key with the registry's id in it.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        worker: int = 0,
        workers: int = 1,
        key_schemas: Mapping[str, KeySchema] | None = None,
    ) -> None:
        self.key_schemas = dict(key_schemas or {})
        self._counts = counts
        self._worker, self._workers = worker, workers
        self._keys = TopicKeys(self.key_schemas)
        # By what writes the keys, a topic with a schema for them or "": _NOWHERE for a null one.
        self._hashes: dict[tuple[str, Pool], NDArray[np.int64]] = {}
        self._known: dict[tuple[str, Pool], NDArray[np.int64]] = {}
        self._pools: dict[str, Pool] = {}

    @property
    def divided(self) -> bool:
        """Whether there are other workers, which write some of the partitions."""
        return self._workers > 1

    def of(self, topic: str, pool: Pool) -> NDArray[np.int64]:
        """The partition of each row of a pool of keys; below 0 for a row that is no key."""
        self._pools[topic] = pool
        if (topic, pool) not in self._known:
            hashes = self._of_pool(topic, pool)
            self._known[topic, pool] = np.where(hashes < 0, _NOWHERE, hashes % self._counts[topic])
        return self._known[topic, pool]

    def of_batch(self, batch: TopicBatch) -> NDArray[np.int64]:
        """The partition of each event of a batch, by its key alone, or without one by its lane and sequence."""
        if isinstance(batch.key, Drawn):
            partition = self.of(batch.topic, batch.key.pool)[batch.key.index]
        else:
            hashes = _hashes(self._keys.of(batch.topic, batch.key, len(batch)).listed_or_none())
            partition = np.where(hashes < 0, _NOWHERE, hashes % self._counts[batch.topic])
        if (partition < 0).any():
            lane, sequence = ids.lanes_and_sequences(batch.serials)
            return np.where(partition < 0, (lane + sequence) % self._counts[batch.topic], partition)
        return partition

    def owns(self, batch: TopicBatch) -> NDArray[np.bool_]:
        """Which events of a batch this worker writes; the batch needs only its key."""
        return self.of_batch(batch) % self._workers == self._worker

    def owned(self, topic: str, row: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Which events this worker writes, by their keys' rows of the pool last asked for."""
        return self._known[topic, self._pools[topic]][row] % self._workers == self._worker

    def mine(self, topic: str) -> list[int]:
        """The partitions that this worker writes."""
        return list(range(self._worker, self._counts[topic], self._workers))

    def _of_pool(self, topic: str, pool: Pool) -> NDArray[np.int64]:
        place = (topic if topic in self.key_schemas else "", pool)
        if place not in self._hashes:
            every = Drawn(pool, np.arange(len(pool.rows)))
            # Keys of its own, which forget the pool: it can be large, and its keys are hashed once.
            keys = TopicKeys(self.key_schemas).of(topic, every, len(every))
            self._hashes[place] = _hashes(keys.listed_or_none())
        return self._hashes[place]


def _hashes(keys: Sequence[Key]) -> NDArray[np.int64]:
    """The hash of each key as Java's partitioner takes it, not negative; _NOWHERE for None."""
    hashes = (murmur2([key or b"" for key in keys]) & np.uint32(0x7FFFFFFF)).astype(np.int64)
    if None in keys:
        hashes[[key is None for key in keys]] = _NOWHERE
    return hashes

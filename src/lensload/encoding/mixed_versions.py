"""A rollout: two versions of a schema in one topic, event by event, in any order but that of time.

Which event is written by which version is a pure function of the seed, the event's lane and its sequence, and of
when it is due: the same for one worker or many. Order and due times stay what they were.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.columns import Ids
from lensload.batches.topic_batch import TopicBatch, picked
from lensload.encoding.encoders import Encoded, Encoder
from lensload.encoding.packed import joined
from lensload.schema import definitions
from lensload.schema.migration import Changeover
from lensload.world import rng

_ID_FIELDS = {topic.name: topic.id_field for topic in definitions.TOPICS}


class Rollout:
    """Which events of a topic its newer version writes.

    Until `begin` has been called, and before measuring begins, the newer version has its first share.
    """

    def __init__(self, change: Changeover, seed: int) -> None:
        self._change = change
        self._root = rng.root(seed, f"evolve {change.topic}")
        self._from_ns, self._span_ns = np.iinfo(np.int64).max, 1

    def begin(self, measure_from_ns: int, end_ns: int) -> None:
        """Fix the times between which the share changes."""
        self._from_ns, self._span_ns = measure_from_ns, max(1, end_ns - measure_from_ns)

    def chosen(self, batch: TopicBatch) -> NDArray[np.bool_]:
        """For each event, whether the newer version writes it."""
        field = _ID_FIELDS[batch.topic]
        column = next(each for each in batch.columns if isinstance(each, Ids) and each.field == field)
        readings = ids.read(column.texts)
        keys = rng.keys(rng.keys(self._root, readings.lane), readings.sequence)
        return rng.uniform(keys, 0) < self._shares(batch.due_ns)

    def _shares(self, due_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        gone = np.clip(np.maximum(due_ns - self._from_ns, 0) / self._span_ns, 0, 1)
        return self._change.first + (self._change.last - self._change.first) * gone


class MixedEncoder:
    """An encoder for runs in which some topics change over.

    Args:
        older: encodes every topic.
        newer: encodes the topics that change over, by their newer versions.
        rollouts: which events are the newer one's, by topic.
    """

    def __init__(self, older: Encoder, newer: Encoder, rollouts: Mapping[str, Rollout]) -> None:
        self._older, self._newer, self._rollouts = older, newer, rollouts

    def encode(self, batch: TopicBatch) -> Encoded:
        """See `Encoder`."""
        rollout = self._rollouts.get(batch.topic)
        if rollout is None:
            return self._older.encode(batch)
        chosen = rollout.chosen(batch)
        parts = [
            (np.flatnonzero(which), encoder)
            for which, encoder in ((~chosen, self._older), (chosen, self._newer))
        ]
        # An empty batch is for encoders to prepare by: it goes to both.
        done = [
            (which, encoder.encode(picked(batch, which)))
            for which, encoder in parts
            if len(which) or not len(batch)
        ]
        return done[0][1] if len(done) == 1 else _merged(batch, done)


def _merged(batch: TopicBatch, parts: list[tuple[NDArray[np.int64], Encoded]]) -> Encoded:
    """The parts as one, every event back in its place."""
    order = np.argsort(np.concatenate([which for which, _ in parts]))
    every = [encoded for _, encoded in parts]
    keys = joined([encoded.packed_keys for encoded in every]).picked(order)
    values = joined([encoded.packed_values for encoded in every]).picked(order)
    took_ns = np.concatenate([encoded.took_ns for encoded in every])[order]
    return Encoded(batch.topic, batch.due_ns, batch.serials, keys, values, took_ns)

"""Labelled faults: records are spoiled, doubled and held back, each with a header that says so.

What happens to a record is a function of the seed and of its id (of clock-skew: of its key); where it then stands, of
its partition's records alone. So any division of the work among workers gives the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.encoding.keys import Key
from lensload.seed.faults import kinds
from lensload.seed.faults.delay import LEAST_LATE_MS, MOST_LATE_MS, Waiter, WaitingRoom
from lensload.seed.faults.kinds import CLOCK_SKEW, DUPLICATE, FAULTS, LATE, OUT_OF_ORDER, Rates
from lensload.seed.faults.spoiler import Spoiler
from lensload.seed.partitioner import murmur2
from lensload.seed.records import Headers, Records
from lensload.world import rng

_NONE: Final = -1
_LEAST_SKEW_MS: Final = 5 * 60_000
_MOST_SKEW_MS: Final = 30 * 60_000
_SKEW: Final = FAULTS.index(CLOCK_SKEW)
# Where several stand at one record's place: itself, its duplicate, those that waited for it.
_ITSELF, _DOUBLE, _BEHIND = range(3)


class FaultInjector:
    """What befalls records between the encoder and their partitions.

    Args:
        seed: decides which records.
        rates: faults with their rates; empty for none.
        schemas: what each topic's values are written by, parsed.
    """

    def __init__(self, seed: int, rates: Rates, schemas: Mapping[str, Any]) -> None:
        self._rates = dict(rates)
        self._spoilers = {topic: Spoiler(topic, schema) for topic, schema in schemas.items()}
        self._root = rng.root(seed, "faults")
        self._rooms: dict[tuple[str, int], WaitingRoom] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._skews_ms: dict[Key, int] = {}

    def apply(self, records: Records, serials: NDArray[np.int64]) -> Records:
        """The records with what befell them, and without those that wait; itself if there are no faults.

        `serials` says which of whose events each is, as batches do.
        """
        if not self._rates or not len(records):
            return records
        fault, key = self._drawn(records, serials)
        changed = self._spoiled(records, fault, key)
        return self._moved(changed, records.timestamp_ms, fault, key)

    def finish(self) -> Iterator[Records]:
        """What still waits when there is nothing more to wait for, partition by partition.

        A record with too little behind it to be late is out of order, or in its place after all.
        """
        for _, room in sorted(self._rooms.items(), key=itemgetter(0)):
            waiters, room.waiters = room.waiters, []
            if waiters:
                yield Records.joined(
                    [self._labelled(each.record, each.label(room.newest_ms)) for each in waiters]
                )

    def as_dict(self) -> dict[str, dict[str, int]]:
        """How many records of each topic have each fault, by what has left `apply` and `finish`."""
        return {topic: dict(counts) for topic, counts in self._counts.items()}

    def _label(self, topic: str, fault: str) -> Headers:
        counts = self._counts.setdefault(topic, {})
        counts[fault] = counts.get(fault, 0) + 1
        return [(kinds.HEADER, fault.encode())]

    def _labelled(self, record: Records, fault: str) -> Records:
        """A record that has moved, or is there twice, with its label; itself where nothing is wrong with it."""
        if not fault:
            return record
        return replace(record, headers={0: [*record.headers.get(0, []), *self._label(record.topic, fault)]})

    def _drawn(self, records: Records, serials: NDArray[np.int64]) -> tuple[NDArray[np.int64], rng.Keys]:
        """For each record the number of its fault, and the key of its further draws."""
        lane, sequence = ids.lanes_and_sequences(serials)
        topic = rng.keys(self._root, np.array([murmur2([records.topic.encode()])[0]]))
        key = rng.keys(rng.keys(topic, lane), sequence)
        kinds = [name for name in self._rates if name != CLOCK_SKEW]
        edges = np.cumsum([self._rates[name] for name in kinds])
        spoiler = self._spoilers[records.topic]
        numbers = [FAULTS.index(name) if spoiler.can(name) else _NONE for name in kinds]
        which = np.searchsorted(edges, rng.uniform(key, 0), side="right")
        fault = np.array([*numbers, _NONE])[which]
        if CLOCK_SKEW in self._rates:
            fault[np.flatnonzero(self._skew_ms(records.keys))] = _SKEW
        return fault, key

    def _skew_ms(self, keys: Sequence[Key]) -> NDArray[np.int64]:
        """How far each key's clock is ahead; 0 where it is right."""
        new = list(dict.fromkeys(key for key in keys if key not in self._skews_ms))
        if new:
            of = rng.keys(self._root, murmur2([key or b"" for key in new]).astype(np.int64))
            size = _LEAST_SKEW_MS + rng.uniform(of, 1) * (_MOST_SKEW_MS - _LEAST_SKEW_MS)
            signed = np.where(rng.uniform(of, 2) < 0.5, size, -size).astype(np.int64)
            wrong = np.where(rng.uniform(of, 0) < self._rates[CLOCK_SKEW], signed, 0)
            self._skews_ms |= dict(zip(new, wrong.tolist(), strict=True))
        return np.array([self._skews_ms[key] for key in keys], dtype=np.int64)

    def _spoiled(self, records: Records, fault: NDArray[np.int64], key: rng.Keys) -> Records:
        """The records with their values and times changed, and labelled; none moved yet."""
        values, timestamp_ms = list(records.values), records.timestamp_ms.copy()
        headers = dict(records.headers)
        spoiler, topic = self._spoilers[records.topic], records.topic
        chance = rng.uniform(key, 1)
        moved = [FAULTS.index(name) for name in (LATE, OUT_OF_ORDER, DUPLICATE)]
        for place in np.flatnonzero((fault != _NONE) & ~np.isin(fault, moved)).tolist():
            name, value = FAULTS[fault[place]], values[place] or b""
            if name == CLOCK_SKEW:
                by_ms = self._skews_ms[records.keys[place]]
                values[place] = spoiler.skewed(value, by_ms)
                timestamp_ms[place] += by_ms
            else:
                values[place] = spoiler.spoiled(name, value, float(chance[place]))
            headers[place] = [*headers.get(place, []), *self._label(topic, name)]
        return Records(topic, records.keys, values, records.partition, timestamp_ms, headers)

    def _moved(
        self, records: Records, at_ms: NDArray[np.int64], fault: NDArray[np.int64], key: rng.Keys
    ) -> Records:
        """The records in their new order, with duplicates, and with those whose wait is over.

        `at_ms` is when each happened, whatever its timestamp says.
        """
        waits = np.isin(fault, [FAULTS.index(LATE), FAULTS.index(OUT_OF_ORDER)])
        stays = np.flatnonzero(~waits)
        self._let_in(records, np.flatnonzero(waits), fault, key)
        doubles = np.flatnonzero(fault == FAULTS.index(DUPLICATE)).tolist()
        added = [(at, _DOUBLE, self._labelled(records.one(at), DUPLICATE)) for at in doubles]
        # Nobody waits for a record whose own time is wrong.
        right = stays[fault[stays] != _SKEW]
        for at, waiter, name in self._let_out(records, right, at_ms):
            added.append((at, _BEHIND, self._labelled(waiter.record, name)))
        if not added and len(stays) == len(records):
            return records
        every = Records.joined([records.only(stays), *(record for _, _, record in added)])
        # Each of those added stands behind the record at its place; ties as they stand.
        place = [*stays.tolist(), *(at for at, _, _ in added)]
        rank = [_ITSELF] * len(stays) + [kind for _, kind, _ in added]
        return every.only(np.lexsort((rank, place)))

    def _let_in(
        self, records: Records, which: NDArray[np.int64], fault: NDArray[np.int64], key: rng.Keys
    ) -> None:
        late = fault[which] == FAULTS.index(LATE)
        span_ms = LEAST_LATE_MS + rng.uniform(key[which], 2) * (MOST_LATE_MS - LEAST_LATE_MS)
        due_ms = records.timestamp_ms[which] + np.where(late, span_ms, 0).astype(np.int64)
        for place, due in zip(which.tolist(), due_ms.tolist(), strict=True):
            room = self._rooms.setdefault((records.topic, int(records.partition[place])), WaitingRoom())
            room.waiters.append(Waiter(due, records.one(place)))

    def _let_out(
        self, records: Records, right: NDArray[np.int64], at_ms: NDArray[np.int64]
    ) -> list[tuple[int, Waiter, str]]:
        """Whose wait is over, each with the place of the record behind which it stands, and its fault."""
        released: list[tuple[int, Waiter, str]] = []
        partition = records.partition[right]
        for number in np.unique(partition).tolist():
            room = self._rooms.setdefault((records.topic, number), WaitingRoom())
            in_it = right[partition == number]
            called = room.called(at_ms[in_it])
            released += [(int(in_it[place]), waiter, name) for place, waiter, name in called]
        return released

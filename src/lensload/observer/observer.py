"""Observing: reading back what was produced, telling each event's latency and keeping the ledger.

The observer has a process, and so a GIL and a clock hand, of its own. It is assigned its partitions, and has
been answered for each, before the first event is due. A wake-up only fetches records and notes the time; they are
accounted for in bulk, since NumPy costs as much for two records as for a hundred.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from zlib import adler32

import numpy as np
from confluent_kafka import Message
from numpy.typing import NDArray

from lensload.batches.many_topics import stretch
from lensload.config.model import REQUESTS, RESPONSES
from lensload.delivery.bitmap import Page, PageKey
from lensload.delivery.streams import LENS, Streams
from lensload.delivery.tracker import OrderLedger, SequenceLedger
from lensload.encoding import wire
from lensload.kafka.live_reader import LiveReader
from lensload.kafka.reading import Place, header_of
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.leaders import Leaders
from lensload.metrics.stats import Stats
from lensload.service.offset_log import OffsetLog

if TYPE_CHECKING:
    from lensload.service.reader import ReplyReader

_MOST_GATHERED: Final = 4_096  # records that wait to be accounted for
_LONGEST_GATHERED_NS: Final = (
    100_000_000  # how long the first of them waits, while records of few topics come
)
_ASK_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Ours:
    """Which events are those of a run.

    Attributes:
        run_tag: the run's tag, as its ids carry it.
        streams: how its events are numbered.
    """

    run_tag: int
    streams: Streams = LENS


class Observer:
    """Reads partitions from their present end on, and accounts for every record of this run in them.

    Fetched records wait to be accounted for until there are 4,096 of them or the first has waited for 100 ms, or more
    with many topics; whoever
    takes the stats or the pages calls `account` first. What it finds goes into the stats, events by the second in which
    they were due: counts `observed` (distinct events), `duplicated` (each further sight), `reordered` (came behind a
    later one of its writer in the same partition) and `corrupt` by topic, totals `foreign` (records of other runs or
    programs), `deleted_before_read` (records gone before they could be read), `read_again` (records that came twice
    because the client had lost its place), `observer_troubles` (what the client complained of) and `untimed` (events of
    a partition that was added, from before it was taken up), and the stage `end_to_end`, by broker too while `leaders`
    knows any. Events due before second 0 are warm-up, counted as `warmup_observed` only.

    Attributes:
        leaders: of the partitions of all topics.

    Args:
        settings: librdkafka's properties.
        partitions: which partitions to read, by topic's name in the cluster.
        topics: the LENS topic of each such name.
        ours: which events are this run's.
        stats: where to account.
        replies: takes in requests and answers; None where no service under test answers.
        log: is told when the event at each offset was due; None where nobody asks.
        listen: is called before records are accounted for: it may set when measuring begins, if that has come by then.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        partitions: dict[str, list[int]],
        topics: dict[str, str],
        ours: Ours,
        stats: StatsBySecond,
        *,
        replies: "ReplyReader | None" = None,
        log: OffsetLog | None = None,
        listen: Callable[[], None] = lambda: None,
    ) -> None:
        self.leaders = Leaders(tuple(topics))
        self._topics = topics
        self._places: dict[str | None, int] = {name: place for place, name in enumerate(topics)}
        self._labels = list(topics.values())
        self._longest_gathered_ns = round(_LONGEST_GATHERED_NS * stretch(len(topics)))
        self._numbers = np.array([ours.streams.number(topic) for topic in self._labels])
        self._ours = ours
        self._stats = stats
        self._replies = replies
        self._log = log
        self._listen = listen
        self._sequences = SequenceLedger()
        self._orders = OrderLedger()
        self._next: dict[Place, int] = {}
        self._untimed_to: dict[tuple[int, int], int] = {}  # up to which offset of a partition that was added
        self._gathered: list[Message] = []
        self._stamps: list[tuple[int, int]] = []  # (how many were gathered by then, when)
        self._reader = LiveReader(settings, partitions, f"lensload-observer-{ours.run_tag}")

    def prove(self) -> None:
        """Take up the partitions at their present ends and wait until each has answered a fetch.

        Raises:
            ClusterError: a partition does not answer within 10 s.
        """
        self._next = self._reader.assign()
        self._reader.await_answers(self.watch)

    def take_up(self, places: Iterable[Place]) -> None:
        """Read more partitions, which did not exist before, from their beginnings on.

        What lies there already was not looked for when it came: it counts, and is not timed.

        Raises:
            ClusterError: a partition does not tell where it ends; none is taken up.
        """
        for place, end in self._reader.take_up(places).items():
            self._next[place] = 0
            self._untimed_to[self._places[place[0]], place[1]] = end

    def watch(self, timeout_s: float) -> int:
        """Take in what has come, waiting so long for the first of it; gives how many records."""
        if self._replies and self._replies.behind:
            self._replies.work()
            timeout_s = 0
        records, now_ns = self._reader.fetch(timeout_s)
        if records:
            self._gathered += records
            self._stamps.append((len(self._gathered), now_ns))
        if self._stamps and (
            len(self._gathered) >= _MOST_GATHERED or now_ns - self._stamps[0][1] >= self._longest_gathered_ns
        ):
            self.account()
        return len(records)

    def account(self) -> None:
        """Bring all records that were fetched into the stats and the ledger."""
        if not self._gathered:
            return
        self._listen()
        counts, stamps = zip(*self._stamps, strict=True)
        came_ns = np.repeat(np.array(stamps), np.diff(np.array([0, *counts])))
        records, self._gathered = self._gathered, []
        self._stamps.clear()
        self._account(records, came_ns)

    def take_notices(self) -> list[str]:
        """What went wrong since the last call, as sentences, each once."""
        troubles = self._reader.troubles.take()
        self._stats.timeless.add_total("observer_troubles", len(troubles))
        return troubles

    def take_pages(self, *, everything: bool = False) -> dict[PageKey, Page]:
        """What has been seen, for those who know all accounts; `everything` is for the last word."""
        return self._sequences.take_pages(everything=everything)

    def settle(self, keys: Iterable[PageKey]) -> None:
        """Forget these pages: all their events have been sent and seen."""
        self._sequences.settle(keys)

    def ends(self, timeout_s: float = _ASK_S) -> dict[Place, int]:
        """The present end of every partition.

        Raises:
            ClusterError: a partition does not tell its end, or not in time.
        """
        return self._reader.ends(timeout_s)

    def behind(self, ends: dict[Place, int]) -> int:
        """How many offsets lie between where we are and `ends`."""
        self.account()
        return sum(max(0, end - self._next[key]) for key, end in ends.items())

    def close(self) -> None:
        """Leave the cluster."""
        self._reader.close()

    def _account(self, records: list[Message], came_ns: NDArray[np.int64]) -> None:
        count = len(records)
        place = np.fromiter(
            map(self._places.__getitem__, map(Message.topic, records)), dtype=np.int64, count=count
        )
        partition = np.fromiter(map(Message.partition, records), dtype=np.int64, count=count)
        offset = np.fromiter(map(Message.offset, records), dtype=np.int64, count=count)
        fresh = self._follow(place, partition, offset)
        if not fresh.all():
            # The client lost its place and began anew: what it reads a second time was not written twice.
            self._stats.timeless.add_total("read_again", int(np.count_nonzero(~fresh)))
            kept = np.flatnonzero(fresh)
            records = [records[index] for index in kept.tolist()]
            place, partition, came_ns = place[kept], partition[kept], came_ns[kept]
        if not records:
            return
        if self._replies:
            answers = place == self._labels.index(RESPONSES)
            if answers.any():
                which, kept = np.flatnonzero(answers), np.flatnonzero(~answers)
                self._replies.take_answers([records[index] for index in which.tolist()], came_ns[which])
                records = [records[index] for index in kept.tolist()]
                place, partition, came_ns = place[kept], partition[kept], came_ns[kept]
        if records:
            self._account_events(records, place, partition, came_ns)

    def _account_events(
        self,
        records: list[Message],
        place: NDArray[np.int64],
        partition: NDArray[np.int64],
        came_ns: NDArray[np.int64],
    ) -> None:
        # A record without a value (a tombstone) is as little ours as one with another's bytes.
        values = [value or b"" for value in map(Message.value, records)]
        holders = self._holders(records, place, values)
        heads = self._ours.streams.heads_of_all(self._labels, place, holders)
        ours = heads.valid & (heads.readings.run_tag == self._ours.run_tag)
        if not ours.all():
            self._account_strange(place, ours, heads.valid)
        which = np.flatnonzero(ours)
        if self._log and len(which):
            mine = [records[index] for index in which.tolist()]
            self._note_offsets(self._log, mine, place[which], partition[which], heads.due_ns[which])
        if len(which):
            columns = _Columns(place, partition, came_ns, self._timed(records, place, partition))
            seals = np.fromiter(map(adler32, map(values.__getitem__, which.tolist())), np.uint32, len(which))
            doubled = self._account_ours(heads, seals, which, columns.of(which))
            if self._replies and REQUESTS in self._labels:
                asked = which[(place[which] == self._labels.index(REQUESTS)) & ~doubled]
                self._replies.take_requests(values, heads, asked, came_ns)

    def _holders(self, records: list[Message], place: NDArray[np.int64], values: list[bytes]) -> list[bytes]:
        """What holds the id of each record: its value, or a header of it where its topic has the ids in one."""
        id_headers = self._ours.streams.id_headers
        if not id_headers:
            return values
        holders = list(values)
        for number, topic in enumerate(self._labels):
            if topic in id_headers:
                for each in np.flatnonzero(place == number).tolist():
                    holders[each] = header_of(records[each], id_headers[topic])
        return holders

    def _timed(
        self, records: list[Message], place: NDArray[np.int64], partition: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether each record was looked for when it came: see `take_up`."""
        timed = np.ones(len(records), np.bool_)
        if self._untimed_to:
            offset = np.fromiter(map(Message.offset, records), np.int64, len(records))
            for (topic, number), end in self._untimed_to.items():
                timed &= ~((place == topic) & (partition == number) & (offset < end))
            self._stats.timeless.add_total("untimed", int(np.count_nonzero(~timed)))
            names = list(self._topics)
            self._untimed_to = {
                (topic, number): end
                for (topic, number), end in self._untimed_to.items()
                if self._next[names[topic], number] < end
            }
        return timed

    def _note_offsets(
        self,
        log: OffsetLog,
        records: list[Message],
        place: NDArray[np.int64],
        partition: NDArray[np.int64],
        due_ns: NDArray[np.int64],
    ) -> None:
        offset = np.fromiter(map(Message.offset, records), np.int64, len(records))
        names, key = list(self._topics), place << 32 | partition
        for each in np.unique(key).tolist():
            of_it = key == each
            log.enter((names[each >> 32], each & 0xFFFFFFFF), offset[of_it], due_ns[of_it])

    def _account_ours(
        self, heads: wire.Heads, seals: NDArray[np.uint32], which: NDArray[np.int64], columns: "_Columns"
    ) -> NDArray[np.bool_]:
        """Account for events of this run; which of them have been seen before?"""
        place, partition, came_ns, timed = columns
        due_ns, lane = heads.due_ns[which], heads.readings.lane[which]
        stream = self._ours.streams.numbers(lane, self._numbers[place])
        doubled = self._sequences.enter(stream, heads.readings.sequence[which], seals)
        reordered = self._orders.observe(stream, partition, due_ns) & ~doubled
        took_ns = came_ns - due_ns
        for second, part, due_then in self._stats.split(due_ns):
            again, behind, took_then_ns = doubled[due_then], reordered[due_then], took_ns[due_then]
            for number in np.unique(place[due_then]).tolist():
                topic, of_topic = self._labels[number], place[due_then] == number
                seen = of_topic & ~again
                if second < 0:
                    _count(part, topic, "warmup_observed", seen)
                    continue
                _count(part, topic, "observed", seen)
                _count(part, topic, "duplicated", of_topic & again)
                _count(part, topic, "reordered", of_topic & behind)
                seen &= timed[due_then]
                if seen.any():
                    part.record("end_to_end", topic, took_then_ns[seen])
        if self.leaders.known:
            seen = np.flatnonzero((due_ns >= self._stats.origin_ns) & ~doubled & timed)
            places = self.leaders.of(place[seen], partition[seen], due_ns[seen])
            self.leaders.record(self._stats.timeless, "end_to_end", places, took_ns[seen])
        return doubled

    def _account_strange(
        self, place: NDArray[np.int64], ours: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> None:
        # Whole LENS events of another run are foreign; what is no LENS event in our topics is corrupt.
        self._stats.timeless.add_total("foreign", int(np.count_nonzero(valid & ~ours)))
        for number, topic in enumerate(self._labels):
            _count(self._stats.timeless, topic, "corrupt", (place == number) & ~valid)

    def _follow(
        self, place: NDArray[np.int64], partition: NDArray[np.int64], offset: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Keep each partition's next offset, and count the offsets that were jumped over; which records are new?"""
        fresh = np.ones(len(offset), np.bool_)
        key = place << 32 | partition
        order = np.argsort(key, kind="stable")
        bounds = np.flatnonzero(np.diff(key[order])) + 1
        names = list(self._topics)
        for group in np.split(order, bounds):
            where = (names[place[group[0]]], int(partition[group[0]]))
            fresh[group] = offset[group] >= self._next[where]
            end = max(int(offset[group[-1]]) + 1, self._next[where])
            skipped = end - self._next[where] - int(np.count_nonzero(fresh[group]))
            if skipped > 0:
                self._stats.timeless.add_total("deleted_before_read", skipped)
            self._next[where] = end
        return fresh


def _count(part: Stats, topic: str, name: str, which: NDArray[np.bool_]) -> None:
    number = int(np.count_nonzero(which))
    if number:
        part.count(topic, name, number)


class _Columns(NamedTuple):
    """What is known of records beside their contents: topic's place, partition, when each came, and whether that counts."""

    place: NDArray[np.int64]
    partition: NDArray[np.int64]
    came_ns: NDArray[np.int64]
    timed: NDArray[np.bool_]

    def of(self, which: NDArray[np.int64]) -> "_Columns":
        """Those of some of the records."""
        return _Columns(self.place[which], self.partition[which], self.came_ns[which], self.timed[which])


def shares(found: dict[str, int], index: int, count: int) -> dict[str, list[int]]:
    """The partitions of `found` (partitions by topic) that observer `index` of `count` reads.

    All of them fall to exactly one observer.
    """
    every = [(name, number) for name, partitions in found.items() for number in range(partitions)]
    mine = every[index::count]
    return {name: [number for each, number in mine if each == name] for name in found}

"""Reading history: partitions from where the replay begins up to where they ended when it began.

Each offset is given once. Reading goes through a group, whose members share the partitions and whose offsets are
committed, or through none, which leaves nothing behind in the cluster.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, Message, TopicPartition

from lensload.errors import ClusterError, UsageError
from lensload.kafka import reading
from lensload.kafka.reading import Place, Silence, consumer_settings
from lensload.replay.batch import Batch
from lensload.replay.start import Start

_ASK_S: Final = 10.0


class Source:
    """Reads what is to be replayed.

    Args:
        settings: librdkafka's properties.
        partition_counts: the number of partitions of each topic, by name in the cluster.
        start: where to begin; None for the earliest offset, or where the group stopped.
        group: a consumer group; None for none.
        only: of which partitions alone to read; empty for all.
        follow: go on after the present ends.

    Attributes:
        skipped: offsets that held no message for us: compacted, transactional or deleted while we read.
        resumed: partitions in which the group had stopped earlier, and goes on from there.
        assigned: it is known which partitions are ours.
        grouped: reading goes through a group.
        follow: as given.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        partition_counts: Mapping[str, int],
        start: Start | None,
        *,
        group: str | None = None,
        only: Iterable[int] = (),
        follow: bool = False,
    ) -> None:
        self.skipped = 0
        self.resumed = 0
        self.topics = tuple(partition_counts)
        self._numbers = {name: number for number, name in enumerate(partition_counts)}
        wanted = set(only)
        self._wanted = [
            (name, number)
            for name, count in partition_counts.items()
            for number in range(count)
            if not wanted or number in wanted
        ]
        self._start = start
        self._group = group
        self.grouped = group is not None
        self.follow = follow
        self._begins: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self._next: dict[Place, int] = {}
        self._done: set[Place] = set()
        self._handled: dict[Place, int] = {}
        self._held: set[Place] = set()
        self._failure: Exception | None = None
        self.assigned = False
        self._silence = Silence()
        own = {"queued.max.messages.kbytes": 65_536, **settings}
        name = group or f"lensload-replay-{uuid.uuid4().hex}"
        self._consumer = Consumer(consumer_settings(own, group=name, to_the_end=True))

    def open(self) -> None:
        """Take up the partitions; with a group, wait until it has given us ours.

        Raises:
            UsageError: the start lies outside a partition, or the group has been elsewhere already.
            ClusterError: the cluster does not answer, or refuses.
        """
        with reading.refusals():
            if self._group is None:
                self._assign([TopicPartition(*place) for place in self._wanted], committed={})
            else:
                self._check_group()
                self._consumer.subscribe(
                    list(self.topics), on_assign=self._on_assign, on_revoke=self._on_revoke
                )
        self._silence.end()

    @property
    def done(self) -> bool:
        """All that was there when the replay began has been read."""
        return self.assigned and len(self._done) == len(self._ends)

    def batch(self, messages: Sequence[Message]) -> Batch:
        """Messages read earlier as a batch again."""
        return Batch.of(messages, self._numbers)

    def progress(self) -> tuple[int, int]:
        """How many offsets have been passed, and how many there are to pass."""
        total = sum(end - self._begins[place] for place, end in self._ends.items())
        passed = sum(min(self._next[place], end) - self._begins[place] for place, end in self._ends.items())
        return passed, total

    def open_places(self) -> list[Place]:
        """The partitions that are not read to their ends yet."""
        return [place for place in self._ends if place not in self._done]

    def read(self, at_most: int, timeout_s: float) -> Batch:
        """The next messages, waiting at most so long for them; perhaps none.

        Raises:
            UsageError: see `open`.
            ClusterError: the cluster refuses, or has been silent for 30 s though there is more to read.
        """
        came = reading.consume(self._consumer, at_most, timeout_s)
        if self._failure:
            raise self._failure
        messages = [message for message in came if message.error() is None]
        if came or self._held or self.follow or self.done:
            self._silence.end()
        else:
            self._silence.check(self._silent_one())
        batch = self._inside(Batch.of(messages, self._numbers))
        if len(messages) < len(came):
            self._meet_ends(came)
        return batch

    def hold(self, places: Iterable[Place]) -> None:
        """Read no more of these for now."""
        new = {place for place in places if place in self._ends} - self._held
        if new:
            self._consumer.pause([TopicPartition(*place) for place in new])
            self._held |= new

    def release(self, places: Iterable[Place]) -> None:
        """Go on reading these where they were held."""
        old = self._held.intersection(places)
        if old:
            self._consumer.resume([TopicPartition(*place) for place in old])
            self._held -= old

    def handled(self, batch: Batch) -> None:
        """These messages are dealt with: what `commit` commits."""
        if self._group is None:
            return
        for topic, partition, places in batch.partitions():
            self._handled[self.topics[topic], partition] = int(batch.offset[places].max()) + 1

    def commit(self) -> None:
        """Commit in the group what has been handled.

        Raises:
            ClusterError: the cluster does not take it.
        """
        if not self._handled:
            return
        offsets = [TopicPartition(*place, offset) for place, offset in self._handled.items()]
        with reading.refusals():
            self._consumer.commit(offsets=offsets, asynchronous=False)
        self._handled.clear()

    def close(self) -> None:
        """Leave the group and the cluster."""
        self._consumer.close()

    def _check_group(self) -> None:
        """A group that was somewhere already goes on from there, which a --start would contradict."""
        committed = self._committed([TopicPartition(*place) for place in self._wanted])
        if committed and self._start is not None:
            raise UsageError(
                f"The group {self._group} has been in {min(committed)[0]} before, and would go on from there.",
                "Give --group a new name to begin elsewhere, or leave out --start to go on.",
            )

    def _committed(self, partitions: list[TopicPartition]) -> dict[Place, int]:
        """Where the group has stopped, in the partitions in which it has been."""
        answers = self._consumer.committed(partitions, timeout=_ASK_S)
        return {(each.topic, each.partition): each.offset for each in answers if each.offset >= 0}

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # What is raised in here would come out of librdkafka as something else.
        try:
            with reading.refusals():
                committed = self._committed(partitions)
                self.resumed += len(committed)
                self._assign(partitions, committed)
        except (UsageError, ClusterError) as error:
            self._failure = error

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self.commit()
        except ClusterError as error:
            self._failure = error
        for each in partitions:
            place = each.topic, each.partition
            for known in (self._begins, self._ends, self._next):
                known.pop(place, None)
            self._done.discard(place)
            self._held.discard(place)

    def _assign(self, partitions: Sequence[TopicPartition], committed: Mapping[Place, int]) -> None:
        places = [(each.topic, each.partition) for each in partitions]
        starts = self._starts(places)
        lows = reading.offsets(self._consumer, places, OFFSET_BEGINNING, _ASK_S)
        ends = reading.offsets(self._consumer, places, OFFSET_END, _ASK_S)
        for each, place in zip(partitions, places, strict=True):
            low, end = lows[place], ends[place]
            begin = committed.get(place, starts.get(place, low))
            if place not in committed:
                self._check_offset(place, low, end)
            # A committed offset may have been deleted since, or lie behind the end of a topic made anew.
            begin = min(max(begin, low), end) if begin >= 0 else end
            self._begins[place], self._next[place], self._ends[place] = begin, begin, end
            if begin >= end:
                self._done.add(place)
            each.offset = begin
        self._consumer.assign(list(partitions))
        # What is read to its end is not fetched any more; following goes on.
        if not self.follow and self._done:
            self._consumer.pause([TopicPartition(*place) for place in self._done])
        self.assigned = True

    def _starts(self, places: Sequence[Place]) -> dict[Place, int]:
        """Where the start lies in each partition; -1 for behind its last message; none for the earliest."""
        if self._start is None or self._start.kind == "earliest":
            return {}
        if self._start.kind == "offset":
            return dict.fromkeys(places, self._start.value)
        return reading.offsets(self._consumer, places, self._start.value, _ASK_S)

    def _check_offset(self, place: Place, low: int, end: int) -> None:
        if self._start is None or self._start.kind != "offset" or low <= self._start.value <= end:
            return
        offsets = f"offsets {low} to {end - 1}" if end > low else "no messages"
        raise UsageError(
            f"Partition {place[1]} of {place[0]} holds {offsets}; --start offset:{self._start.value} is outside.",
            "Give --partition to read only where it lies, or --start earliest or a time.",
        )

    def _inside(self, batch: Batch) -> Batch:
        """The messages that are to be replayed: none twice, none from behind the ends."""
        inside = np.ones(len(batch), dtype=bool)
        finished: list[Place] = []
        for topic, partition, rows in batch.partitions():
            place = self.topics[topic], partition
            offsets = batch.offset[rows]
            if place not in self._ends or (place in self._done and not self.follow):
                inside[rows] = False
                continue
            wanted = offsets >= self._next[place]
            if not self.follow:
                wanted &= offsets < self._ends[place]
            inside[rows] = wanted
            last = int(offsets[-1]) + 1
            if last > self._next[place]:
                upto = last if self.follow else min(last, self._ends[place])
                self.skipped += upto - self._next[place] - int(np.count_nonzero(wanted))
                self._next[place] = upto
            if last >= self._ends[place] and place not in self._done:
                finished.append(place)
        self._finish(finished)
        return batch.only(inside)

    def _finish(self, places: list[Place]) -> None:
        self._done.update(places)
        if places and not self.follow:
            self._consumer.pause([TopicPartition(*place) for place in places])

    def _meet_ends(self, came: Iterable[Message]) -> None:
        """Partitions may end in offsets that hold no message, so that nothing but this tells their end."""
        for message in came:
            if not reading.ends_partition(message):
                continue
            place = reading.place_of(message)
            end = self._ends.get(place)
            if end is not None and place not in self._done and (message.offset() or 0) >= end:
                self.skipped += end - self._next[place]
                self._next[place] = end
                self._finish([place])

    def _silent_one(self) -> str:
        place = self.open_places()[:1]
        return f"Partition {place[0][1]} of {place[0][0]}" if place else "The group's coordinator"

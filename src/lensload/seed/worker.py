"""A worker: one process that plays the whole history, and writes the partitions that are its own.

It is started by `lensload.seed.job` with the descriptor of a link: `python -m lensload.seed.worker FD`. The messages
on that link are, in this order (seed/messages.py has those that only a seed has):

    SeedOrder ->                what to do
              <- Ready          what is there already is what would have been written
    StartSeed ->
              <- Progress       how much has been written so far; Notice: what the client complains of
    Drain     ->                stop, and finish what is under way
              <- SeedDrained    the end, with digests and counts; or Refused
"""

import gc
import time
from typing import Final

from lensload.errors import UsageError
from lensload.kafka import connection
from lensload.kafka.reading import Place
from lensload.processes.child import serve
from lensload.processes.link import Link
from lensload.processes.messages import Drain, Message, Notice, Ready
from lensload.seed import writer
from lensload.seed.actuals import Actuals
from lensload.seed.digest import PartitionDigest
from lensload.seed.fingerprints import fingerprint
from lensload.seed.messages import Progress, SeedDrained, SeedOrder, StartSeed
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream
from lensload.seed.records import Records
from lensload.seed.writer import Writer

_REPORT_S: Final = 0.2
_LISTEN_S: Final = 0.05


class _Stopped(Exception):  # noqa: N818 - it has been asked for
    """Control wants no more."""


class Worker:
    """Plays a plan, and writes what it owns of it.

    Args:
        link: to the job.
        order: what to do.
    """

    def __init__(self, link: Link, order: SeedOrder) -> None:
        self._link = link
        topics = order.topics
        counts = {topic: len(each["written"]) for topic, each in topics.items()}
        self._names = {topic: str(each["name"]) for topic, each in topics.items()}
        self._partitions = Partitioner(counts, order.worker, order.workers)
        self._own = [(topic, number) for topic in topics for number in self._partitions.mine(topic)]
        self._written_before: dict[Place, int] = {
            (topic, number): int(topics[topic]["written"][number]) for topic, number in self._own
        }
        self._fingerprints: dict[Place, list[bytes]] = {
            (topic, number): topics[topic]["fingerprints"][number] for topic, number in self._own
        }
        config = order.config
        own = connection.client_settings(config.cluster, str(config.cluster.bootstrap_servers))
        self._settings = writer.settings(own, config.producer.compression, order.most_bytes)
        schema_ids = {topic: int(each["schema_id"]) for topic, each in topics.items()}
        self._digests = {place: PartitionDigest(schema_ids[place[0]]) for place in self._own}
        self._stream = RecordStream(Plan.from_dict(order.plan), schema_ids, self._partitions)
        self._writer: Writer | None = None
        self._written = dict.fromkeys(topics, 0)
        self._looked_s = self._reported_s = time.monotonic()

    def run(self) -> None:
        """Do it all.

        Raises:
            LensloadError: the cluster refuses, or holds something else.
            LinkClosed: control has gone.
        """
        if any(self._fingerprints.values()):
            self._compare_fingerprints()
        self._link.send(Ready({}))
        while (envelope := self._link.receive()) is None or not envelope.holds(StartSeed):
            if envelope is not None and envelope.holds(Drain):
                self._link.send(SeedDrained(complete=False))
                return
        self._writer = Writer(self._settings, self._names, self._listen)
        realised, faults = Actuals(), self._stream.faults()
        try:
            for records in self._stream.records(realised, faults):
                self._ship(records)
                self._listen()
            self._writer.flush()
        except _Stopped:
            self._writer.flush_for(5.0)
            self._link.send(SeedDrained(complete=False))
            return
        self._report()
        partitions = [(*place, *_facts(digest)) for place, digest in self._digests.items()]
        self._link.send(SeedDrained(True, partitions, realised.as_dict(), faults.as_dict()))

    def _ship(self, records: Records) -> None:
        assert self._writer is not None  # noqa: S101 - `run` has made it
        for number, part in records.by_partition():
            place = (records.topic, number)
            digest = self._digests[place]
            earlier = self._written_before[place] - digest.count
            digest.add(part.keys, part.values, part.timestamp_ms.tolist(), part.headers)
            new = part.behind(earlier) if earlier > 0 else part
            self._writer.write(number, new)
            self._written[records.topic] += len(new)

    def _compare_fingerprints(self) -> None:
        """See whether the last records that are there are what would have been written."""
        passed = dict.fromkeys(self._own, 0)
        left = {place for place in self._own if self._fingerprints[place]}
        for records in self._stream.records():
            for number, part in records.by_partition():
                place = (records.topic, number)
                begin = self._written_before[place] - len(self._fingerprints[place])
                for at in range(
                    max(0, begin - passed[place]), min(len(part), self._written_before[place] - passed[place])
                ):
                    is_ours = fingerprint(
                        part.keys[at], part.values[at], int(part.timestamp_ms[at]), part.headers.get(at)
                    )
                    if self._fingerprints[place][passed[place] + at - begin] != is_ours:
                        raise self._other_data(place, passed[place] + at)
                passed[place] += len(part)
                if passed[place] >= self._written_before[place]:
                    left.discard(place)
            if not left:
                return
        raise self._other_data(min(left), passed[min(left)])

    def _other_data(self, place: Place, count: int) -> UsageError:
        return UsageError(
            f"Partition {place[1]} of {self._names[place[0]]} holds something else behind the first {count:,}"
            " records of this seed.",
            "Somebody else has written there: begin anew with --recreate, or another --topic-prefix.",
        )

    def _listen(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < _LISTEN_S:
            return
        self._looked_s = now_s
        if (envelope := self._link.receive(0)) is not None and envelope.holds(Drain):
            raise _Stopped
        if now_s - self._reported_s >= _REPORT_S and self._writer is not None:
            self._report()

    def _report(self) -> None:
        assert self._writer is not None  # noqa: S101 - nobody reports before it is there
        self._reported_s = time.monotonic()
        acked = max(0, sum(self._written.values()) - self._writer.waiting())
        self._link.send(Progress(acked))
        for text in self._writer.take_notices():
            self._link.send(Notice(text))


def _facts(digest: PartitionDigest) -> tuple[int, str, int, int | None, int | None]:
    hexed = digest.done()
    return digest.count, hexed, digest.bytes, digest.first_timestamp_ms, digest.last_timestamp_ms


def _work(link: Link, order: Message) -> None:
    if isinstance(order, SeedOrder):
        worker = Worker(link, order)
        gc.freeze()
        worker.run()


if __name__ == "__main__":
    serve(_work)

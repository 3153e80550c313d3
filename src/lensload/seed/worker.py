"""A worker: one process that plays the whole history, and writes the partitions that are its own.

It is started by `lensload.seed.job` with the descriptor of a link: `python -m lensload.seed.worker FD`. The messages
on that link are, in this order (seed/messages.py has those that only a seed has):

    SeedOrder ->                what to do
              <- Ready          the world is made, and writing begins
              <- Progress       how much has been written so far; Notice: what the client complains of
    Drain     ->                stop, and finish what is under way
              <- SeedDrained    the end, with digests and counts; or Refused
"""

import time
from typing import Final

from lensload.kafka import connection
from lensload.kafka.reading import Place
from lensload.processes import lasting
from lensload.processes.child_main import serve
from lensload.processes.envelope import Message
from lensload.processes.link import Link
from lensload.processes.messages import Drain, Notice, Ready
from lensload.seed import writer
from lensload.seed.digest import PartitionDigest
from lensload.seed.messages import Progress, SeedDrained, SeedOrder
from lensload.seed.partitioner import Partitioner
from lensload.seed.plan import Plan
from lensload.seed.record_stream import RecordStream
from lensload.seed.records import Records
from lensload.seed.schemas import key_schemas
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
        names = {topic: str(each["name"]) for topic, each in topics.items()}
        plan = Plan.from_dict(order.plan)
        keys = key_schemas(plan, {topic: each["key_schema_id"] for topic, each in topics.items()})
        self._partitions = Partitioner(counts, order.worker, order.workers, keys)
        self._own = [(topic, number) for topic in topics for number in self._partitions.mine(topic)]
        self._written_before: dict[Place, int] = {
            (topic, number): int(topics[topic]["written"][number]) for topic, number in self._own
        }
        config = order.config
        own = connection.client_settings(config.cluster)
        settings = writer.settings(own, config.producer.compression, order.most_bytes)
        self._writer = Writer(settings, names, self._listen)
        schema_ids = {topic: int(each["schema_id"]) for topic, each in topics.items()}
        self._digests = {place: PartitionDigest(schema_ids[place[0]]) for place in self._own}
        self._stream = RecordStream(plan, schema_ids, self._partitions)
        self._written = dict.fromkeys(topics, 0)
        self._looked_s = self._reported_s = time.monotonic()

    def run(self) -> None:
        """Do it all.

        Raises:
            LensloadError: the cluster refuses, or holds something else.
            LinkClosed: control has gone.
        """
        self._link.send(Ready({}))
        realised, faults = self._stream.actuals(), self._stream.faults()
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
        partitions = [(*place, digest.facts()) for place, digest in self._digests.items()]
        self._link.send(SeedDrained(True, partitions, realised.as_dict(), faults.as_dict()))

    def _ship(self, records: Records) -> None:
        for number, part in records.by_partition():
            place = (records.topic, number)
            digest = self._digests[place]
            earlier = self._written_before[place] - digest.count
            digest.add(part.keys, part.values, part.timestamp_ms.tolist(), part.headers)
            new = part.behind(earlier) if earlier > 0 else part
            self._writer.write(number, new)
            self._written[records.topic] += len(new)

    def _listen(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < _LISTEN_S:
            return
        self._looked_s = now_s
        if (envelope := self._link.receive(0)) is not None and envelope.holds(Drain):
            raise _Stopped
        if now_s - self._reported_s >= _REPORT_S:
            self._report()

    def _report(self) -> None:
        self._reported_s = time.monotonic()
        acked = max(0, sum(self._written.values()) - self._writer.waiting())
        self._link.send(Progress(acked))
        for text in self._writer.take_notices():
            self._link.send(Notice(text))


def _work(link: Link, order: Message) -> None:
    if isinstance(order, SeedOrder):
        worker = Worker(link, order)
        lasting.end()
        worker.run()


if __name__ == "__main__":
    serve(_work)

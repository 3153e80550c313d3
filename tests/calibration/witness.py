"""What lies in the topics, read by a consumer that shares no code with lensload's observer."""

import io
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from lensload.schema import definitions
from tests.harness.kafka import Kafka
from tests.harness.kafka.cluster import Cluster
from tests.support.topic_reader import read_from

PARSED = {name: schema.parsed for name, schema in definitions.load().items()}
STALE = (KafkaError._DESTROY_BROKER, KafkaError._TIMED_OUT)  # noqa: SLF001  # public, whatever their names
QUIET_S = 0.7  # more than a fetch waits at the broker by default


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record of a topic.

    Attributes:
        topic: LENS's name of it, without a prefix.
        partition: where.
        append_ms: its timestamp in Kafka.
        key: its key.
        value: its bytes.
    """

    topic: str
    partition: int
    append_ms: int
    key: bytes
    value: bytes

    @property
    def id(self) -> uuid.UUID:
        """The event's id: the first field of every LENS record, a string of 36 characters."""
        return uuid.UUID(self.value[6:42].decode())

    @property
    def lane(self) -> int:
        """Who wrote it, by the id."""
        return self.id.int >> 36 & 0xFFF

    @property
    def sequence(self) -> int:
        """Which of its lane's events of its topic, by the id."""
        return self.id.int & (1 << 36) - 1

    @property
    def due_ms(self) -> float:
        """When it was due: the record's own timestamp, and the id's fraction of a millisecond."""
        record: Any = fastavro.schemaless_reader(io.BytesIO(self.value[5:]), PARSED[self.topic], None)
        return float(record["timestamp"]) + (self.id.int >> 64 & 0xFFF) / 4096


class Witness:
    """Reads and creates the five topics under a prefix.

    Args:
        kafka: the broker or cluster, reached directly.
        prefix: of the topics.
    """

    def __init__(self, kafka: Kafka | Cluster, prefix: str = "") -> None:
        self.prefix = prefix
        self._bootstrap_servers = kafka.bootstrap_servers
        self._settings: dict[str, Any] = {"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0}
        self.admin = AdminClient(self._settings)

    def create(self, partitions: int, names: Iterable[str] = tuple(PARSED), **config: str) -> None:
        """Have topics, by default LENS's, before a run that would create them in its own way."""
        topics = [NewTopic(self.prefix + name, partitions, 1, config=config) for name in names]
        for created in self.admin.create_topics(topics).values():
            created.result(timeout=30)

    def ends(self) -> dict[tuple[str, int], tuple[int, int]]:
        """The first and the next offset of every partition, by topic (with its prefix) and number."""
        deadline_s = time.monotonic() + 60
        while True:
            try:
                return self._ends()
            except KafkaException as error:
                # A client that knew a broker which was killed goes on asking it; another one asks those that are left.
                if error.args[0].code() not in STALE or time.monotonic() > deadline_s:
                    raise

    def _ends(self) -> dict[tuple[str, int], tuple[int, int]]:
        consumer = self._consumer()
        try:
            found = consumer.list_topics(timeout=30).topics
            places = [
                (self.prefix + name, number)
                for name in PARSED
                for number in found[self.prefix + name].partitions
            ]
            return {
                place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=5) for place in places
            }
        finally:
            consumer.close()

    def quiet(self, timeout_s: float = 20) -> dict[tuple[str, int], tuple[int, int]]:
        """Wait until nothing has been written for a while; gives the ends."""
        ends, since_s = self.ends(), time.monotonic()
        deadline_s = since_s + timeout_s
        while time.monotonic() - since_s < QUIET_S:
            assert time.monotonic() < deadline_s, "somebody goes on writing"
            time.sleep(0.05)
            now = self.ends()
            if now != ends:
                ends, since_s = now, time.monotonic()
        return ends

    def delete(self, ends: dict[tuple[str, int], tuple[int, int]]) -> None:
        """Have the broker delete all records up to some ends."""
        wanted = [TopicPartition(*place, end) for place, (_, end) in ends.items()]
        for deleted in self.admin.delete_records(wanted).values():
            deleted.result(timeout=30)

    def read(self, since: dict[tuple[str, int], int] | None = None) -> list[Sighting]:
        """All records that lie in the topics now, or those from some offsets on; partition by partition, each in order."""
        places = [
            TopicPartition(*place, max(first, (since or {}).get(place, 0)))
            for place, (first, _) in self.ends().items()
        ]
        found = [self._sighting(each) for each in read_from(self._bootstrap_servers, places)]
        return sorted(found, key=lambda each: (each.topic, each.partition))

    def _sighting(self, message: Message) -> Sighting:
        return Sighting(
            str(message.topic()).removeprefix(self.prefix),
            int(message.partition() or 0),
            message.timestamp()[1],
            message.key() or b"",
            message.value() or b"",
        )

    def _consumer(self) -> Consumer:
        return Consumer({**self._settings, "group.id": "witness", "enable.auto.commit": False})

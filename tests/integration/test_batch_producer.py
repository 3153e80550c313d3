"""librdkafka's batch interface, called through ctypes: records arrive as they were given, and each gets its one report."""

import ctypes
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from numpy.typing import NDArray

from lensload.encoding.packed import Packed
from lensload.errors import LensloadError
from lensload.kafka.batch_producer import ROOM, BatchProducer
from lensload.kafka.embedded import EmbeddedCluster
from lensload.kafka.message_table import Messages
from tests.support.topic_reader import read_to_end

COUNT = 500
VALUES = [bytes([number % 256]) * (number % 300) for number in range(COUNT)]  # an empty one too
KEYS = [b"user_%d" % number for number in range(COUNT)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


HEADERS = {
    "lensload-id": [b"%036d" % number for number in range(COUNT)],
    "source": [b"web"] * COUNT,
    "größe": [
        bytes([number % 256]) * (number % 7) for number in range(COUNT)
    ],  # an empty one, and zeros in some
}


def table_of(
    values: Sequence[bytes],
    keys: Sequence[bytes | None],
    opaques: NDArray[np.uint64],
    headers: Mapping[str, Sequence[bytes]] | None = None,
) -> Messages:
    packed = {name: Packed.of(texts) for name, texts in (headers or {}).items()}
    return Messages(Packed.of(values), Packed.of(keys), opaques, packed)


def messages(headers: dict[str, list[bytes]] | None = None) -> Messages:
    return table_of(VALUES, KEYS, np.arange(COUNT, dtype=np.uint64) + np.uint64(1 << 60), headers)


def producer(
    servers: str, on_error: Callable[[KafkaError], object] = print, **settings: Any
) -> BatchProducer:
    own = {name.replace("_", "."): value for name, value in settings.items()}
    shared = {"bootstrap.servers": servers, "partitioner": "murmur2_random", "enable.idempotence": True}
    return BatchProducer({**shared, **own}, on_error, lambda _: None)


def read(cluster: EmbeddedCluster, topic: str) -> set[tuple[int, bytes, bytes]]:
    """Partition, key and value of each record of a topic."""
    return {
        (message.partition() or 0, bytes(message.key() or b""), message.value() or b"")
        for message in read_to_end(cluster.bootstrap_servers, [topic], 4)
    }


def test_records_arrive_as_another_producer_would_have_sent_them(cluster: EmbeddedCluster):
    """Keys, values and partitions are those of confluent-kafka's own Producer; every opaque number comes back once."""
    batch = producer(cluster.bootstrap_servers)
    began_ns = time.time_ns()
    half = batch.produce("batch", messages(), 0, COUNT // 2)
    rest = batch.produce("batch", messages(), COUNT // 2, COUNT)
    assert half == rest == (COUNT // 2, [])
    assert batch.flush(10) == 0
    reports = batch.take_reports()
    batch.close()
    assert sorted(reports.opaques.tolist()) == messages().table["opaque"].tolist()
    assert not reports.errors.any()
    assert not reports.failed
    assert ((reports.came_ns > began_ns) & (reports.came_ns < time.time_ns())).all()
    one = Producer({"bootstrap.servers": cluster.bootstrap_servers, "partitioner": "murmur2_random"})
    for value, key in zip(VALUES, KEYS, strict=True):
        one.produce("one", value, key)
    assert one.flush(10) == 0
    assert read(cluster, "batch") == read(cluster, "one")


def test_headers_arrive_as_another_producer_would_have_sent_them(cluster: EmbeddedCluster):
    """Names, bytes and order of headers, keys, values and partitions are those of confluent-kafka's own Producer."""
    batch = producer(cluster.bootstrap_servers)
    half = batch.produce("headers", messages(HEADERS), 0, COUNT // 2)
    rest = batch.produce("headers", messages(HEADERS), COUNT // 2, COUNT)
    assert half == rest == (COUNT // 2, [])
    assert batch.flush(10) == 0
    reports = batch.take_reports()
    batch.close()
    assert sorted(reports.opaques.tolist()) == messages().table["opaque"].tolist()
    assert not reports.errors.any()
    one = Producer({"bootstrap.servers": cluster.bootstrap_servers, "partitioner": "murmur2_random"})
    for number, (value, key) in enumerate(zip(VALUES, KEYS, strict=True)):
        one.produce(
            "one-headers", value, key, headers=[(name, texts[number]) for name, texts in HEADERS.items()]
        )
    assert one.flush(10) == 0
    both = [
        {
            bytes(message.key() or b""): (message.partition(), message.value(), message.headers())
            for message in read_to_end(cluster.bootstrap_servers, [topic], 4)
        }
        for topic in ("headers", "one-headers")
    ]
    assert len(both[0]) == COUNT
    assert both[0] == both[1]


@pytest.mark.parametrize("headers", [{}, {"h": [b"x"] * 4}])
def test_no_key_is_no_key(cluster: EmbeddedCluster, headers: dict[str, list[bytes]]):
    """A record without a key arrives without one, which is not the same as an empty key."""
    batch = producer(cluster.bootstrap_servers)
    keys = [b"a", None, b"", None]
    topic = f"keys-{len(headers)}"
    table = table_of([b"0", b"1", b"2", b"3"], keys, np.arange(4, dtype=np.uint64), headers)
    batch.produce(topic, table, 0, 4)
    assert batch.flush(10) == 0
    batch.close()
    read = read_to_end(cluster.bootstrap_servers, [topic], 4)
    assert {message.value(): message.key() for message in read} == {
        b"%d" % n: key for n, key in enumerate(keys)
    }


@pytest.mark.parametrize("headers", [{}, HEADERS])
def test_what_fails_comes_back_with_its_contents_and_reason(headers: dict[str, list[bytes]]):
    """Records that no broker ever took are reported as purged, with what they held; and the client says why."""
    errors: list[KafkaError] = []
    batch, table = producer("127.0.0.1:1", errors.append), messages(headers)
    assert batch.produce("t", table, 0, COUNT) == (COUNT, [])
    while not errors:
        batch.serve(0.1)
    assert len(batch) == COUNT
    batch.purge()
    assert batch.flush(10) == 0
    reports = batch.take_reports()
    batch.close()
    assert errors[0].name() in {"_TRANSPORT", "_ALL_BROKERS_DOWN"}
    assert set(reports.errors.tolist()) == {KafkaError._PURGE_QUEUE}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    failed = dict(zip(reports.opaques.tolist(), reports.failed, strict=True))
    told = [{name: texts[number] for name, texts in headers.items()} for number in range(COUNT)]
    assert failed == dict(zip(table.table["opaque"].tolist(), zip(VALUES, told, strict=True), strict=True))


@pytest.mark.parametrize("headers", [{}, HEADERS])
@pytest.mark.parametrize("room", [{"queue_buffering_max_messages": 50}, {"queue_buffering_max_kbytes": 8}])
def test_more_than_the_queue_holds_is_left_to_the_caller(
    cluster: EmbeddedCluster, room: dict[str, Any], headers: dict[str, list[bytes]]
):
    """A full queue takes the first of the records and no later one, so that none overtakes; taking reports makes room."""
    batch = producer(cluster.bootstrap_servers, **room)
    done, calls, table = 0, 0, messages(headers)
    while done < COUNT:
        taken, refused = batch.produce("full", table, done, COUNT)
        assert not refused
        assert taken < COUNT
        done, calls = done + taken, calls + 1
        batch.serve(0.01)
        batch.take_reports()
    assert batch.flush(10) == 0
    batch.close()
    assert calls > 5


def test_a_client_that_has_less_room_than_is_known_leaves_the_rest_to_the_caller(cluster: EmbeddedCluster):
    """Where librdkafka says that its queue is full, no record is skipped and none is refused for it."""
    batch = producer(cluster.bootstrap_servers, queue_buffering_max_messages=50, linger_ms=1000)
    batch._most_messages = COUNT  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert batch.produce("room", messages(HEADERS), 0, COUNT) == (50, [])
    assert batch.flush(10) == 0
    assert len(batch.take_reports().opaques) == 50
    assert batch._held_bytes == 0  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    batch.close()


def test_any_number_of_reports_may_gather(cluster: EmbeddedCluster):
    """Records that were reported on have a place in the queue until their reports are taken, and each has its one report."""
    count = 3 * ROOM
    table = table_of([b"value"] * count, [None] * count, np.arange(count, dtype=np.uint64))
    batch = producer(cluster.bootstrap_servers)
    assert batch.produce("gathered", table, 0, count) == (count, [])
    assert (batch.held, batch.flush(10), batch.reported, batch.held) == (count, 0, count, count)
    reports = batch.take_reports()
    assert (len(batch), batch.reported, batch.held) == (0, 0, 0)
    batch.close()
    assert sorted(reports.opaques.tolist()) == list(range(count))
    assert len(reports.came_ns) == len(reports.errors) == count
    assert not reports.errors.any()


@pytest.mark.parametrize("headers", [{}, {"h": [b"x", b"y", b"z"]}])
def test_a_record_that_is_too_large_is_refused_alone(
    cluster: EmbeddedCluster, headers: dict[str, list[bytes]]
):
    """The client names the record that it does not take, and takes its neighbours."""
    batch = producer(cluster.bootstrap_servers, message_max_bytes=1_000)
    table = table_of([b"a", bytes(2_000), b"c"], [b"k"] * 3, np.arange(3, dtype=np.uint64), headers)
    taken, ((place, error),) = batch.produce("large", table, 0, 3)
    assert (taken, place, error.name()) == (3, 1, "MSG_SIZE_TOO_LARGE")
    assert batch.flush(10) == 0
    assert sorted(batch.take_reports().opaques.tolist()) == [0, 2]
    batch.close()


def test_a_wrong_property_is_named(cluster: EmbeddedCluster):
    """What librdkafka does not take is an error like that of confluent-kafka's Producer."""
    with pytest.raises(KafkaException, match="acks"):
        producer(cluster.bootstrap_servers, acks="many")


def test_a_library_that_hides_its_functions_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch):
    """Another build of confluent-kafka ends in a sentence with what to install, not in a traceback."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    with pytest.raises(LensloadError, match="rd_kafka_"):
        producer("127.0.0.1:1")

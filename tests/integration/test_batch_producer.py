"""librdkafka's batch interface, called through ctypes: records arrive as they were given, and each gets its one report."""

import ctypes
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from lensload.encoding.packed import Packed
from lensload.errors import LensloadError
from lensload.kafka.batch_producer import BatchProducer, Messages
from lensload.kafka.embedded import EmbeddedCluster
from tests.support.topic_reader import read_to_end

COUNT = 500
VALUES = [bytes([number % 256]) * (number % 300) for number in range(COUNT)]  # an empty one too
KEYS = [b"user_%d" % number for number in range(COUNT)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


def messages() -> Messages:
    return Messages(
        Packed.of(VALUES), Packed.of(KEYS), np.arange(COUNT, dtype=np.uint64) + np.uint64(1 << 60)
    )


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
    assert not reports.failed_values
    assert ((reports.came_ns > began_ns) & (reports.came_ns < time.time_ns())).all()
    one = Producer({"bootstrap.servers": cluster.bootstrap_servers, "partitioner": "murmur2_random"})
    for value, key in zip(VALUES, KEYS, strict=True):
        one.produce("one", value, key)
    assert one.flush(10) == 0
    assert read(cluster, "batch") == read(cluster, "one")


def test_no_key_is_no_key(cluster: EmbeddedCluster):
    """A record without a key arrives without one, which is not the same as an empty key."""
    batch = producer(cluster.bootstrap_servers)
    keys = [b"a", None, b"", None]
    values = Packed.of([b"0", b"1", b"2", b"3"])
    batch.produce("keys", Messages(values, Packed.of(keys), np.arange(4, dtype=np.uint64)), 0, 4)
    assert batch.flush(10) == 0
    batch.close()
    read = read_to_end(cluster.bootstrap_servers, ["keys"], 4)
    assert {message.value(): message.key() for message in read} == {
        b"%d" % n: key for n, key in enumerate(keys)
    }


def test_what_fails_comes_back_with_its_value_and_reason():
    """Records that no broker ever took are reported as purged, with what they held; and the client says why."""
    errors: list[KafkaError] = []
    batch = producer("127.0.0.1:1", errors.append)
    assert batch.produce("t", messages(), 0, COUNT) == (COUNT, [])
    while not errors:
        batch.serve(0.1)
    assert len(batch) == COUNT
    batch.purge()
    assert batch.flush(10) == 0
    reports = batch.take_reports()
    batch.close()
    assert errors[0].name() in {"_TRANSPORT", "_ALL_BROKERS_DOWN"}
    assert set(reports.errors.tolist()) == {KafkaError._PURGE_QUEUE}  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    values = dict(zip(reports.opaques.tolist(), reports.failed_values, strict=True))
    assert values == dict(zip(messages().table["opaque"].tolist(), VALUES, strict=True))


@pytest.mark.parametrize("room", [{"queue_buffering_max_messages": 50}, {"queue_buffering_max_kbytes": 8}])
def test_more_than_the_queue_holds_is_left_to_the_caller(cluster: EmbeddedCluster, room: dict[str, Any]):
    """A full queue takes the first of the records and no later one, so that none overtakes; taking reports makes room."""
    batch = producer(cluster.bootstrap_servers, **room)
    done, calls, table = 0, 0, messages()
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


def test_a_record_that_is_too_large_is_refused_alone(cluster: EmbeddedCluster):
    """The client names the record that it does not take, and takes its neighbours."""
    batch = producer(cluster.bootstrap_servers, message_max_bytes=1_000)
    table = Messages(
        Packed.of([b"a", bytes(2_000), b"c"]), Packed.of([b"k"] * 3), np.arange(3, dtype=np.uint64)
    )
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

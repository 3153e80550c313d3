"""A workload whose ids are in a record header: as exactly accounted for as one whose ids are in a field."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from confluent_kafka import Message, Producer

from lensload import ids
from lensload.delivery.bitmap import counted
from lensload.delivery.streams import Streams
from lensload.encoding import stopwatch
from lensload.encoding.encoders import Encoded, FragmentEncoder
from lensload.encoding.packed import Packed
from lensload.generator.producer import PacedProducer
from lensload.kafka.batch_producer import BatchProducer
from lensload.kafka.embedded import EmbeddedCluster
from lensload.kafka.message_table import Messages
from lensload.kafka.produce_arguments import Arguments
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.by_second import StatsBySecond
from lensload.observer.observer import Observer, Ours
from lensload.workload.source import WorkloadSource
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, wait_until
from tests.support.topic_reader import read_to_end
from tests.support.workloads import record, workload, written

TICK = record("Tick", bid="double", volume="long")
ID, TAG, MS = "lensload-id", 5, 1_000_000
TABLE = {"stopwatch": {"header": ID}, "headers": {"source": "web"}}
TEXT = """
[topics.ticks]
schema = "tick.avsc"
share = 2
stopwatch = { header = "lensload-id" }
[topics.ticks.headers]
source = "web"
venue = { choice = ["XETRA", "NYSE"] }
[topics.orders]
schema = "order.avsc"
stopwatch = "id"
"""
LOAD = ("--rate", "1000", "--duration", "3s", "--warmup", "1s", "--partitions", "3")
MIN = ("--min-events", "1", "--min-measured", "1s")


def made(count: int, *, tag: int = TAG) -> tuple[Streams, Encoded]:
    """Events that were due a moment ago, and how they are read."""
    of = workload({"ticks": TICK}, topics={"ticks": TABLE})
    start_ns = (time.time_ns() - 50 * MS) // MS * MS
    (batch,) = WorkloadSource(of, (3,), run_tag=tag).events_at(start_ns + 1_000 * np.arange(count))
    streams = Streams.of(("ticks",), stopwatch.readers(of), stopwatch.id_headers(of))
    return streams, FragmentEncoder({"ticks": TICK}, {"ticks": 1}).encode(batch)


@pytest.mark.native
@pytest.mark.xdist_group("workload_kafka")
def test_ids_in_headers_are_accounted_for_one_by_one(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """On a real broker: a reader finds as many records as the run counts, each with an id of its own and the file's headers."""
    written(tmp_path, {"tick.avsc": TICK, "order.avsc": record("Order", id="string")}, TEXT)
    where = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    with Bench(
        tmp_path, *where, "--topic-prefix", topic_prefix, "--workload", "workload.toml", *LOAD, *MIN
    ) as bench:
        bench.ended()
        log, run = bench.log, bench.run()
    assert "Traceback" not in log
    found = read_to_end(kafka.bootstrap_servers, [f"{topic_prefix}ticks"], 3)
    others = read_to_end(kafka.bootstrap_servers, [f"{topic_prefix}orders"], 3)
    for topic, records in (("ticks", found), ("orders", others)):
        counts = run["topics"][topic]
        for name in ("produced", "acked", "observed"):
            assert counts[name] + run["warmup"][topic][name] == len(records), (topic, name)
        assert (counts["lost"], counts["duplicated"], counts["corrupt"]) == (0, 0, 0)
    assert len(found) + len(others) == 4_000
    assert {len(each.headers() or ()) for each in others} == {0}
    headers = [list(each.headers() or ()) for each in found]
    assert {tuple(name for name, _ in each) for each in headers} == {(ID, "source", "venue")}
    assert {each[1][1] for each in headers} == {b"web"}
    assert {each[2][1] for each in headers} == {b"XETRA", b"NYSE"}
    check_ids(found)
    assert run["totals"]["audited"] > 0
    assert run["totals"]["mismatched"] == 0
    for stage in ("schedule_lag", "ack", "end_to_end"):
        assert set(run["histograms"][stage]) == {"ticks", "orders"}


def check_ids(found: list[Message]) -> None:
    """Each record has an id of its own, of version 7, and within a partition they are in the order of their due times."""
    by_partition: dict[int, list[UUID]] = {}
    for each in found:
        text = bytes(dict(each.headers() or ())[ID] or b"")  # pyright: ignore[reportArgumentType]
        by_partition.setdefault(each.partition() or 0, []).append(UUID(text.decode()))
    every = [each for ids in by_partition.values() for each in ids]
    assert len(set(every)) == len(found)
    assert {each.version for each in every} == {7}
    for of_one in by_partition.values():
        due_ms = [each.int >> 80 for each in of_one]
        assert due_ms == sorted(due_ms)


@pytest.mark.parametrize("fate", ["failed", "unflushed"])
def test_what_never_arrived_is_told_by_the_id_in_its_header(fate: str):
    """Events that timed out or were given up are entered as failed, each by the id that is in its header alone."""
    streams, events = made(150)
    by_second = StatsBySecond()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{held.getsockname()[1]}"
        timeout_ms = 300 if fate == "failed" else 300_000
        settings = {"bootstrap.servers": address, "linger.ms": 1, "message.timeout.ms": timeout_ms}
        paced = PacedProducer(settings, {"ticks": "ticks"}, by_second, streams=streams)
        paced.offer(events)
        while paced.next_due_ns() is not None:
            paced.pump(time.time_ns())
        if fate == "failed":
            assert paced.flush(20) == 0
            paced.settle()
        else:
            paced.give_up()
        paced.close()
    counts = by_second.total().counts["ticks"]
    assert {name: counts[name] for name in counts if name != "bytes"} == {"produced": 150, fate: 150}
    pages = paced.dispatches.take_pages(everything=True)
    failed, sent = (
        {key: page.bits.tobytes() for key, page in pages[kind].items()} for kind in ("failed", "sent")
    )
    assert failed == sent
    assert sum(counted(page.bits) for page in pages["failed"].values()) == 150


@pytest.fixture
def cluster() -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster() as running:
        yield running


def test_a_full_queue_loses_and_doubles_no_record_with_headers(cluster: EmbeddedCluster):
    """An open loop says that its queue was full; every event still gets there, once, and none overtakes another."""
    streams, events = made(600)
    ensure_topics({"bootstrap.servers": cluster.bootstrap_servers}, ["ticks"], 4, 1, embedded=True)
    by_second = StatsBySecond()
    settings = {
        "bootstrap.servers": cluster.bootstrap_servers,
        "linger.ms": 1,
        "queue.buffering.max.messages": 7,
    }
    paced = PacedProducer(settings, {"ticks": "ticks"}, by_second, streams=streams)
    paced.offer(events)
    while paced.next_due_ns() is not None:
        paced.pump(time.time_ns())
    assert paced.flush(20) == 0
    paced.settle()
    paced.close()
    stats = by_second.total()
    assert stats.totals["queue_full"] > 10
    counts = stats.counts["ticks"]
    assert counts["produced"] == counts["acked"] == 600
    stored = read_to_end(cluster.bootstrap_servers, ["ticks"], 4)
    assert len(stored) == 600
    check_ids(stored)


def test_records_are_told_apart_by_their_header(cluster: EmbeddedCluster):
    """Ours are observed once, another run's are foreign; with no such header, or none that is an id, a record is corrupt."""
    address = {"bootstrap.servers": cluster.bootstrap_servers}
    ensure_topics(address, ["ticks"], 4, 1, embedded=True)
    (streams, ours), (_, theirs) = made(20), made(5, tag=TAG + 1)
    by_second = StatsBySecond()
    observer = Observer(
        consumer_settings(address, embedded=True),
        {"ticks": [0, 1, 2, 3]},
        {"ticks": "ticks"},
        Ours(TAG, streams),
        by_second,
    )
    observer.prove()
    producer = Producer(address)
    mine = ours.headers[ID]
    for value, text in [
        *zip(ours.values, mine, strict=True),
        *zip(theirs.values, theirs.headers[ID], strict=True),
    ]:
        producer.produce("ticks", value, partition=0, headers=[("a", b"b"), (ID, text)])
    producer.produce("ticks", ours.values[3], partition=0, headers=[(ID, mine[3])])
    strange: list[list[tuple[str, str | bytes | None]]] = [
        *([], [("a", mine[0])], [(ID, b"")], [(ID, None)], [(ID, mine[0][:20])], [(ID, bytes(36))])
    ]
    for headers in strange:
        producer.produce("ticks", ours.values[0], partition=0, headers=headers)
    assert producer.flush(10) == 0
    write_a_header_that_is_no_text(address, ours.values[0])
    ends = observer.ends()
    wait_until(lambda: observer.watch(0.01) * 0 or observer.behind(ends) == 0, 10)
    stats = by_second.take().total()
    observer.close()
    assert stats.counts == {"ticks": {"observed": 20, "duplicated": 1, "corrupt": 7}}
    assert stats.totals == {"foreign": 5}
    assert stats.histogram("end_to_end", "ticks").min_ns > 0
    assert ids.read(np.frombuffer(mine[0], np.uint8)[None]).valid.all()


def write_a_header_that_is_no_text(address: dict[str, Any], value: bytes) -> None:
    """What no Python producer writes, and some other may."""
    batch = BatchProducer(address, print, lambda _: None)
    one, opaques = Packed.of([value]), np.zeros(1, np.uint64)
    table = Messages(one, Packed.nothing(1), opaques, {"xx": Packed.of([b"y"])})
    assert isinstance(table.arguments, Arguments)
    table.arguments._names[0][0] = b"\xff"  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert batch.produce("ticks", table, 0, 1) == (1, [])
    assert batch.flush(10) == 0
    batch.close()

"""The three brokers that other tests stand on are one brokers, and can be ill-treated one by one."""

from collections.abc import Iterator

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from tests.harness.kafka.cluster import Cluster
from tests.support.locusts import wait_until


@pytest.fixture
def topic(brokers: Cluster, topic_prefix: str) -> Iterator[str]:
    """A topic whose three partitions are led by broker 1, 2 and 3."""
    name = f"{topic_prefix}replicated"
    brokers.create([name], [(1, 2, 3), (2, 3, 1), (3, 1, 2)])
    yield name
    brokers.heal()
    brokers.delete([name])


def connect(brokers: Cluster, **settings: str | int) -> Producer:
    """A producer of the cluster."""
    return Producer({"bootstrap.servers": brokers.bootstrap_servers, "log_level": 0, **settings})


def produce(brokers: Cluster, topic: str, value: bytes, **settings: str | int) -> KafkaError | None:
    """Send a record to partition 0 by a producer of its own; gives why it was not taken, if it was not."""
    return send(connect(brokers, **settings), topic, value)


def send(producer: Producer, topic: str, value: bytes) -> KafkaError | None:
    """Send a record to partition 0; gives why it was not taken, if it was not."""
    outcome: list[KafkaError | None] = []
    producer.produce(topic, value, partition=0, on_delivery=lambda error, _: outcome.append(error))
    assert producer.flush(30) == 0
    return outcome[0]


def in_sync(brokers: Cluster, topic: str) -> list[int]:
    """The brokers that have all of partition 0."""
    return list(brokers.admin.list_topics(topic, timeout=30).topics[topic].partitions[0].isrs)


def read_values(brokers: Cluster, topic: str, count: int) -> list[bytes | None]:
    """The first records of partition 0."""
    settings = {"bootstrap.servers": brokers.bootstrap_servers, "group.id": "unused", "log_level": 0}
    consumer = Consumer(settings)
    try:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        return [message.value() for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()


def test_a_killed_leader_is_followed_by_another_and_comes_back(brokers: Cluster, topic: str):
    """A partition survives its leader's death with what was acknowledged, and is led by it again when that is healed."""
    assert brokers.leaders(topic) == {0: 1, 1: 2, 2: 3}
    assert produce(brokers, topic, b"0") is None
    brokers.nodes[1].kill()
    wait_until(lambda: brokers.leaders(topic)[0] in (2, 3))
    assert produce(brokers, topic, b"1") is None
    brokers.heal()
    assert brokers.leaders(topic) == {0: 1, 1: 2, 2: 3}
    assert read_values(brokers, topic, 2) == [b"0", b"1"]


def test_a_frozen_follower_holds_up_only_acks_all(brokers: Cluster, topic: str):
    """Replicas are real: while a follower that is in sync stands still, acks=1 is answered and acks=all is not."""
    # Both know the leader before the follower stands still: a client that asks that one first may wait for 30 s.
    one, every = connect(brokers, acks=1), connect(brokers, acks="all")
    assert send(one, topic, b"0") is None
    assert send(every, topic, b"1") is None
    brokers.nodes[3].freeze()
    outcome: list[KafkaError | None] = []
    every.produce(topic, b"2", partition=0, on_delivery=lambda error, _: outcome.append(error))
    assert send(one, topic, b"3") is None
    every.poll(0)
    # Who sends no heartbeat for 3 s is in sync no longer, and not waited for: on a machine so slow there is nothing to see.
    assert not outcome or 3 not in in_sync(brokers, topic)
    brokers.nodes[3].thaw()
    assert every.flush(30) == 0
    assert outcome == [None]


def test_too_few_replicas_are_an_error(brokers: Cluster, topic_prefix: str):
    """A partition with one of two replicas left refuses acks=all, and takes it again after healing."""
    topic = f"{topic_prefix}two"
    brokers.create([topic], [(1, 2)])
    brokers.nodes[2].stop()
    # By default the client tries again until the record is too old.
    once = {"acks": "all", "retries": 0, "enable.idempotence": "false"}
    refused = wait_until(lambda: produce(brokers, topic, b"0", **once))
    assert refused.name() in ("NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND")
    brokers.heal()
    assert produce(brokers, topic, b"1", **once) is None
    brokers.delete([topic])

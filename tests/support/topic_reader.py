"""Reading topics to their ends with a plain consumer, which knows nothing of lensload."""

from collections.abc import Iterable, Sequence

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition


def read_to_end(bootstrap_servers: str, topics: Iterable[str], partitions: int) -> list[Message]:
    """Every record that is in so many partitions of each topic, each partition's in order."""
    places = [TopicPartition(topic, number, 0) for topic in topics for number in range(partitions)]
    return read_from(bootstrap_servers, places)


def read_from(bootstrap_servers: str, places: Sequence[TopicPartition]) -> list[Message]:
    """Every record from some offsets on to the ends of their partitions, each partition's in order."""
    settings = {"bootstrap.servers": bootstrap_servers, "group.id": "unused", "log_level": 0}
    consumer = Consumer({**settings, "enable.partition.eof": True, "fetch.wait.max.ms": 5})
    records, at_end = list[Message](), 0
    try:
        consumer.assign(list(places))
        while at_end < len(places):
            came = [*consumer.consume(1, 20), *consumer.consume(5_000, 0.02)]
            assert came, "the cluster does not answer"
            for message in came:
                error = message.error()
                if error is None:
                    records.append(message)
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error  # noqa: SLF001  # public, whatever its name
                    at_end += 1
    finally:
        consumer.close()
    return records

"""Asking for partitions and their leaders while a broker is down."""

from lensload.kafka.partition_watch import PartitionWatch
from lensload.kafka.topics import ensure_topics
from lensload.world.world import TOPICS
from tests.support.locusts import wait_until
from tests.support.silent_cluster import silent_cluster

NAME = TOPICS[0]


def test_partitions_are_told_while_the_controller_is_down():
    """Any broker that is up answers; a client that waits for the controller would connect to it without a pause."""
    with silent_cluster(brokers=3) as cluster:
        address = {"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0}
        counts = ensure_topics(address, [NAME], None, None, embedded=True)
        watch = PartitionWatch(address, [NAME])
        before = wait_until(lambda: watch.look_now(1.0))
        cluster.take_down(1)
        for ask in (lambda: watch.look_now(1.0), watch.look):
            found = wait_until(ask)
            assert {name: len(partitions) for name, partitions in found.items()} == counts
            assert found == before

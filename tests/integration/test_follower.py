"""An observer's look at the partitions while the cluster does not answer."""

from lensload.kafka.partition_watch import PartitionWatch
from lensload.kafka.reading import consumer_settings
from lensload.kafka.topics import ensure_topics
from lensload.metrics.by_second import StatsBySecond
from lensload.observer.follower import Follower
from lensload.observer.observer import Observer, Ours
from lensload.world.world import TOPICS
from tests.support.locusts import wait_until
from tests.support.silent_cluster import silent_cluster

OURS = 7
NAME = TOPICS[0]


def test_a_look_without_an_answer_is_told_from_one_without_news():
    """Answers are counted, so that a drain goes on only when it knows which partitions there are."""
    with silent_cluster() as cluster:
        address = {"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0}
        counts = ensure_topics(address, [NAME], None, None, embedded=True)
        shares = {NAME: list(range(counts[NAME]))}
        settings = consumer_settings(address, embedded=True)
        observer = Observer(settings, shares, {NAME: NAME}, Ours(OURS), StatsBySecond())
        follower = Follower(observer, PartitionWatch(address, [NAME]), counts, (0, 1), {}, by_leader=False)
        wait_until(lambda: follower.look_now(1.0) or follower.answers == 1)
        cluster.freeze()
        assert follower.look_now(0.2) == []
        assert follower.answers == 1
        cluster.thaw()
        wait_until(lambda: follower.look() or follower.answers == 2)
        observer.close()

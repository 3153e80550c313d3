"""Which topics and subjects a command creates, told with their full names: they stay when the command has ended."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress

from lensload.config.fields import Cluster
from lensload.errors import LensloadError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.schema.definitions import subject


@contextmanager
def noting_created(cluster: Cluster, topics: Sequence[str]) -> Generator[list[str]]:
    """A list that holds, after the block, a sentence for what was created in it: topics, and subjects.

    Args:
        cluster: where, not the embedded one. Of a mock:// registry nothing stays, and nothing is told.
        topics: without the prefix.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses.
    """
    told: list[str] = []
    before = _existing(cluster, topics)
    yield told
    after = _existing(cluster, topics)
    for kind in before.keys() & after.keys():
        created = [name for name in after[kind] if name not in before[kind]]
        if created:
            told.append(f"Created the {kind} {', '.join(created)}.")
    if told and cluster.topic_prefix:
        told.append(f"To delete them later: lensload clean --topic-prefix {cluster.topic_prefix}")


def _existing(cluster: Cluster, topics: Sequence[str]) -> dict[str, list[str]]:
    """What there is by kind; no subjects of a registry that does not say: the preparation names what is in the way."""
    settings = connection.client_settings(cluster, cluster.bootstrap_servers)
    connection.check(settings)
    found = {"topics": list(TopicAdmin(settings).counts([cluster.topic_prefix + topic for topic in topics]))}
    if cluster.registry_url and not cluster.registry_url.startswith("mock:"):
        subjects = [subject(topic, cluster.topic_prefix) for topic in topics]
        with suppress(LensloadError), connection.registry_of(cluster) as books:
            found["subjects"] = [name for name in subjects if books.latest(name)]
    return found

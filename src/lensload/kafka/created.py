"""Which topics and subjects a command creates, with their full names: they stay when the command has ended."""

import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lensload.config.fields import Cluster
from lensload.errors import LensloadError
from lensload.kafka import connection
from lensload.kafka.admin import TopicAdmin
from lensload.schema.definitions import subject

if TYPE_CHECKING:
    from lensload.workload.model import Workload


@contextmanager
def noting_created(
    cluster: Cluster, topics: Sequence[str], workload: "Workload | None" = None
) -> Generator[list[str]]:
    """A list that holds, after the block, a sentence for what was created in it: topics, and subjects.

    Args:
        cluster: where, not the embedded one. Of a mock:// registry nothing stays, and nothing is told.
        topics: without the prefix.
        workload: whose topics they are; None for LENS's.

    Raises:
        ClusterError: the cluster cannot be reached, or refuses.
    """
    told: list[str] = []
    subjects = subjects_of(topics, cluster.topic_prefix, workload)
    before = _existing(cluster, topics, subjects)
    yield told
    after = _existing(cluster, topics, subjects)
    for kind in before.keys() & after.keys():
        created = [name for name in after[kind] if name not in before[kind]]
        if created:
            told.append(f"Created the {kind} {', '.join(created)}.")
    if told and cluster.topic_prefix:
        of = f" --workload {shlex.quote(str(workload))}" if workload else ""
        told.append(
            f"To delete them later: lensload clean --topic-prefix {shlex.quote(cluster.topic_prefix)}{of}"
        )


def subjects_of(topics: Sequence[str], prefix: str, workload: "Workload | None" = None) -> list[str]:
    """The subjects under which a run registers the schemas of topics.

    Args:
        topics: without the prefix.
        prefix: that of topics and subjects.
        workload: whose topics they are; None for LENS's.
    """
    if workload is None:
        return [subject(topic, prefix) for topic in topics]
    from lensload.workload.registration import own_subjects  # noqa: PLC0415 - slow to import, and seldom wanted

    return own_subjects((topic for topic in workload.topics if topic.name in topics), prefix)


def _existing(cluster: Cluster, topics: Sequence[str], subjects: Sequence[str]) -> dict[str, list[str]]:
    """What there is by kind; no subjects of a registry that does not say: the preparation names what is in the way."""
    settings = connection.client_settings(cluster, cluster.bootstrap_servers)
    connection.check(settings)
    found = {"topics": list(TopicAdmin(settings).counts([cluster.topic_prefix + topic for topic in topics]))}
    if cluster.registry_url and not cluster.registry_url.startswith("mock:"):
        with suppress(LensloadError), connection.registry_of(cluster) as books:
            found["subjects"] = [name for name in subjects if books.latest(name)]
    return found

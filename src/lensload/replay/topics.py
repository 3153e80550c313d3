"""The topics that are to be replayed: there, and how many partitions each has."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from lensload.errors import ClusterError, UsageError


def find(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic of `names`.

    Raises:
        UsageError: one does not exist; names the nearest that does.
        ClusterError: the cluster does not tell, or refuses.
    """
    known = _known(settings)
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no topic {name} in the cluster at {settings['bootstrap.servers']}"
                f"{_nearest(name, known)}",
                _also(known),
            )
        error = known[name].error
        if error is not None:
            raise ClusterError(
                f"The topic {name} cannot be read: {error.str()}.",
                "Allow these credentials Describe and Read on it.",
            )
    return {name: len(known[name].partitions) for name in names}


def partitions_of(settings: Mapping[str, Any], name: str) -> int | None:
    """How many partitions a topic has; None where there is no such topic.

    Raises:
        ClusterError: the cluster does not tell.
    """
    found = _known(settings).get(name)
    return None if found is None else len(found.partitions)


def _known(settings: Mapping[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = dict(settings)
    try:
        # Asked for all: to ask for one that is missing creates it on clusters that are set up so.
        return dict(AdminClient(own).list_topics(timeout=10).topics)
    except KafkaException as error:
        raise ClusterError(
            f"The cluster does not tell its topics: {error.args[0].str()}.", "See whether all brokers are up."
        ) from error


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else "."


def _also(known: Iterable[str]) -> str:
    names = sorted(name for name in known if not name.startswith("__"))
    if not names:
        return "It has no topics at all: check --bootstrap-servers."
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"It has {', '.join(names[:5])}{more}. A --topic-prefix goes before every name."

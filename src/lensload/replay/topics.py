"""The topics that are to be replayed: there, and how many partitions each has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lensload.errors import ClusterError, UsageError
from lensload.kafka.admin import TopicAdmin
from lensload.parse import nearest


def find(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each topic of `names`.

    Raises:
        UsageError: one does not exist; names the nearest that does.
        ClusterError: the cluster does not tell, or refuses.
    """
    known = TopicAdmin(settings).all()
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no topic {name} in the cluster at {settings['bootstrap.servers']}"
                f"{nearest(name, known)}",
                _also(known),
            )
        error = known[name].error
        if error is not None:
            raise ClusterError(
                f"The topic {name} cannot be read: {error.str()}.",
                "Allow these credentials Describe and Read on it.",
            )
    return {name: len(known[name].partitions) for name in names}


def _also(known: Iterable[str]) -> str:
    names = sorted(name for name in known if not name.startswith("__"))
    if not names:
        return "It has no topics at all: check --bootstrap-servers."
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"It has {', '.join(names[:5])}{more}. A --topic-prefix goes before every name."

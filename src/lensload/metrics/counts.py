"""What is counted of events: every list of counts, in files and in views, is derived from these."""

from collections.abc import Iterable, Mapping
from typing import (
    Any,
    Final,
    NotRequired,  # pydantic reads no other before Python 3.12
    cast,
)

from typing_extensions import TypedDict


class Progress(TypedDict):
    """What is known of events while a run goes on.

    Attributes:
        produced: handed to the producer.
        acked: acknowledged by the cluster.
        failed: refused by the cluster, or timed out.
        observed: read by the observer, each counted once.
    """

    produced: int
    acked: int
    failed: int
    observed: int


class Counts(Progress):
    """What is known of events once a run has ended, however it ended.

    produced = acked + failed + unflushed, and acked = observed - failed_but_delivered + lost + unknown.

    Attributes:
        unflushed: without a delivery report when the drain ended: whether they were written is not known.
        lost: acknowledged and never read, although the observers read the topics to the end.
        unknown: acknowledged, but it is not known whether they arrived, because a process died or did not read to the end.
            If there are any, none is counted as lost. Missing in files of earlier versions: 0.
        duplicated: read again, each further time.
        reordered: read after a later one of their partition.
        corrupt: read with other content than was sent, or no LENS event.
        failed_but_delivered: reported as failed, or not reported, and read all the same.
    """

    unflushed: int
    lost: int
    unknown: NotRequired[int]
    duplicated: int
    reordered: int
    corrupt: int
    failed_but_delivered: int


PROGRESS: Final = tuple(Progress.__annotations__)
COUNTS: Final = tuple(Counts.__annotations__)

RATES: Final = {"achieved_per_s": "acked", "produced_per_s": "produced", "observed_per_s": "observed"}
"""The count that each rate is of."""

WHOLES: Final = {
    "acked": "produced",
    "failed": "produced",
    "unflushed": "produced",
    "observed": "acked",
    "lost": "acked",
    "unknown": "acked",
    **dict.fromkeys(("duplicated", "reordered", "corrupt", "failed_but_delivered"), "observed"),
}
"""What a count's percentage is of."""


def count_of(counts: Mapping[str, Any], name: str) -> int:
    """One of them by its name; a file of an earlier version may lack it."""
    return counts.get(name, 0)


def sums(each: Iterable[Mapping[str, Any]]) -> Counts:
    """The sum of several, name by name; a name that one lacks counts as 0 there."""
    every = list(each)
    total = {name: sum(int(counts.get(name, 0)) for counts in every) for name in COUNTS}
    return cast("Counts", total)

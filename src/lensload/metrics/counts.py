"""What is counted of events: every list of counts, in files and in views, is derived from these."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12


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
    """What is known of events once a run has drained: produced = acked + failed + unflushed.

    Attributes:
        unflushed: without a delivery report when the drain ended: their fate is unknown.
        lost: acknowledged and never read.
        duplicated: read again, each further time.
        reordered: read after a later one of their partition.
        corrupt: read with another content than was sent, or no LENS event.
        failed_but_delivered: reported as failed, or not reported, and read all the same.
    """

    unflushed: int
    lost: int
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
    **dict.fromkeys(("duplicated", "reordered", "corrupt", "failed_but_delivered"), "observed"),
}
"""What a count's percentage is of."""


def count_of(counts: Mapping[str, Any], name: str) -> int:
    """One of them by its name."""
    return counts[name]


def sums(each: Iterable[Mapping[str, Any]]) -> Counts:
    """The sum of several, name by name; a name that one lacks counts as 0 there."""
    every = list(each)
    total = {name: sum(int(counts.get(name, 0)) for counts in every) for name in COUNTS}
    return cast("Counts", total)

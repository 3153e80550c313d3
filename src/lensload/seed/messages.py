"""The messages between a seed and its workers that other processes do not have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lensload.config.model import RunConfig
from lensload.processes.envelope import Message


@dataclass(frozen=True)
class SeedOrder(Message):
    """What a worker of a seed is to do.

    Attributes:
        config: where to write.
        plan: the history, as `Plan.as_dict` gives it.
        topics: by topic, its name in the cluster, its schema id, that of its keys' schema (None: keys are text), and how many
            records each partition has already.
        most_bytes: how much may wait in the client.
        worker: which of the workers it is.
        workers: how many there are.
    """

    config: RunConfig
    plan: Mapping[str, Any]
    topics: Mapping[str, Mapping[str, Any]]
    most_bytes: int
    worker: int = 0
    workers: int = 1


@dataclass(frozen=True)
class Progress(Message):
    """How many events the cluster has of those a worker wrote; nearly."""

    acked: int


@dataclass(frozen=True)
class SeedDrained(Message):
    """The last message of a worker.

    Attributes:
        complete: it has written everything; then the others are set.
        partitions: of each, topic, number, and what the manifest says of it.
        realised: what became of the history, as `Realised.as_dict` gives it.
        faults: the faults in it, as their `as_dict` gives them.
    """

    is_last = True
    complete: bool
    partitions: Sequence[Sequence[Any]] = ()
    realised: dict[str, Any] = field(default_factory=dict[str, Any])
    faults: dict[str, Any] = field(default_factory=dict[str, Any])

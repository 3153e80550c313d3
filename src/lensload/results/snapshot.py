"""A run at one moment while it goes on, as every live view of it is given it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Phase = Literal["starting", "warm-up", "measuring", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A run at one moment, all workers together.

    Attributes:
        phase: where in its course the run is.
        elapsed_s: since the schedule started, warm-up included; 0 while starting.
        total_s: warm-up and measured time; None for a run without an end.
        target_per_s: the rate asked for in the last second that is over and reported.
        achieved_per_s: of the events due in that second, those that were produced.
        acked_per_s: events that are acknowledged now, whenever they were due.
        produced: events handed to the producer so far, warm-up included, as for the next three.
        acked: events that the cluster acknowledged.
        observed: distinct events that the observer saw.
        failed: events that the cluster did not take.
        behind_us: how late the most overdue event of any generator is.
        latency_us: p50, p99 and max by stage, of what has become known in the last second.
        queue: events that wait in the producers' queues.
        group_lag_s: how many seconds each watched consumer group is behind, as it was seen last.
        slow_brokers: a sentence for each stage at which one broker has been slower than all others of late.
        notices: what is to be told now and was not told before.
    """

    phase: Phase
    elapsed_s: float
    total_s: float | None
    target_per_s: float
    achieved_per_s: float
    acked_per_s: float = 0.0
    behind_us: float = 0.0
    produced: int = 0
    acked: int = 0
    observed: int = 0
    failed: int = 0
    latency_us: Mapping[str, Mapping[str, float | None]] = field(
        default_factory=dict[str, Mapping[str, float | None]]
    )
    queue: int = 0
    group_lag_s: Mapping[str, float] = field(default_factory=dict[str, float])
    slow_brokers: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def percentiles_us(self, stage: str) -> tuple[float | None, float | None]:
        """p50 and p99 of a stage; None where there are too few samples."""
        figures = self.latency_us.get(stage, {})
        return figures.get("p50"), figures.get("p99")

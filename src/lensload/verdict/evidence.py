"""What the rules go by: the facts of a run, its counts and its latencies; `results.build` and the recorder fill it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lensload.metrics.cost import ProcessCost
from lensload.metrics.counts import Counts, sums
from lensload.metrics.observer_lag import ObserverLag
from lensload.metrics.responses import Responses

MissingCode = Literal[
    "process_died",
    "process_failed",
    "worker_lost",
    "worker_left",
    "messages_lost",
    "drain_timeout",
    "drain_given_up",
]


class Missing(NamedTuple):
    """A part of a run that did not report all that it measured.

    Attributes:
        code: the cause, which is the code of the reason that it gives.
        text: which part, and what happened to it, in a sentence.
    """

    code: MissingCode
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """How a run went, beside what was counted.

    Attributes:
        started_ns: when the schedule started, wall clock, Unix nanoseconds.
        measured_s: the length of the schedule after the warm-up, as far as it got.
        spent_s: the time from the end of the warm-up until the last event was produced: longer than `measured_s` where
            the generators were late. Rates are per second of the longer of the two.
        target_per_s: the mean rate asked for in that time, all workers together.
        embedded: the cluster was librdkafka's mock.
        random_arrivals: the schedule is Poisson, so its count differs from its mean by chance.
        workers: how many schedules ran beside each other, each of which rounds to whole events.
        acks: which replicas had an event when it was acknowledged: "all", "1" (the leader) or "0" (none).
        flat_out: there was no schedule, but as many events as acknowledgements allowed.
        observer_complete: every observer reached the ends of its partitions.
        unflushed: events without a delivery report when the drain ended, those of the warm-up included.
        missing: the parts of the run that did not report all that they measured.
        cut_short: somebody stopped the run before its end.
        open_ended: the run had no end of its own, so that stopping it is how it ends.
        rate_changes: how often the rate was changed by hand.
        clock_step_s: by how much a clock was set during the run, the largest of all processes.
        clock_doubt_us: how far the clocks of the hosts may be apart; 0 on one host, infinite where one was never read.
    """

    started_ns: int = 0
    measured_s: float = 0.0
    spent_s: float = 0.0
    target_per_s: float = 0.0
    embedded: bool = False
    random_arrivals: bool = False
    workers: int = 1
    acks: str = "all"
    flat_out: bool = False
    observer_complete: bool = True
    unflushed: int = 0
    missing: tuple[Missing, ...] = ()
    cut_short: bool = False
    open_ended: bool = False
    rate_changes: int = 0
    clock_step_s: float = 0.0
    clock_doubt_us: float = 0.0

    @property
    def accounted(self) -> bool:
        """Every process lived to tell all it knew, and every observer read to the end: what is missing is lost."""
        return self.observer_complete and not self.missing

    @property
    def due(self) -> float:
        """How many events were due in the measured time."""
        return self.target_per_s * self.measured_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """The latencies of a run's measured events, all topics together.

    Attributes:
        schedule_lag_us: percentile name to schedule lag, of those ("p50", "p90", "p99") that the sample carries.
        late_from_s: when the schedule lag first was above the threshold, from the start of measuring; None: never for
            a whole second.
        late_s: for how many seconds it was.
        worst_lag_us: the greatest schedule lag.
        observer_lag: how far it was from the acknowledgement to the observer, at the percentile at which it was
            greatest; None where too few events were seen.
        end_to_end_p50_us: the end-to-end median; None where too few events were seen.
        negative_fraction: of the latencies of the stage that has most such, how many are below 0.
    """

    schedule_lag_us: dict[str, float] = field(default_factory=dict[str, float])
    late_from_s: float | None = None
    late_s: int = 0
    worst_lag_us: float = 0.0
    observer_lag: ObserverLag | None = None
    end_to_end_p50_us: float | None = None
    negative_fraction: float = 0.0


@dataclass(frozen=True, slots=True)
class LagShare:
    """The generator's own part of a latency that an objective limits from above.

    Attributes:
        expression: the objective.
        figure_us: what the run has.
        limit_us: what was asked for.
        lag_us: the schedule lag at the same statistic, of the same topic.
        held: whether the objective holds.
    """

    expression: str
    figure_us: float
    limit_us: float
    lag_us: float
    held: bool

    @property
    def of_the_smaller(self) -> float:
        """The lag as a share of the figure or of the limit, whichever is smaller."""
        return self.lag_us / max(min(self.figure_us, self.limit_us), 1e-3)

    @property
    def decides(self) -> bool:
        """Whether the objective is missed for the lag's sake: without it the figure is within the limit, or half."""
        without_us = self.figure_us - self.lag_us
        return not self.held and (without_us <= self.limit_us or self.lag_us >= without_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a verdict is made from: the measured part of a run, all topics together.

    Attributes:
        facts: how it went.
        counts: what happened to its events.
        latencies: how long they took.
        totals: what else the processes counted, such as how often the producer's queue was full.
        responses: what became of the requests to a service under test; None where lensload answered itself.
        lag_shares: the generator's part of each latency that an objective limits.
        costs: what each process used of its machine.
    """

    facts: RunFacts
    counts: Counts = field(default_factory=lambda: sums(()))
    latencies: Latencies = field(default_factory=Latencies)
    totals: Mapping[str, float] = field(default_factory=dict[str, float])
    responses: Responses | None = None
    lag_shares: tuple[LagShare, ...] = ()
    costs: tuple[ProcessCost, ...] = ()

    def total(self, name: str) -> int:
        """One of the totals; 0 where nothing was counted under that name."""
        return int(self.totals.get(name, 0))

    @property
    def outage(self) -> bool:
        """Producers and observers both complained of the cluster, as when a broker goes away."""
        return bool(self.total("producer_troubles") and self.total("observer_troubles"))

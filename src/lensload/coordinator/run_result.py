"""The result of a run that is over, and what has been measured of one that is on."""

from dataclasses import dataclass
from math import inf
from typing import Any

from lensload.config.model import LENS_ALONE, RunConfig
from lensload.coordinator.clock_sync import Clocks
from lensload.coordinator.recorder import Recorder
from lensload.coordinator.workers import Workers
from lensload.results.audience import Gathering
from lensload.results.build import Judged, build, judged
from lensload.results.environment import conditions
from lensload.results.run import Run
from lensload.verdict.evidence import RunFacts


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the cluster of a run is, and whether it is the embedded one."""

    bootstrap_servers: str
    embedded: bool


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run: what was counted, judged, with what is known beside it.

    Attributes:
        config: what is run.
        cluster: where it is.
        recorder: what was counted.
        workers: who took part.
        clocks: what their clocks say.
        rate_per_s: the target of the whole run; None: each worker's Locust users decide its rate.
        open_ended: the run has no end of its own.
    """

    config: RunConfig
    cluster: Cluster
    recorder: Recorder
    workers: Workers
    clocks: Clocks
    rate_per_s: float | None
    open_ended: bool

    def final(self, *, cut_short: bool) -> Run:
        """Once the run is drained; `cut_short`: it was stopped before its end."""
        cluster = {"embedded": self.cluster.embedded, "bootstrap_servers": self.cluster.bootstrap_servers}
        return build(
            self.recorder.stats,
            self.recorder.recording(self._facts(cut_short=cut_short)),
            conditions(
                self._used(),
                cluster,
                workers=[state.conditions for state in self.workers.states],
                clocks=self.clocks.public(self.workers.numbers),
                audience=self._audience(),
            ),
            thresholds=self.config.criteria,
            slos=self.config.criteria.slo,
        )

    def so_far(self, *, cut_short: bool) -> Judged | None:
        """What has been measured, and what it would be worth if it went on like this; None while it is nothing."""
        recording = self.recorder.so_far(self._facts(cut_short=cut_short))
        if recording is None:
            return None
        criteria = self.config.criteria
        if_it_went_on = criteria.model_copy(update={"min_measured_s": 0.0, "min_events": 0})
        return judged(self.recorder.stats, recording, if_it_went_on, criteria.slo)

    def _facts(self, *, cut_short: bool) -> RunFacts:
        return RunFacts(
            embedded=self.cluster.embedded,
            random_arrivals=self.config.load.profile.poisson,
            workers=len(self.workers.states),
            cut_short=cut_short,
            open_ended=self.open_ended,
            clock_doubt_us=inf if (doubt_ns := self.clocks.doubt_ns) is None else doubt_ns / 1e3,
            acks=self.config.producer.acks,
            flat_out=self.config.load.is_flat_out(by_users=self.rate_per_s is None),
        )

    def _used(self) -> dict[str, Any]:
        """The configuration without what decided nothing: the rate of Locust's users or of the whole run, or LENS's world."""
        public = self.config.public()
        unused = {"rate", "behaviour"} if self.rate_per_s is None else {"user_rate"}
        if self.config.load.workload:
            unused |= LENS_ALONE
        return {name: value for name, value in public.items() if name not in unused}

    def _audience(self) -> list[Gathering]:
        times = None if self.config.load.workload else self.recorder.times
        return self.recorder.audience.gatherings(times.start_ns, times.measure_from_ns) if times else []

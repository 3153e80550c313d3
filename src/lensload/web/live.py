"""What the page shows of the run that is on, or was the last: kept up to date by a coordinator, asked for by a browser."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final

from lensload.config.model import RunConfig
from lensload.coordinator.coordinator import Coordinator
from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.coordinator.workers import WorkerState
from lensload.metrics import librdkafka
from lensload.metrics.counts import COUNTS, sums
from lensload.metrics.stages import STAGES
from lensload.processes.messages import GeneratorReport, ObserverReport, Report
from lensload.results import breakdown, brokers, counted
from lensload.results.build import Judged
from lensload.results.run import Run, Summary, summary
from lensload.results.series import Series
from lensload.results.snapshot import Snapshot
from lensload.verdict.verdict import worst
from lensload.web.chart_entries import MOST, ROWS_A_DECADE, entry
from lensload.web.chart_entries import STAGES as CHARTED
from lensload.web.service import service

FORMAT: Final = "lensload/live/1"

_MOST_NOTICES: Final = 200
_MOST_ERRORS: Final = 50
_MOST_CHANGES: Final = 500
# A verdict so far costs some ms: a page that asked within so long has one each second, who asks for the first time a recent one.
_WATCHED_S: Final = 10.0
_UNWATCHED_EVERY_S: Final = 5.0
_FEW_S: Final = 3.0  # before that, "nothing was acknowledged" only means that it is early
_EARLY: Final = ("nothing_due", "nothing_produced", "nothing_acked", "nothing_observed")


class Live(Listener):
    """The run that is on, or was the last, as JSON. Any thread may ask; memory is bounded however long a run is.

    Args:
        users: how many Locust users there are now; None where there are none.
        monotonic_s: the clock that says whether somebody looks.
    """

    def __init__(
        self, users: Callable[[], int] | None = None, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._users = users
        self._monotonic_s = monotonic_s
        self._asked_s = float("-inf")
        self._number = 0
        self._config = RunConfig()
        self._coordinator: Coordinator | None = None
        self._error: dict[str, Any] | None = None
        self._clear()

    @property
    def coordinator(self) -> Coordinator | None:
        """That of the run that is on; None where none is."""
        return self._coordinator

    def attach(self, coordinator: Coordinator, config: RunConfig) -> None:
        """A run starts: whatever is known of the last one is forgotten."""
        with self._lock:
            self._clear()
            self._number = coordinator.number
            self._config, self._coordinator, self._error = config, coordinator, None
            self._recorder = coordinator.recorder
            self._phase = "starting"

    def failed(self, message: str, hint: str = "") -> None:
        """The run that was to be, or was on, ended without a result."""
        with self._lock:
            self._error = {"message": message, "advice": hint}
            if self._phase == "idle":
                self._phase = "over"

    def reported(self, worker: WorkerState, report: Report) -> None:
        """Keep the last two reports of each process, between which it used some of a processor."""
        kept = self._workers.setdefault(worker.index, {"state": worker})
        if isinstance(report, (GeneratorReport, ObserverReport)):
            name = "generator" if isinstance(report, GeneratorReport) else "observer"
            before = kept.get(name, (None, None))[1]
            kept[name] = (before, report)

    def second(self, snapshot: Snapshot) -> None:
        """Take in the second that is over."""
        recorder = self._recorder
        if recorder is None:
            return
        now_s = self._monotonic_s()
        due = now_s - self._asked_s < _WATCHED_S or now_s - self._judged_s >= _UNWATCHED_EVERY_S
        judged = self._coordinator.so_far() if due and self._coordinator and not self._result else None
        by_broker = counted.brokers(recorder.stats) if judged else {}
        with self._lock:
            self._phase, self._snapshot = snapshot.phase, snapshot
            self._notices += [
                {"at_s": round(snapshot.elapsed_s, 1), "text": text} for text in snapshot.notices
            ]
            recorder.latest.into(self._series)
            if judged:
                self._judged, self._judged_s, self._brokers = judged, now_s, by_broker

    def result(self, result: Run) -> None:
        """Keep the result; its file is written by now."""
        with self._lock:
            self._result = result
            if self._recorder:
                self._recorder.latest.into(self._series)

    def closed(self) -> None:
        """The run is over."""
        with self._lock:
            self._phase = "over"
            self._coordinator = None
            # A whole run and its histograms are megabytes; what is shown of them is made now.
            self._kept = self._run_so_far()
            self._judged = self._recorder = self._result = None

    def as_json(self, run: str = "", generation: int = -1, version: int = -1) -> dict[str, Any]:
        """The state, with what is new of its course since what a page has already.

        Args:
            run: the run that the page shows; of another one it is sent all.
            generation: of the course, as it was last sent.
            version: of the course, as it was last sent.
        """
        self._asked_s = self._monotonic_s()
        with self._lock:
            if run != str(self._number):
                generation = -1
            series = self._series
            return {
                "format": FORMAT,
                "run": str(self._number),
                "phase": self._phase,
                "error": self._error,
                **(self._kept or self._run_so_far()),
                "steering": self._steering(),
                "course": {
                    "generation": series.generation,
                    "version": series.version,
                    "rows_a_decade": ROWS_A_DECADE,
                    "entries": [
                        {"number": number, **entry(second)}
                        for number, second in series.since(generation, version)
                    ],
                },
            }

    def _clear(self) -> None:
        self._phase = "idle"
        self._snapshot: Snapshot | None = None
        self._recorder: Recorder | None = None
        self._judged: Judged | None = None
        self._judged_s = float("-inf")
        self._brokers: dict[str, dict[str, Summary]] = {}
        self._result: Run | None = None
        self._kept: dict[str, Any] | None = None
        self._workers: dict[int, dict[str, Any]] = {}
        self._notices: deque[dict[str, Any]] = deque(maxlen=_MOST_NOTICES)
        self._series = Series(MOST, CHARTED)

    def _run_so_far(self) -> dict[str, Any]:
        """What there is to show of the run beside its course."""
        snapshot, recorder, found = self._snapshot, self._recorder, self._result or self._judged
        return {
            "elapsed_s": round(snapshot.elapsed_s, 1) if snapshot else 0.0,
            "total_s": snapshot.total_s if snapshot else None,
            "warmup_s": self._config.load.warmup_s,
            "embedded": self._config.cluster.embedded,
            "target_per_s": recorder.target_per_s if recorder and not recorder.draining else 0.0,
            "acked_per_s": snapshot.acked_per_s if snapshot else 0.0,
            "queue": snapshot.queue if snapshot else 0,
            "events": _events(snapshot),
            "verdict": self._verdict(),
            "latency_us": _latency(found),
            "breakdown": self._breakdown(),
            "brokers": self._result.get("brokers", {}) if self._result else self._brokers,
            "slow_brokers": _slow_brokers(snapshot, self._result),
            "service": service(recorder, self._judged, self._result),
            "topics": dict(found["topics"]) if found else {},
            "total": dict(sums(found["topics"].values())) if found else dict.fromkeys(COUNTS, 0),
            "errors": _errors(recorder, self._result),
            "workers": [
                _worker(index, kept, ended=self._result is not None)
                for index, kept in sorted(self._workers.items())
            ],
            "notices": list(self._notices),
            "rate_changes": list(recorder.rate_changes[-_MOST_CHANGES:]) if recorder else [],
            "result": _result(self._result, self._config.outputs.run_file) if self._result else None,
        }

    def _verdict(self) -> dict[str, Any] | None:
        found = self._result or self._judged
        if not found:
            return None
        measured_s = (self._snapshot.elapsed_s if self._snapshot else 0.0) - self._config.load.warmup_s
        early = _EARLY if not self._result and measured_s < _FEW_S else ()
        reasons = [reason for reason in found["reasons"] if reason["code"] not in early]
        return {
            "final": self._result is not None,
            "verdict": worst(reasons),
            "reasons": [dict(reason) for reason in reasons],
            "objectives": [dict(outcome) for outcome in found["slos"]],
            "limits": self._limits(),
        }

    def _limits(self) -> list[dict[str, Any]]:
        """How far the run is from being invalid, where that is a figure."""
        found, criteria = self._result or self._judged, self._config.criteria
        if not found:
            return []
        total, load = sums(found["topics"].values()), found["load"]
        lag = found["latency_us"]["schedule_lag"]["all"]
        target, made_per_s = load["target_per_s"], load["produced_per_s"]
        # A result's rate is of the time spent, which overtime prolongs.
        if self._result and self._result["measured_s"]:
            made_per_s = total["produced"] / self._result["measured_s"]
        share = made_per_s / target if target else None
        return [
            {"name": "load produced", "value": share, "unit": "share", "least": criteria.min_achieved},
            {
                "name": "schedule lag, p99",
                "value": lag["p99"],
                "unit": "us",
                "most": criteria.max_schedule_lag_s * 1e6,
            },
            {
                "name": "failed events",
                "value": total["failed"] / total["produced"] if total["produced"] else None,
                "unit": "share",
                "most": criteria.max_failed,
            },
        ]

    def _breakdown(self) -> dict[str, Any] | None:
        if self._result:
            found = self._result["breakdown"]
        elif self._judged and self._recorder:
            stats = self._recorder.stats
            client = {stage: summary(stats.histogram(stage)) for stage in librdkafka.STAGES}
            found = breakdown.breakdown(self._judged["latency_us"], client)
        else:
            found = None
        if found is None:
            return None
        return {**found, "says": breakdown.sentence(found, self._config.producer.linger_ms)}

    def _steering(self) -> dict[str, Any]:
        """Who decides the rate: a hand on the dial, the configured rate, or Locust's users; and the profile."""
        coordinator, profile = self._coordinator, self._config.load.profile
        dial_per_s = coordinator.hand_rate.rate_per_s if coordinator else None
        users = self._users() if self._users else None
        rate = self._config.load.rate
        by = "dial" if dial_per_s is not None else "rate" if users is None else "users"
        return {
            "by": by,
            "of": "requests" if self._config.service.external else "events",
            "dial_per_s": dial_per_s,
            "rate_per_s": rate if users is None and isfinite(rate) else None,
            "users": users,
            "profile": str(profile),
            "constant": all(factor == 1.0 for _, factor in profile.points),
        }


def _events(snapshot: Snapshot | None) -> dict[str, int]:
    names = ("produced", "acked", "observed", "failed")
    return {name: getattr(snapshot, name) if snapshot else 0 for name in names}


def _latency(found: Judged | Run | None) -> dict[str, Any]:
    """Of the measured time, all topics together; and end to end by topic."""
    if not found:
        return {}
    return {stage: found["latency_us"][stage]["all"] for stage in STAGES if stage in found["latency_us"]}


def _slow_brokers(snapshot: Snapshot | None, result: Run | None) -> list[str]:
    """Of the last seconds while the run is on, then of all of it."""
    return brokers.sentences(result) if result else list(snapshot.slow_brokers) if snapshot else []


def _errors(recorder: Recorder | None, result: Run | None) -> list[dict[str, Any]]:
    if result:
        return [dict(error) for error in result["errors"][:_MOST_ERRORS]]
    if not recorder:
        return []
    most = sorted(recorder.stats.errors.items(), key=lambda item: -item[1])[:_MOST_ERRORS]
    return [{"topic": topic, "error": text, "count": count} for (topic, text), count in most]


def _worker(index: int, kept: Mapping[str, Any], *, ended: bool) -> dict[str, Any]:
    state: WorkerState = kept["state"]
    left, on = ("ended", "ended") if ended else ("left", "silent" if state.silent else "reports")
    says = "lost" if state.lost else left if state.left else on
    generator: GeneratorReport | None = kept.get("generator", (None, None))[1]
    return {
        "worker": index,
        "state": says,
        "target_per_s": generator.target_per_s if generator else None,
        "achieved_per_s": generator.achieved_per_s if generator else None,
        "queue": generator.queue if generator else None,
        "behind_us": generator.behind_ns / 1e3 if generator else None,
        **{f"{name}_cpu": _cpu(kept.get(name)) for name in ("generator", "observer")},
        **{
            f"{name}_bytes": kept[name][1].rss_bytes if name in kept else None
            for name in ("generator", "observer")
        },
    }


def _cpu(reports: tuple[Any, Any] | None) -> float | None:
    """The share of a processor between two reports."""
    if reports is None or reports[0] is None:
        return None
    before, now = reports
    return round((now.cpu_ns - before.cpu_ns) / max(1, now.now_ns - before.now_ns), 3)


def _result(run: Run, path: Path) -> dict[str, Any]:
    return {
        "run_file": path.name,
        "started_at": run["started_at"],
        "measured_s": run["measured_s"],
        "load": dict(run["load"]),
        "limited_by": run["limited_by"],
    }

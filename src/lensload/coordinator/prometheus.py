"""A run while it goes on, as Prometheus reads it: counters since its start, gauges of now, latencies in buckets."""

import socket
from collections.abc import Iterator

import numpy as np
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.errors import UsageError
from lensload.metrics.histogram import Histogram, bucket_indices
from lensload.metrics.stages import STAGES
from lensload.results.snapshot import Snapshot

COUNTS = ("produced", "acked", "observed", "failed", "duplicated", "reordered", "corrupt")
# 1 us to 50 s; Prometheus's own begin at 5 ms.
BUCKETS_S = tuple(float(f"{step}e{power}") for power in range(-6, 2) for step in (1, 2.5, 5))


class RunCollector(Listener, Collector):
    """The metrics of the run that is on, or of the last one, as they were when its last second was over."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self._metrics: list[Metric] = [_running(False)]

    def started(self, recorder: Recorder) -> None:
        """A run starts: its metrics replace those of the last."""
        self._recorder = recorder
        self._renew(running=True)

    def second(self, snapshot: Snapshot) -> None:  # noqa: ARG002 - the recorder holds more
        """Renew the metrics."""
        self._renew(running=True)

    def closed(self) -> None:
        """The run is over: its last metrics stay."""
        self._renew(running=False)

    def collect(self) -> Iterator[Metric]:
        """All of them; any thread may ask."""
        yield from self._metrics

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on the run."""
        return []

    def _renew(self, *, running: bool) -> None:
        metrics = [_running(running)]
        if self._recorder:
            recorder = self._recorder
            metrics += [*_gauges(recorder), *_counts(recorder), *_service(recorder), _latencies(recorder)]
        self._metrics = metrics


def serve(host: str, port: int, collector: RunCollector) -> None:
    """Serve the collector's metrics at http://host:port/metrics for as long as the process lives.

    Raises:
        UsageError: nothing can listen there.
    """
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        start_http_server(port, host, registry)
    except OSError as error:
        raise _not_served(host, port, error) from error


def check_free(host: str, port: int) -> None:
    """Find out before a run whether its metrics can be served; port 0 is for not at all.

    Raises:
        UsageError: they cannot.
    """
    if not port:
        return
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        raise _not_served(host, port, error) from error


def _not_served(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"Metrics cannot be served at {host}:{port}: {error.strerror or error}.",
        "Give another --prometheus-port or --prometheus-host.",
    )


def _running(running: bool) -> Metric:
    return GaugeMetricFamily("lensload_running", "1 while a run is on, be it starting or draining.", running)


def _gauges(recorder: Recorder) -> Iterator[Metric]:
    for name, text, value in (
        ("target_events_per_second", "The rate asked for now.", recorder.target_per_s),
        ("achieved_events_per_second", "Events produced in the last second.", recorder.achieved_per_s),
        ("queue_events", "Events waiting in the producers' queues.", recorder.queue),
    ):
        yield GaugeMetricFamily(f"lensload_{name}", text, value)


def _counts(recorder: Recorder) -> Iterator[Metric]:
    counts = sorted(recorder.stats.counts.items())
    for name in COUNTS:
        text = f"Events {name} since the run's start, warm-up included."
        family = CounterMetricFamily(f"lensload_{name}_events", text, labels=["topic"])
        for topic, by_name in counts:
            family.add_metric([topic], by_name.get(name, 0) + by_name.get(f"warmup_{name}", 0))
        yield family
    text = "Measured events acknowledged and not observed: on their way while the run is on, lost when it is over."
    unobserved = GaugeMetricFamily("lensload_unobserved_events", text, labels=["topic"])
    for topic, by_name in counts:
        unobserved.add_metric([topic], max(0, by_name.get("acked", 0) - by_name.get("observed", 0)))
    yield unobserved
    text = "Events that failed, by error."
    errors = CounterMetricFamily("lensload_errors", text, labels=["topic", "error"])
    for labels, count in sorted(recorder.stats.errors.items()):
        errors.add_metric(list(labels), count)
    yield errors


def _service(recorder: Recorder) -> Iterator[Metric]:
    """A service under test: its answers, and the lag of the groups that are watched."""
    if recorder.replies:
        text = "Requests to the service under test since the run's start, warm-up included."
        yield CounterMetricFamily("lensload_requests", text, recorder.replies.requests)
        text = "Of those, the ones with an answer."
        yield CounterMetricFamily("lensload_answered_requests", text, recorder.replies.answered)
    labels = ["group", "topic"]
    records = GaugeMetricFamily("lensload_group_lag_records", "Records behind, as seen last.", labels=labels)
    seconds = GaugeMetricFamily("lensload_group_lag_seconds", "Seconds behind, as seen last.", labels=labels)
    for group, row in recorder.groups.last().items():
        for topic, (lag, lag_s) in row["topics"].items():
            records.add_metric([group, topic], lag)
            seconds.add_metric([group, topic], lag_s)
    if records.samples:
        yield from (records, seconds)


def _latencies(recorder: Recorder) -> Metric:
    family = HistogramMetricFamily(
        "lensload_latency_seconds",
        "Latency of measured events from when each was due; of encode and serialize, how long it took.",
        labels=["stage", "topic"],
    )
    for (stage, topic), histogram in sorted(recorder.stats.histograms.items()):
        if stage in STAGES and histogram.count:
            family.add_metric([stage, topic], _buckets(histogram), histogram.sum_ns / 1e9)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """How many latencies are at most each of `BUCKETS_S`, to the three digits of the histogram."""
    at_most = np.cumsum(histogram.counts)[bucket_indices((np.array(BUCKETS_S) * 1e9).astype(np.int64))]
    cumulated = [(repr(limit), float(count)) for limit, count in zip(BUCKETS_S, at_most, strict=True)]
    return [*cumulated, ("+Inf", float(histogram.count))]

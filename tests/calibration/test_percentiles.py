"""Percentiles of a run file against exact ones, from every single latency that the same run's processes recorded."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lensload.metrics.stats import STAGES
from tests.calibration.benches import SMALL, on, options
from tests.calibration.table import Table
from tests.harness.kafka import Kafka
from tests.support.locusts import Locust

PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "p9999": 99.99, "max": 100.0}
STATED_ERROR = 1 / 1000  # three significant digits
# The real generators and observers, which besides write down whatever they record.
KEEPING = (
    "import functools\nfrom lensload.locust import OrdinaryAudience, hooks\nfrom lensload.processes.supervisor import Supervisor\n"
    "hooks.make_supervisor = functools.partial(\n    Supervisor,"
    " generator_module='lensload_keeping.generator', observer_module='lensload_keeping.observer')\n"
)
LOAD = options(user_rate=10_000, duration="10s", warmup="1s")


def test_percentiles_are_those_of_the_raw_samples(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, table: Table
):
    """For every stage and topic, through two workers, the wire, merging and the file: within 3 significant digits."""
    arguments = ("--headless", "-u", "2", "-r", "100", "--processes", "2", "--run-time", "11s")
    environ = {"LENSLOAD_KEEP_IN": str(tmp_path)}
    settings = (*SMALL, *on(kafka.bootstrap_servers, topic_prefix), *LOAD)
    with Locust(tmp_path, *arguments, *settings, locustfile=KEEPING, environ=environ) as locust:
        assert locust.ended() in (0, 3), locust.log
        run = locust.run()
    raw_ns = kept(tmp_path)
    for stage in STAGES:
        of_stage = {topic: ns for (of, topic), ns in raw_ns.items() if of == stage}
        if not of_stage:  # nothing is noted event by event there
            continue
        worst, compared = 0.0, 0
        for topic, ns in {**of_stage, "all": np.concatenate(list(of_stage.values()))}.items():
            summary = run["latency_us"][stage][topic]
            assert summary["count"] == len(ns), (stage, topic)
            for name, percent in PERCENTILES.items():
                if summary[name] is not None:
                    compared += 1
                    worst = max(worst, off_by(summary[name] * 1000, exact(ns, percent)), key=abs)
        what = f"{stage}: worst of {compared} percentiles of {sum(map(len, of_stage.values())):,} samples"
        table.near(what, 0.0, 100 * worst, 100 * STATED_ERROR, "%")


def kept(folder: Path) -> dict[tuple[str, str], NDArray[np.int64]]:
    """What all processes wrote down, by stage and topic."""
    found: defaultdict[tuple[str, str], list[NDArray[np.int64]]] = defaultdict(list)
    for path in folder.glob("kept-*"):
        _, stage, topic, _ = path.name.split("+")
        found[stage, topic].append(np.fromfile(path, np.int64))
    return {key: np.sort(np.concatenate(parts)) for key, parts in found.items()}


def exact(ns: NDArray[np.int64], percent: float) -> int:
    """The sample whose rank is so many per cent of their number, rounded, as HDR histograms in C and Python count."""
    return int(np.sort(ns)[max(1, int(percent * len(ns) / 100 + 0.5)) - 1])


def off_by(reported: float, truth: float) -> float:
    """By which share a figure is wrong; a nanosecond at 0 is not."""
    return 0.0 if abs(reported - truth) < 1 else (reported - truth) / truth

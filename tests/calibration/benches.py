"""Runs of `lensload bench` whose result is held against something."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from lensload.metrics.histogram import bucket_indices
from lensload.results.counted import stats_of
from lensload.results.run import Run
from tests.support.locusts import Bench, child_pids

SATURATED = 0.85
SMALL = ("--audience-size", "500", "--catalogue-size", "200")


def busy() -> bool:
    """Others keep this machine's processors busy, so that how long something takes is no longer ours alone."""
    return os.getloadavg()[0] > 2 * (os.cpu_count() or 1)


def saturated(*runs: Run) -> bool:
    """Next to nothing of this machine's processors was left during a run, by its own figures: what it timed had to wait."""
    return any((cost["busy"] or 0) > SATURATED for run in runs for cost in run.get("cost") or ())


def on(bootstrap_servers: str, prefix: str = "") -> tuple[str, ...]:
    """The options for a real broker, without a registry."""
    return ("--bootstrap-servers", bootstrap_servers, "--registry-url", "mock://", "--topic-prefix", prefix)


def options(**values: Any) -> tuple[str, ...]:
    """rate=5 as --rate 5."""
    return tuple(
        part for name, value in values.items() for part in (f"--{name.replace('_', '-')}", str(value))
    )


def bench(folder: Path, name: str, *arguments: str, timeout_s: float = 120) -> tuple[Run, int]:
    """A whole run and its exit code."""
    place = folder / name
    place.mkdir()
    with Bench(place, *SMALL, *arguments) as running:
        code = running.ended(timeout_s)
        assert running.run_file.exists(), running.log
        return running.run(), code


def above(run: Run, stage: str, latency_s: float) -> int:
    """How many events of all topics took longer than this at a stage, by the run file's histograms."""
    first = int(bucket_indices(np.array([round(latency_s * 1e9)]))[0]) + 1
    return sum(
        int(one.counts[first:].sum()) for (of, _), one in stats_of(run).histograms.items() if of == stage
    )


def process(folder: Path, module: str) -> int:
    """The pid of the one process of a run in a folder that runs this module."""
    (found,) = child_pids(folder, module)
    return found

"""Runs made of figures, for what reads run files: built by the same code as a real one."""

import pickle
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from lensload.metrics.stats import Stats
from lensload.results.build import Recording, build
from lensload.results.run import Run
from lensload.verdict.evidence import RunFacts
from lensload.verdict.thresholds import Thresholds
from tests.support.courses import rows_of, slices_of

TOPICS = ("recommendation-requests", "recommendation-responses", "user-interactions")
# The share of the end-to-end latency that has passed at each stage.
_PASSED = {"schedule_lag": 0.02, "ack": 0.6, "end_to_end": 1.0}


def a_run(
    *,
    seconds: int = 20,
    per_s: int = 300,
    median_us: float = 4_000,
    topics: Sequence[str] = TOPICS,
    failed: int = 0,
    errors: Sequence[str] = (),
    embedded: bool = False,
    seed: int = 1,
) -> Run:
    """A run with latencies drawn from a log-normal distribution, `per_s` events a second of each topic.

    It is the caller's own, to be changed.
    """
    made = _pickled(
        seconds=seconds,
        per_s=per_s,
        median_us=median_us,
        topics=tuple(topics),
        failed=failed,
        errors=tuple(errors),
        embedded=embedded,
        seed=seed,
    )
    return pickle.loads(made)  # noqa: S301 - our own


@lru_cache(maxsize=64)
def _pickled(
    *,
    seconds: int,
    per_s: int,
    median_us: float,
    topics: tuple[str, ...],
    failed: int,
    errors: tuple[str, ...],
    embedded: bool,
    seed: int,
) -> bytes:
    """The run that is made once for all tests that ask for it."""
    draws = np.random.default_rng(seed)
    whole, all_stats = Stats(), list[Stats]()
    target_per_s = float(per_s * len(topics))
    for _ in range(seconds):
        fresh = Stats()
        for topic in topics:
            _measure(fresh, topic, draws.lognormal(np.log(median_us * 1e3), 0.6, per_s).astype(np.int64))
        all_stats.append(fresh)
        whole.add(fresh)
    if failed:
        whole.count(topics[0], "failed", failed)
    for text in errors:
        whole.error(topics[0], text, 3)
    facts = RunFacts(
        started_ns=1_772_600_767_891_000_000,
        measured_s=seconds,
        target_per_s=target_per_s,
        embedded=embedded,
    )
    slices = slices_of(all_stats)
    recording = Recording(
        facts=facts, series=rows_of(all_stats, target_per_s), slices=slices.finished(), coarse=slices.coarse()
    )
    conditions = {
        "versions": {"python": "3.11.7", "lensload": "0.1.0"},
        "machine": {"cpus": 2, "memory_bytes": 24 * 2**30},
        "cluster": {"embedded": embedded, "brokers": ["127.0.0.1:9092"]},
        "configuration": {"rate": target_per_s, "topics": list(topics), "client_config": None, "seed": seed},
        "seed": seed,
    }
    return pickle.dumps(build(whole, recording, conditions, Thresholds(min_measured_s=0, min_events=0)))


def _measure(stats: Stats, topic: str, latencies_ns: np.ndarray) -> None:
    for name in ("produced", "acked", "observed"):
        stats.count(topic, name, len(latencies_ns))
    for stage, share in _PASSED.items():
        stats.record(stage, topic, (latencies_ns * share).astype(np.int64))
    stats.record("serialize", topic, np.full(min(5, len(latencies_ns)), 9_000, np.int64))
    stats.add_total("bytes", 240.0 * len(latencies_ns))

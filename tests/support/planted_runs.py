"""Runs made up from numbers, with autocorrelation and a difference between runs as real ones have, and a planted truth."""

from functools import lru_cache

import numpy as np

from lensload.config.model import RunConfig
from lensload.metrics.confidence import Floats
from lensload.metrics.stats import Stats
from lensload.results.build import Recording, build
from lensload.results.environment import conditions
from lensload.results.run import Run
from lensload.verdict.evidence import RunFacts
from lensload.verdict.slo import Slo
from tests.support.courses import slices_of

RATE = 300
TOPIC = "user-interactions"


def drift(seconds: int, phi: float, random: np.random.Generator) -> Floats:
    """An autoregressive series of standard deviation 1."""
    found = np.empty(seconds)
    found[0] = random.normal()
    for at in range(1, seconds):
        found[at] = phi * found[at - 1] + random.normal() * (1 - phi**2) ** 0.5
    return found


@lru_cache(maxsize=512)
def a_run(
    seed: int = 0,
    *,
    slower: float = 1.0,
    seconds: int = 20,
    within: float = 0.1,
    phi: float = 0.6,
    between: float = 0.0,
    topics: tuple[str, ...] = (TOPIC,),
    objectives: tuple[str, ...] = (),
    lost: int = 0,
) -> Run:
    """A run whose end-to-end latency is log-normal about 10 ms, times `slower`.

    Args:
        seed: of the whole run.
        slower: the planted truth.
        seconds: how long it measures.
        within: how much the latency of a second differs from the next ones (standard deviation of its logarithm).
        phi: how much of that is still there a second later.
        between: how much a run differs from another.
        topics: each has an equal share.
        objectives: what is asked of it.
        lost: of the first topic's events.
    """
    random = np.random.default_rng(seed)
    level = np.log(10e6 * slower) + between * random.normal() + within * drift(seconds, phi, random)
    whole, all_stats = Stats(), list[Stats]()
    for second in range(seconds):
        fresh = Stats()
        for topic in topics:
            count = RATE // len(topics)
            for name in ("produced", "acked", "observed"):
                fresh.count(topic, name, count)
            latencies_ns = np.exp(random.normal(level[second], 0.4, count)).astype(np.int64)
            fresh.record("end_to_end", topic, latencies_ns)
            fresh.record("ack", topic, latencies_ns // 2)
            fresh.record("schedule_lag", topic, np.full(count, 90_000))
        if second == 0 and lost:
            fresh.count(topics[0], "observed", -lost)
        whole.add(fresh)
        all_stats.append(fresh)
    facts = RunFacts(
        started_ns=1_772_600_000_000_000_000 + seed * 10**9,
        measured_s=float(seconds),
        target_per_s=float(RATE),
    )
    recording = Recording(facts=facts, slices=slices_of(all_stats).finished())
    configuration = RunConfig.of(topics=topics, rate=RATE, duration_s=float(seconds)).public()
    known = conditions(configuration, {"embedded": False})
    return build(whole, recording, known, slos=[Slo.parse(text) for text in objectives])

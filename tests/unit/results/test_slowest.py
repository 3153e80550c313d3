"""Where the time of the slowest went: what was planted in some seconds is found there, whatever the mean says."""

from typing import Any, cast

import numpy as np
import pytest

from lensload.metrics.stats import Stats
from lensload.results.breakdown import PLACES
from lensload.results.merge import merged
from lensload.results.run import Run
from lensload.results.slowest import Slowest, sentence, slowest
from tests.support.courses import slices_of
from tests.support.runs import a_run

TOPIC = "user-interactions"


def a_second(lag_ms: float, ack_ms: float, end_ms: float) -> Stats:
    """A hundred events of which five took this long, and the rest a millisecond."""
    stats = Stats()
    for stage, slow_ms in (("schedule_lag", lag_ms), ("ack", ack_ms), ("end_to_end", end_ms)):
        usual_ms = {"schedule_lag": 0.1, "ack": 0.8, "end_to_end": 1.0}[stage]
        times_ms = np.full(100, usual_ms)
        times_ms[:5] = max(slow_ms, usual_ms)
        stats.record(stage, TOPIC, (times_ms * 1e6).astype(np.int64))
    return stats


def figures(p99_us: float | None) -> dict[str, Any]:
    """A run with that end-to-end p99."""
    return {"topics": {TOPIC: {}}, "latency_us": {"end_to_end": {"all": {"p99": p99_us}}}}


@pytest.mark.parametrize(
    ("planted", "place"),
    [((58, 70, 91), "generator"), ((1, 85, 91), "broker"), ((1, 5, 91), "consumer")],
)
def test_the_planted_cause_is_named_and_its_seconds(planted: tuple[float, float, float], place: str) -> None:
    """Two seconds of thirty are slow for one reason: the slowest went there, by about so much."""
    slices = slices_of(
        [a_second(*planted) if second in (12, 20) else a_second(0, 0, 0) for second in range(30)]
    )
    (found,) = slowest(slices.coarse(), figures(80e3), ())
    assert (found["events"], found["seconds"], found["first_s"]) == (10, 2.0, 12.0)
    fall = found["breakdown"]
    assert fall["mostly"] == place
    assert fall["end_to_end_us"] == pytest.approx(91e3, rel=0.05)
    assert fall["generator_us"] == pytest.approx(planted[0] * 1e3, rel=0.06)
    parts = cast("dict[str, float | None]", fall)
    assert sum(parts[f"{place}_us"] or 0.0 for place in PLACES) == pytest.approx(fall["end_to_end_us"])


def test_the_clients_queue_names_the_options_that_fill_it() -> None:
    """Where the slowest waited in the client's queue, the linger and the property that bounds requests are named."""
    (slow,) = slowest(slices_of([a_second(1, 85, 91)]).coarse(), figures(80e3), ())
    queued = {**slow, "breakdown": {**slow["breakdown"], "client_us": 80e3, "mostly": "client"}}
    for option in ("--linger", "max.in.flight.requests.per.connection"):
        assert option in sentence(cast("Slowest", queued), 5.0)
        assert option not in sentence(slow, 5.0)


def test_lag_elsewhere_is_not_blamed() -> None:
    """A generator that was late in other seconds than those of the slowest is no cause of these."""
    slices = slices_of([a_second(0, 85, 91) if second == 3 else a_second(60, 61, 62) for second in range(10)])
    (found,) = slowest(slices.coarse(), figures(80e3), ())
    assert found["breakdown"]["mostly"] == "broker"


def test_without_slow_events_nothing_is_said() -> None:
    """Where nothing was measured there is no breakdown of it."""
    assert slowest([], figures(None), ()) == []
    assert slowest([], figures(1.0), ()) == []


def test_merged_repeats_say_where_the_time_of_their_slowest_went() -> None:
    """Several runs as one have the slowest of all their events, from their common p99 on, and each figure of any of them."""
    runs = [a_run(seed=seed, median_us=4_000 * seed) for seed in (1, 2)]
    missed = [{**run, "slowest": [{**run.get("slowest", [])[0], "figure": "ack.p90"}]} for run in runs[1:]]
    whole = merged([runs[0], *cast("list[Run]", missed)], ["a", "b"], 2)
    found = {slow["figure"]: slow for slow in whole.get("slowest", [])}
    assert set(found) == {"end_to_end.p99", "ack.p90"}
    p99 = whole["latency_us"]["end_to_end"]["all"]["p99"]
    assert found["end_to_end.p99"]["from_us"] == p99
    assert found["end_to_end.p99"]["events"] == pytest.approx(0.01 * 2 * 20 * 900, rel=0.5)
    assert found["end_to_end.p99"]["of_s"] == 40

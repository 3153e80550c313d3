"""What a run is worth."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.observer_lag import ObserverLag
from lensload.verdict.rules import Evidence, judge
from lensload.verdict.thresholds import Thresholds

# A minute at 5,000 events/s in which all went well.
GOOD = Evidence(
    measured_s=60.0,
    target_per_s=5_000.0,
    produced=300_000,
    acked=300_000,
    observed=300_000,
    schedule_lag_us={"p50": 90.0, "p90": 300.0, "p99": 900.0},
)
BEHIND = ObserverLag("p90", end_to_end_us=1_800_000.0, ack_us=300_000.0)


def only_reason(evidence: Evidence, thresholds: Thresholds | None = None) -> str:
    (reason,) = (judge(evidence, thresholds) if thresholds else judge(evidence)).reasons
    return reason


def test_a_good_run_passes_without_a_word():
    """Nothing is said about a run of which there is nothing to say."""
    verdict = judge(GOOD)
    assert (verdict.verdict, verdict.exit_code, verdict.reasons) == ("pass", 0, ())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"produced": 296_999, "acked": 296_999, "observed": 296_999}, "Only 99.0 % of the load"),
        ({"schedule_lag_us": {"p50": 10.0, "p90": 20.0, "p99": 100_001.0}}, "schedule lag is 100 ms at p99"),
        ({"queue_full": 1}, "queue was full once"),
        ({"unflushed": 1, "acked": 299_999, "observed": 299_999}, "The fate of 1 event is unknown"),
        ({"observer_complete": False}, "did not reach the ends of the partitions"),
        ({"negative_fraction": 0.011}, "1.1 % of the latencies of a stage lie below 0"),
        ({"mismatched": 2}, "2 events of the sample differently"),
        ({"embedded": True, "observed": 299_000, "lost": 1_000}, "5 MiB a partition"),
        ({"observer_lag": BEHIND}, "The observer fell behind by 1.5 s"),
        ({"read_again": 3}, "it read 3 records again"),
        ({"gone": 7, "lost": 0}, "lost its place: 7 records had been deleted"),
        ({"embedded": True, "gone": 7}, "missed 7 events that the embedded cluster"),
        ({"clock_step_s": 0.25}, "A clock was set by 250.0 ms"),
        ({"clock_doubt_us": 501.0, "end_to_end_p50_us": 5_000.0}, "may be 501 us apart"),
        ({"died": ("The engine of worker 2 ended with signal 9",)}, "worker 2 ended with signal 9."),
    ],
)
def test_what_makes_figures_untrustworthy(change: dict[str, object], says: str):
    """Each way of not being the measurement that was asked for makes a run invalid, and is told."""
    verdict = judge(replace(GOOD, **change))
    assert (verdict.verdict, verdict.exit_code) == ("invalid", 3)
    assert len(verdict.reasons) == 1
    assert says in verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"failed": 3, "acked": 299_997, "observed": 299_997}, "did not take 3 events (0.001 %"),
        ({"observed": 299_999, "lost": 1}, "1 event (0.0003 % of those acknowledged) never arrived"),
        ({"corrupt": 1}, "1 event arrived, but not as sent"),
    ],
)
def test_what_the_cluster_did_wrong_fails(change: dict[str, object], says: str):
    """Failed, lost and corrupt events are true figures of a bad cluster: fail, not invalid."""
    verdict = judge(replace(GOOD, **change))
    assert (verdict.verdict, verdict.exit_code) == ("fail", 1)
    assert says in verdict.reasons[0]


def test_a_run_that_was_cut_short_is_no_verdict():
    """A run that somebody stopped is invalid, however good it was: a cancelled job must not pass."""
    verdict = judge(replace(GOOD, cut_short=True))
    assert verdict.verdict == "invalid"
    assert "cut short: only 60.0 s were measured" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"duplicated": 1}, "1 event arrived more than once"),
        ({"reordered": 2}, "2 events arrived behind a later one"),
    ],
)
def test_what_is_told_but_changes_nothing(change: dict[str, object], says: str):
    """Duplicates and reordering are told, and do not turn a pass."""
    evidence = replace(GOOD, **change)
    assert judge(evidence).verdict == "pass"
    assert says in only_reason(evidence)


def test_an_event_seen_without_acknowledgement_is_told():
    """An event counted as failed and written all the same does not vanish from the account."""
    reasons = judge(replace(GOOD, acked=299_999, failed=1, written=1)).reasons
    assert any("1 event arrived without an acknowledgement" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"measured_s": 0.0, "produced": 0, "acked": 0, "observed": 0}, "no event was due after the warm-up"),
        ({"produced": 0, "acked": 0, "observed": 0}, "events were due, and none was produced"),
        ({"acked": 0, "observed": 0}, "the cluster acknowledged none of 300,000"),
        ({"observed": 0}, "the observer saw none of 300,000"),
    ],
)
def test_nothing_measured_is_invalid(change: dict[str, object], says: str):
    """A run without figures never passes, and says where the events stopped."""
    verdict = judge(replace(GOOD, schedule_lag_us={}, **change))
    assert verdict.verdict == "invalid"
    assert says in verdict.reasons[0]


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"produced": 200_000, "acked": 200_000, "observed": 200_000}, "generator"),
        ({"produced": 0, "acked": 0, "observed": 0, "schedule_lag_us": {}}, "generator"),
        ({"schedule_lag_us": {"p99": 200_000.0}}, "generator"),
        ({"observer_lag": BEHIND}, "generator"),
        ({"observer_complete": False}, "generator"),
        ({"observed": 0}, "generator"),
        ({"embedded": True, "lost": 1_000}, "generator"),
        ({"embedded": True, "queue_full": 1}, "generator"),
        ({"queue_full": 1, "schedule_lag_us": {"p99": 200_000.0}}, "cluster"),
        ({"unflushed": 1}, "cluster"),
        ({"acked": 0, "observed": 0, "failed": 300_000}, "cluster"),
        ({"clock_step_s": 0.25, "schedule_lag_us": {"p99": 200_000.0}}, None),
        ({"negative_fraction": 0.5}, None),
        ({"died": ("An engine died",), "produced": 0}, None),
        ({"cut_short": True}, None),
        ({"read_again": 3}, None),
        ({"mismatched": 1, "queue_full": 1}, None),
        ({"measured_s": 0.0, "produced": 0, "acked": 0, "observed": 0}, None),
        ({"lost": 5}, None),
        ({}, None),
    ],
)
def test_what_an_invalid_run_is_limited_by(change: dict[str, object], limit: str | None):
    """What was too slow for the rate is named, and nothing is where the rate is not the cause or the run is valid."""
    assert judge(replace(GOOD, **change)).limited_by == limit


def test_a_poisson_run_that_is_short_by_chance_is_limited_by_nothing():
    """The limit goes by the verdict's own rule: a shortfall that chance explains is none."""
    short = replace(GOOD, measured_s=1.0, target_per_s=100.0, produced=70, acked=70, observed=70)
    assert judge(short).limited_by == "generator"
    assert judge(replace(short, random_arrivals=True)).limited_by is None


def test_invalid_outranks_fail_and_tells_both():
    """Whoever reads the first reason knows whether to trust the rest."""
    verdict = judge(replace(GOOD, failed=5, queue_full=2))
    assert verdict.verdict == "invalid"
    assert "queue was full 2 times" in verdict.reasons[0]
    assert "did not take 5 events" in verdict.reasons[1]


def test_an_observer_that_gave_up_finds_nothing_lost():
    """What was not read may only be late: it makes a run invalid, not a cluster guilty."""
    assert "may only be late" in only_reason(
        replace(GOOD, observer_complete=False, observed=299_000, lost=1_000)
    )


def test_the_observer_is_accused_with_the_figures_that_prove_it():
    """A reader can look up both latencies at the percentile that is named."""
    reason = only_reason(replace(GOOD, observer_lag=BEHIND))
    for figure in ("p90", "1.800 s", "0.300 s", "1 s"):
        assert figure in reason
    assert judge(replace(GOOD, observer_lag=replace(BEHIND, ack_us=900_000.0))).verdict == "pass"
    assert judge(replace(GOOD, observer_lag=BEHIND), Thresholds(max_observer_lag_s=2)).verdict == "pass"


@pytest.mark.parametrize("acks", ["0", "1"])
def test_without_acks_all_a_late_sight_is_remarked_and_accuses_nobody(acks: str):
    """An event may then be acknowledged long before the cluster lets the observer read it."""
    evidence = replace(GOOD, observer_lag=BEHIND, acks=acks)
    assert judge(evidence).verdict == "pass"
    assert "late by 1.5 s" in only_reason(evidence)


def test_an_outage_of_the_cluster_accuses_no_observer():
    """What a broker acknowledged before it went away can be read only when it is back."""
    evidence = replace(GOOD, observer_lag=BEHIND, outage=True)
    assert judge(evidence).verdict == "pass"
    assert "late by 1.5 s" in only_reason(evidence)


def test_clocks_that_differ_are_no_observers_lag():
    """What the clocks of two hosts may be apart is not held against the observer."""
    doubtful = replace(GOOD, observer_lag=BEHIND, clock_doubt_us=600_000.0)
    assert judge(doubtful).verdict == "pass"


def test_it_is_told_from_when_the_generator_was_behind():
    """A reader learns from when the schedule was late, for how long, and by how much at worst."""
    late = {"late_from_s": 12.0, "late_s": 5, "worst_lag_us": 2_300_000.0}
    reason = only_reason(replace(GOOD, schedule_lag_us={"p99": 150_000.0}, **late))
    assert "(from 12 s on, in 5 of 60 s; 2,300 ms at worst)" in reason


def test_lag_is_judged_by_the_highest_percentile_there_is():
    """A short run cannot hide a client that stalls behind a missing p99."""
    evidence = replace(GOOD, schedule_lag_us={"p50": 10.0, "p90": 3_000_000.0})
    assert "3,000 ms at p90" in only_reason(evidence)


@given(rate=st.floats(0.01, 10_000), seconds=st.floats(1, 10_000), workers=st.integers(1, 16))
def test_rounding_to_whole_events_is_no_shortfall(rate: float, seconds: float, workers: int):
    """A schedule that gave every whole event due is on target, at any rate, length and number of workers."""
    produced = max(1, workers * int(rate * seconds / workers))
    evidence = replace(
        GOOD,
        measured_s=seconds,
        target_per_s=rate,
        workers=workers,
        produced=produced,
        acked=produced,
        observed=produced,
    )
    assert judge(evidence).verdict == "pass"


def test_poisson_arrivals_may_be_short_by_chance():
    """100 expected Poisson arrivals give 65 or fewer once in 8,000 runs: that is chance, 50 is not."""
    few = replace(GOOD, measured_s=10.0, target_per_s=10.0, produced=65, acked=65, observed=65)
    assert judge(few).verdict == "invalid"
    assert judge(replace(few, random_arrivals=True)).verdict == "pass"
    assert judge(replace(few, random_arrivals=True, produced=50)).verdict == "invalid"


def test_thresholds_are_what_decides():
    """Each threshold moves its own decision and no other."""
    lenient = Thresholds(max_failed=0.01, max_queue_full=10, min_achieved=0.5)
    evidence = replace(GOOD, produced=200_000, failed=2_000, queue_full=10, acked=198_000, observed=198_000)
    assert judge(evidence, lenient).verdict == "pass"
    assert judge(evidence).verdict == "invalid"

"""What a run is worth."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics.cost import ProcessCost
from lensload.metrics.counts import COUNTS, sums
from lensload.metrics.observer_lag import ObserverLag
from lensload.metrics.responses import RESPONSE_COUNTS, WRONG_ANSWERS, Responses
from lensload.verdict.evidence import Evidence, LagShare, Latencies, Missing, RunFacts
from lensload.verdict.judge import CODES, RULES, judge
from lensload.verdict.rules.missing import ADVICE
from lensload.verdict.thresholds import Thresholds
from lensload.verdict.verdict import codes

# A minute at 5,000 events/s in which all went well.
GOOD = Evidence(
    facts=RunFacts(measured_s=60.0, target_per_s=5_000.0),
    counts=sums([{"produced": 300_000, "acked": 300_000, "observed": 300_000}]),
    latencies=Latencies(schedule_lag_us={"p50": 90.0, "p90": 300.0, "p99": 900.0}),
)
TOTALS = (
    "queue_full", "window_full_s", "mismatched", "deleted_before_read", "read_again", "producer_troubles", "observer_troubles",
)  # fmt: skip
ANY_LENGTH = Thresholds(min_measured_s=0, min_events=0)
BEHIND = ObserverLag("p90", end_to_end_us=1_800_000.0, ack_us=300_000.0)


def changed(evidence: Evidence, **values: Any) -> Evidence:
    """The same with other facts, counts, latencies or totals, each by its own name."""

    def its(kind: type) -> dict[str, Any]:
        return {field.name: values[field.name] for field in fields(kind) if field.name in values}

    return replace(
        evidence,
        facts=replace(evidence.facts, **its(RunFacts)),
        counts=sums([evidence.counts | {name: n for name, n in values.items() if name in COUNTS}]),
        latencies=replace(evidence.latencies, **its(Latencies)),
        totals={name: n for name, n in values.items() if name in TOTALS},
        lag_shares=values.get("lag_shares", ()),
        costs=values.get("costs", ()),
    )


def answered(**counts: int) -> Evidence:
    """A good run with a service under test, whose answers are counted so; 0 what is not named."""
    responses = {**dict.fromkeys(RESPONSE_COUNTS, 0), "breakdown": None, "reception": None, **counts}
    return replace(GOOD, responses=cast("Responses", responses))


def cost(process: str, worker: int = 0, **values: float) -> ProcessCost:
    """What a process cost that had half a core for itself."""
    idle = {
        "busy": 0.5,
        "stolen": 0.0,
        "throttled": None,
        "busiest_thread": "main",
        "busiest_thread_cores": 0.4,
    }
    used = {"measured_s": 60.0, "cpu_s": 30.0, "cores": 0.5, "peak_bytes": 1 << 27, "cpus": 2}
    return cast("ProcessCost", {"process": process, "worker": worker, **used, **idle, **values})


def only_reason(evidence: Evidence, thresholds: Thresholds | None = None) -> tuple[str, str]:
    """The code and the text of a verdict's one reason."""
    (reason,) = (judge(evidence, thresholds) if thresholds else judge(evidence))["reasons"]
    return reason["code"], reason["text"]


def test_every_rule_has_a_code_of_its_own():
    """A code is the name of one rule, or of one kind of reason whose text comes from elsewhere."""
    assert len(set(CODES)) == len(CODES)
    assert all(re.fullmatch("[a-z_]+", code) for code in CODES)


def test_every_rule_is_a_test_case_here():
    """A rule that is added is shown to hold: its code is in one of the lists of this file."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [rule.code for rule in RULES if f'"{rule.code}"' not in text] == []


def test_a_good_run_passes_without_a_word():
    """Nothing is said about a run of which there is nothing to say."""
    verdict = judge(GOOD)
    assert verdict == {"verdict": "pass", "reasons": [], "limited_by": None}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"produced": 296_999, "acked": 296_999, "observed": 296_999}, "load_not_reached"),
        ({"schedule_lag_us": {"p50": 10.0, "p90": 20.0, "p99": 100_001.0}}, "schedule_lag"),
        ({"queue_full": 1}, "queue_full"),
        ({"lag_shares": (LagShare("ack.p99 < 10ms", 91e3, 10e3, 58e3, held=False),)}, "lag_decides"),
        ({"lag_shares": (LagShare("ack.p99 < 50ms", 60e3, 50e3, 14e3, held=False),)}, "lag_decides"),
        ({"measured_s": 4.9, "target_per_s": 61_224.5}, "too_short"),
        (
            {"target_per_s": 16.65, **dict.fromkeys(("produced", "acked", "observed"), 999)},
            "too_short",
        ),
        ({"unflushed": 1, "acked": 299_999, "observed": 299_999}, "unflushed"),
        ({"observer_complete": False}, "observer_incomplete"),
        ({"negative_fraction": 0.011}, "negative_latency"),
        ({"mismatched": 2}, "serializer_mismatch"),
        ({"embedded": True, "observed": 299_000, "lost": 1_000}, "embedded_overrun"),
        ({"observer_lag": BEHIND}, "observer_lag"),
        ({"read_again": 3}, "read_again"),
        ({"deleted_before_read": 7, "lost": 0}, "deleted_before_read"),
        ({"embedded": True, "deleted_before_read": 7}, "embedded_overrun"),
        ({"clock_step_s": 0.25}, "clock_step"),
        ({"clock_doubt_us": 501.0, "end_to_end_p50_us": 5_000.0}, "clock_doubt"),
        *(({"missing": (Missing(code, "The generator of worker 2 ended"),)}, code) for code in ADVICE),
    ],
)
def test_what_makes_figures_untrustworthy(change: dict[str, object], code: str):
    """Each way of not being the measurement that was asked for makes a run invalid, and is told."""
    verdict = judge(changed(GOOD, **change))
    assert verdict["verdict"] == "invalid"
    assert codes(verdict["reasons"]) == [code]


def test_a_service_without_any_answer_fails_and_one_that_answers_passes():
    """No answers at all are a verdict; requests that were all answered are not worth a word."""
    assert only_reason(answered(requests=10, unanswered=10))[0] == "no_answers"
    assert judge(answered(requests=10, unanswered=10))["verdict"] == "fail"
    assert judge(answered(requests=10, answered=10))["reasons"] == []


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_each_wrong_answer_is_a_remark(name: str):
    """What is wrong with answers is told with its count, whether or not there is an objective for it."""
    code, text = only_reason(answered(requests=10, answered=9, **{name: 7}))
    assert code == "answers_wrong"
    assert f"7 {WRONG_ANSWERS[name]}" in text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"failed": 3, "acked": 299_997, "observed": 299_997}, "failed"),
        ({"observed": 299_999, "lost": 1}, "lost"),
        ({"corrupt": 1}, "corrupt"),
    ],
)
def test_what_the_cluster_did_wrong_fails(change: dict[str, object], code: str):
    """Failed, lost and corrupt events are true figures of a bad cluster: fail, not invalid."""
    verdict = judge(changed(GOOD, **change))
    assert verdict["verdict"] == "fail"
    assert codes(verdict["reasons"]) == [code]


def test_a_run_that_was_cut_short_is_no_verdict():
    """A run that somebody stopped is invalid, however good it was: a cancelled job must not pass."""
    verdict = judge(changed(GOOD, cut_short=True))
    assert verdict["verdict"] == "invalid"
    assert codes(verdict["reasons"]) == ["cut_short"]
    assert only_reason(changed(GOOD, cut_short=True, open_ended=True))[0] == "stopped"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"duplicated": 1}, "duplicated"),
        ({"unknown": 1}, "unknown"),
        ({"lag_shares": (LagShare("ack.p99 < 50ms", 40e3, 50e3, 14e3, held=True),)}, "lag_share"),
        ({"lag_shares": (LagShare("ack.p99 < 9ms", 40e3, 9e3, 3e3, held=False),)}, "lag_share"),
        ({"reordered": 2}, "reordered"),
        ({"costs": (cost("generator", busiest_thread_cores=0.81),)}, "generator_busy"),
        ({"costs": (cost("generator"), cost("observer", busiest_thread_cores=0.97))}, "observer_busy"),
        ({"costs": (cost("generator"), cost("observer", stolen=0.051))}, "cpu_steal"),
        ({"costs": (cost("generator", throttled=0.011), cost("observer", throttled=0.0))}, "cpu_throttled"),
        ({"costs": (cost("generator", busy=0.96),)}, "machine_busy"),
    ],
)
def test_what_is_told_but_changes_nothing(change: dict[str, object], code: str):
    """Duplicates and reordering are told, and do not turn a pass."""
    evidence = changed(GOOD, **change)
    assert judge(evidence)["verdict"] == "pass"
    assert only_reason(evidence)[0] == code


FULL_S = 60.0  # all of the good run's time


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"window_full_s": 5.0}, "limited_by_generator"),
        (
            {"window_full_s": 5.0, "costs": (cost("generator", busiest_thread_cores=0.99),)},
            "limited_by_generator",
        ),
        ({"window_full_s": FULL_S}, "limited_by_broker"),
        (
            {"window_full_s": FULL_S, "costs": (cost("generator", busiest_thread_cores=0.9),)},
            "limited_by_broker",
        ),
        (
            {
                "window_full_s": FULL_S,
                "costs": (
                    cast(
                        "ProcessCost",
                        {**cost("generator", busiest_thread_cores=0.9), "busiest_thread": "rdk:broker1"},
                    ),
                ),
            },
            "limited_by_client",
        ),
        ({"window_full_s": FULL_S, "observer_lag": BEHIND}, "limited_by_observer"),
        ({"window_full_s": 7.0, "workers": 2}, "limited_by_generator"),
        ({"window_full_s": 13.0, "workers": 2}, "limited_by_broker"),
    ],
)
def test_a_run_without_a_schedule_says_what_limits_it(change: dict[str, object], code: str):
    """Such a run passes, cannot be late or held back, and names what kept it from going faster, in one remark."""
    late = {"schedule_lag_us": {"p99": 900_000.0}, "queue_full": 3}
    verdict = judge(changed(GOOD, flat_out=True, **late, **change))
    assert (verdict["verdict"], verdict["limited_by"]) == ("pass", code.removeprefix("limited_by_"))
    assert codes(verdict["reasons"]) == [code]


def test_a_run_without_a_schedule_can_be_invalid():
    """What has nothing to do with a schedule still makes it invalid, and then it says nothing of its limit."""
    verdict = judge(changed(GOOD, flat_out=True, clock_step_s=0.25))
    assert (verdict["verdict"], verdict["limited_by"]) == ("invalid", None)


def test_a_process_that_has_room_is_not_worth_a_word():
    """A coordinator may be busy, and generators and observers that leave most of their cores free are not named."""
    costs = (
        cost("generator", throttled=0.01),
        cost("observer", 1),
        cost("coordinator", busiest_thread_cores=1.0),
    )
    assert judge(changed(GOOD, costs=costs))["reasons"] == []


def test_the_busiest_of_several_is_named():
    """A reader learns which worker's process is near its end, and by how much."""
    costs = (cost("generator", 0, busiest_thread_cores=0.85), cost("generator", 7, busiest_thread_cores=0.93))
    _, text = only_reason(changed(GOOD, costs=costs))
    assert "0.93" in text
    assert "7" in text


def test_an_event_seen_without_acknowledgement_is_told():
    """An event counted as failed and written all the same does not vanish from the account."""
    reasons = judge(changed(GOOD, acked=299_999, failed=1, failed_but_delivered=1))["reasons"]
    assert codes(reasons) == ["failed", "failed_but_delivered"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"measured_s": 0.0, "produced": 0, "acked": 0, "observed": 0}, "nothing_due"),
        ({"produced": 0, "acked": 0, "observed": 0}, "nothing_produced"),
        ({"acked": 0, "observed": 0}, "nothing_acked"),
        ({"observed": 0}, "nothing_observed"),
    ],
)
def test_nothing_measured_is_invalid(change: dict[str, object], code: str):
    """A run without figures never passes, and says where the events stopped."""
    verdict = judge(changed(GOOD, schedule_lag_us={}, **change))
    assert verdict["verdict"] == "invalid"
    assert codes(verdict["reasons"]) == [code]


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
        ({"missing": (Missing("process_died", "A generator died"),), "produced": 0}, None),
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
    assert judge(changed(GOOD, **change))["limited_by"] == limit


def test_a_poisson_run_that_is_short_by_chance_is_limited_by_nothing():
    """The limit goes by the verdict's own rule: a shortfall that chance explains is none."""
    short = changed(GOOD, measured_s=1.0, target_per_s=100.0, produced=70, acked=70, observed=70)
    assert judge(short, ANY_LENGTH)["limited_by"] == "generator"
    assert judge(changed(short, random_arrivals=True), ANY_LENGTH)["limited_by"] is None


def test_invalid_outranks_fail_and_tells_both():
    """Whoever reads the first reason knows whether to trust the rest."""
    verdict = judge(changed(GOOD, failed=5, queue_full=2))
    assert verdict["verdict"] == "invalid"
    assert codes(verdict["reasons"]) == ["queue_full", "failed"]


def test_an_observer_that_gave_up_finds_nothing_lost():
    """What was not read may only be late: it makes a run invalid, not a cluster guilty."""
    evidence = changed(GOOD, observer_complete=False, observed=299_000, lost=1_000)
    assert only_reason(evidence)[0] == "observer_incomplete"


def test_the_observer_is_accused_with_the_figures_that_prove_it():
    """A reader can look up both latencies at the percentile that is named."""
    _, text = only_reason(changed(GOOD, observer_lag=BEHIND))
    for figure in ("p90", "1.800 s", "0.300 s", "1 s"):
        assert figure in text
    assert judge(changed(GOOD, observer_lag=replace(BEHIND, ack_us=900_000.0)))["verdict"] == "pass"
    assert judge(changed(GOOD, observer_lag=BEHIND), Thresholds(max_observer_lag_s=2))["verdict"] == "pass"


@pytest.mark.parametrize("acks", ["0", "1"])
def test_without_acks_all_a_late_sight_is_remarked_and_accuses_nobody(acks: str):
    """An event may then be acknowledged long before the cluster lets the observer read it."""
    evidence = changed(GOOD, observer_lag=BEHIND, acks=acks)
    assert judge(evidence)["verdict"] == "pass"
    assert only_reason(evidence)[0] == "observer_lag_unattributed"


def test_a_rate_that_was_changed_by_hand_is_remarked_on():
    """Percentiles of several rates together are never passed off as those of one, and are no fault of the run."""
    verdict = judge(changed(GOOD, rate_changes=2))
    assert (verdict["verdict"], codes(verdict["reasons"])) == ("pass", ["rate_changed"])


def test_an_outage_of_the_cluster_accuses_no_observer():
    """What a broker acknowledged before it went away can be read only when it is back."""
    evidence = changed(GOOD, observer_lag=BEHIND, producer_troubles=1, observer_troubles=2)
    assert judge(evidence)["verdict"] == "pass"
    assert only_reason(evidence)[0] == "observer_lag_outage"


def test_clocks_that_differ_are_no_observers_lag():
    """What the clocks of two hosts may be apart is not held against the observer."""
    doubtful = changed(GOOD, observer_lag=BEHIND, clock_doubt_us=600_000.0)
    assert judge(doubtful)["verdict"] == "pass"


def test_it_is_told_from_when_the_generator_was_behind():
    """A reader learns from when the schedule was late, for how long, and by how much at worst."""
    late = {"late_from_s": 12.0, "late_s": 5, "worst_lag_us": 2_300_000.0}
    code, text = only_reason(changed(GOOD, schedule_lag_us={"p99": 150_000.0}, **late))
    assert code == "schedule_lag"
    for figure in ("12 s", "5 of 60 s", "2,300 ms"):
        assert figure in text


def test_lag_is_judged_by_the_highest_percentile_there_is():
    """A short run cannot hide a client that stalls behind a missing p99."""
    evidence = changed(GOOD, schedule_lag_us={"p50": 10.0, "p90": 3_000_000.0})
    code, text = only_reason(evidence)
    assert code == "schedule_lag"
    assert "p90" in text


@given(rate=st.floats(0.01, 10_000), seconds=st.floats(1, 10_000), workers=st.integers(1, 16))
def test_rounding_to_whole_events_is_no_shortfall(rate: float, seconds: float, workers: int):
    """A schedule that gave every whole event due is on target, at any rate, length and number of workers."""
    produced = max(1, workers * int(rate * seconds / workers))
    evidence = changed(
        GOOD,
        measured_s=seconds,
        target_per_s=rate,
        workers=workers,
        produced=produced,
        acked=produced,
        observed=produced,
    )
    assert judge(evidence, ANY_LENGTH)["verdict"] == "pass"


def test_poisson_arrivals_may_be_short_by_chance():
    """100 expected Poisson arrivals give 65 or fewer once in 8,000 runs: that is chance, 50 is not."""
    few = changed(GOOD, measured_s=10.0, target_per_s=10.0, produced=65, acked=65, observed=65)
    assert judge(few, ANY_LENGTH)["verdict"] == "invalid"
    assert judge(changed(few, random_arrivals=True), ANY_LENGTH)["verdict"] == "pass"
    assert judge(changed(few, random_arrivals=True, produced=50), ANY_LENGTH)["verdict"] == "invalid"


def test_thresholds_are_what_decides():
    """Each threshold moves its own decision and no other."""
    lenient = Thresholds(max_failed=0.01, max_schedule_lag_s=1, min_achieved=0.5)
    late = {"schedule_lag_us": {"p99": 900_000.0}}
    evidence = changed(GOOD, **late, produced=200_000, failed=2_000, acked=198_000, observed=198_000)
    assert judge(evidence, lenient)["verdict"] == "pass"
    assert judge(evidence)["verdict"] == "invalid"

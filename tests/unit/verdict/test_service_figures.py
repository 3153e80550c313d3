"""Objectives of a service under test."""

from typing import Any

import pytest

from lensload.metrics.responses import RESPONSE_COUNTS
from lensload.verdict.slo import Slo

LAG = {"max": 4.0, "mean": 1.5, "last": 0.25}
GROUP: dict[str, Any] = {
    "lag": {"max": 900.0, "mean": 20.0, "last": 3.0},
    "lag_s": LAG,
    "slope_per_s": 0.5,
    "slope_low": -0.1,
    "slope_high": 1.1,
    "recovered_after_s": 12.0,
    "rebalances": 2,
}
RUN: dict[str, Any] = {
    "topics": {},
    "latency_us": {},
    "load": {},
    "responses": {
        **dict.fromkeys(RESPONSE_COUNTS, 0),
        "requests": 1_000,
        "answered": 800,
        "late": 8,
        "duplicated": 3,
    },
    "groups": {"svc": GROUP, "growing": {**GROUP, "slope_low": 0.4, "recovered_after_s": None}},
}


@pytest.mark.parametrize(
    ("text", "figure", "unit", "held"),
    [
        ("answered >= 99.99%", 80, "%", False),
        ("answered >= 800", 800, "events", True),
        ("late <= 1%", 1, "%", True),
        ("responses.duplicated == 0", 3, "events", False),
        ("group(svc).lag_s.max < 5s", 4e6, "us", True),
        ("group(svc).lag.max < 500", 900, "records", False),
        ("group(svc).slope <= 0", 0, "records/s", True),
        ("group(growing).slope <= 0", 0.5, "records/s", False),
        ("group(svc).recovered_after < 30s", 12e6, "us", True),
        ("group(svc).rebalances == 2", 2, "", True),
    ],
)
def test_what_an_objective_of_a_service_means(text: str, figure: float, unit: str, held: bool):
    """Each word is the figure it names, in its unit; a slope whose interval holds 0 is 0."""
    outcome = Slo.parse(text).judge(RUN)
    assert (outcome["figure"], outcome["unit"], outcome["held"]) == (figure, unit, held)


@pytest.mark.parametrize(
    "text", ["group(growing).recovered_after < 30s", "group(other).slope <= 0", "group(other).lag_s.max < 1s"]
)
def test_what_cannot_be_judged_does_not_hold(text: str):
    """A group that never recovered, or was not watched, misses its objective and says why."""
    outcome = Slo.parse(text).judge(RUN)
    assert not outcome["held"]
    assert outcome["reason"]


def test_a_run_without_a_service_has_no_answers():
    """An objective of answers is missed where lensload answered itself."""
    outcome = Slo.parse("answered >= 99%").judge({**RUN, "responses": None})
    assert not outcome["held"]
    assert outcome["reason"]


@pytest.mark.parametrize(
    "text",
    [
        "answerd >= 1",
        "group(svc).lag_s < 1s",
        "group(svc).lag_s.max < 5",
        "responses.lost == 0",
        "late < 1ms",
    ],
)
def test_what_is_no_objective_of_a_service(text: str):
    """A word that is unknown, or a limit in another unit, is refused."""
    with pytest.raises(ValueError, match=r"."):
        Slo.parse(text)

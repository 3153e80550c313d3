"""Percentiles by any name that people write: one percentage, one canonical name, one value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.metrics import percentiles
from lensload.metrics.histogram import Histogram
from lensload.verdict.figures import latency_us
from lensload.verdict.slo import Slo


@pytest.mark.parametrize(
    ("name", "percent", "same"),
    [
        ("p95", 95.0, "p95"),
        ("p75", 75.0, "p75"),
        ("p5", 5.0, "p5"),
        ("p99.9", 99.9, "p999"),
        ("p999", 99.9, "p999"),
        ("p99.95", 99.95, "p9995"),
        ("p99.90", 99.9, "p999"),
        ("p7.5", 7.5, "p7.5"),
        ("p50.0", 50.0, "p50"),
    ],
)
def test_a_name_is_one_percentage(name: str, percent: float, same: str):
    """What people write in different ways is one figure."""
    assert percentiles.percent_of(name) == percent
    assert percentiles.canonical(name) == same
    assert percentiles.percent_of(same) == percent


@pytest.mark.parametrize(
    "name", ["p0", "p", "px", "p100", "p101", "p755", "p1000000000", "95", "p-5", "mean"]
)
def test_other_words_are_no_percentile(name: str):
    """A slip is refused and not read as something near."""
    assert percentiles.percent_of(name) is None


@given(st.decimals(min_value="0.01", max_value="99.99", places=2))
def test_every_percentage_has_a_name(percent: object):
    """Whatever percentage is asked for, its name stands for it."""
    name = percentiles.canonical(f"p{percent}")
    assert percentiles.percent_of(name) == pytest.approx(float(str(percent)))


@pytest.mark.parametrize("name", ["p95", "p99.95", "p75", "p7.5"])
def test_an_objective_of_any_percentile_is_judged_by_the_histogram(name: str):
    """An objective holds or is missed by the histogram's own percentile."""
    histogram = Histogram()
    histogram.record(np.arange(1, 100_001, dtype=np.int64) * 1_000)
    run = {
        "topics": {"all": {}},
        "latency_us": {"ack": {"all": histogram.summary()}},
        "histograms": {"ack": {"model-metrics": histogram.encoded()}},
    }
    percent = float(name[1:])
    figure = Slo.parse(f"ack.{name} < 1s").judge(run)["figure"]
    assert figure == pytest.approx(percent * 1_000, rel=0.002)
    assert Slo.parse(f"ack.{name} < {percent * 1_010:.0f}us").judge(run)["held"]
    assert not Slo.parse(f"ack.{name} < {percent * 990:.0f}us").judge(run)["held"]


def test_a_percentile_that_too_few_events_carry_has_no_value():
    """Fewer than ten events beyond it: the figure would be the maximum by another name."""
    histogram = Histogram()
    histogram.record(np.arange(1, 1_001, dtype=np.int64) * 1_000)
    run = {"latency_us": {}, "histograms": {"ack": {"model-metrics": histogram.encoded()}}}
    assert latency_us(run, "ack", "all", "p995") is None
    assert latency_us(run, "ack", "all", "p98") is not None

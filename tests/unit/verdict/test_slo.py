"""Objectives: what they may say, what they mean, and that none is held that nobody could judge."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensload.config.loading import load
from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.metrics.counts import COUNTS, RATES, WHOLES
from lensload.metrics.stats import STAGES, Stats
from lensload.results.build import Recording, build
from lensload.results.run import Run
from lensload.verdict.evidence import RunFacts
from lensload.verdict.figures import STATISTICS
from lensload.verdict.slo import Slo, sentence
from lensload.verdict.verdict import codes

RECORDING = Recording(facts=RunFacts(measured_s=10.0, target_per_s=200.0))


def a_run(*objectives: str, fewer: int = 0, recording: Recording = RECORDING) -> Run:
    """10 s in which 2,000 events were due; those of user-interactions took 1 to 1,500 us to be acknowledged."""
    stats = Stats()
    for topic, count in (("user-interactions", 1_500 - fewer), ("ab-test-events", 500)):
        for name in ("produced", "acked", "observed"):
            stats.count(topic, name, count)
        for stage in STAGES:
            stats.record(stage, topic, (np.arange(count) + 1) * (50 if stage == "schedule_lag" else 1_000))
    return build(stats, recording, {}, slos=[Slo.parse(text) for text in objectives])


@pytest.mark.parametrize(
    ("text", "figure", "limit", "unit", "held"),
    [
        ("user-interactions.ack.p50 < 1ms", 750, 1_000, "us", True),
        ("user-interactions.ack.p50 > 1ms", 750, 1_000, "us", False),
        ("ack.max <= 1500us", 1_500, 1_500, "us", True),
        ("ack.max < 1.5ms", 1_500, 1_500, "us", False),
        ("ab-test-events.end_to_end.mean<.25s", 250.5, 250_000, "us", True),
        ("lost == 0", 0, 0, "events", True),
        ("lost != 0", 0, 0, "events", False),
        ("user-interactions.produced >= 1_501", 1_500, 1_501, "events", False),
        ("failed <= 0.1%", 0, 0.1, "%", True),
        ("achieved >= 99.5 %", 100, 99.5, "%", True),
        ("achieved_per_s >= 200", 200, 200, "events/s", True),
        ("achieved_per_s >= 0.2k", 200, 200, "events/s", True),
        ("achieved_per_s >= 0.3k/s", 200, 300, "events/s", False),
        ("ack.max < 2m", 1_500, 120e6, "us", True),
        ("user-interactions.achieved_per_s >= 150/s", 150, 150, "events/s", True),
    ],
)
def test_what_an_objective_means(text: str, figure: float, limit: float, unit: str, held: bool):
    """Each kind of figure is the one of its topic, in its unit, and equal is only what is not below or above."""
    (outcome,) = a_run(text)["slos"]
    assert outcome["figure"] == pytest.approx(figure, rel=0.01)
    assert (outcome["limit"], outcome["unit"], outcome["held"]) == (limit, unit, held)
    assert outcome["margin"] is not None
    assert (outcome["margin"] >= 0) == held or outcome["margin"] == 0


def test_a_percentile_of_no_summary_is_judged_as_its_file_will_be():
    """While a run is on, such a figure comes from what was counted: the same as later from the run file."""
    for name in ("ack.p75", "user-interactions.end_to_end.p97.5"):
        text = f"{name} < 1ms"
        run = a_run(text)
        (outcome,) = run["slos"]
        again = Slo.parse(text).judge(run)
        assert again["figure"] == outcome["figure"]
        assert outcome["figure"] == pytest.approx({"ack.p75": 1_000}.get(name, 1_463), rel=0.01)


def test_every_count_but_the_first_is_a_share_of_another():
    """A percentage of any count has its whole: a count that is added has to say of what it is a part."""
    assert set(WHOLES) == set(COUNTS) - {"produced"}
    assert set(WHOLES.values()) | set(RATES.values()) <= set(COUNTS)


def test_the_other_spelling_of_a_high_percentile():
    """Who writes p99.9, as the table does, means p999."""
    assert Slo.parse("ack.p99.9 < 1s").figure.kind == "p999"
    assert Slo.parse("model-metrics.ack.p99.99 < 1s").figure.kind == "p9999"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("end_to_end.pp8 < 5ms", "'pp8'.*mean"),
        ("end2end.p99 < 5ms", r"'end2end'.*end_to_end\b"),
        ("user-interactions.akc.p99 < 5ms", r"'akc'.*\back\b"),
        ("los == 0", r"'los'.*\blost\b"),
        ("ack < 5ms", r"ack\.p99"),
        ("ack.p99 < 5", r"\bus, ms, s\b"),
        ("ack.p99 < 5 min", "'min'"),
        ("lost < 5ms", "'ms'"),
        ("achieved >= 5000", "achieved_per_s"),
        ("ab-test-events.achieved >= 5%", "achieved_per_s"),
        ("lost = 0", "'='"),
        ("a.b.c.p99 < 5ms", "'c'"),
        ("ab-test-events.ack.p99.x < 5ms", "'x'"),
        ("ack.p99.x < 5ms", "ack.p99.x"),
        ("lost < 1.2.3", r"1\.2\.3"),
        ("fast please", "'fast please'.*FIGURE COMPARISON LIMIT"),
        ("", "FIGURE COMPARISON LIMIT"),
    ],
)
def test_a_typo_is_refused_with_the_nearest(text: str, named: str):
    """What is mistyped never counts as held: it is named, with what it may have been."""
    with pytest.raises(ValueError, match=named):
        Slo.parse(text)


@given(
    st.sampled_from(
        [f"{stage}.{name} < 1s" for stage in STAGES for name in STATISTICS]
        + [f"{n} >= 0" for n in (*COUNTS, *RATES)]
    ),
    st.sampled_from(["", "user-interactions."]),
)
def test_every_name_there_is_can_be_judged(text: str, topic: str):
    """Whatever the grammar takes has a figure or a reason, and a sentence."""
    (outcome,) = a_run(topic + text)["slos"]
    assert (outcome["figure"] is None) == bool(outcome["reason"])
    assert sentence(outcome).endswith(".")


def test_any_miss_fails_the_run():
    """One objective missed among others held: the run fails, and says with which figure and by how much."""
    run = a_run("lost == 0", "user-interactions.ack.p50 < 500us")
    assert run["verdict"] == "fail"
    (reason,) = (one for one in run["reasons"] if one["severity"] == "fail")
    assert reason["code"] == "objective_missed"
    for figure in ("user-interactions.ack.p50 < 500us", "750.1 us", "250.1 us"):
        assert figure in reason["text"]
    assert a_run("lost == 0")["verdict"] == "pass"


def test_an_invalid_run_stays_invalid():
    """Figures that cannot be trusted pass or fail nothing, though they are shown."""
    run = a_run("ack.max < 1us", "lost == 0", fewer=100)
    assert run["verdict"] == "invalid"
    assert [outcome["held"] for outcome in run["slos"]] == [False, True]


def test_too_few_samples_are_no_pass():
    """A percentile that 500 events do not carry shows nothing: missed, with the reason, and no figure made up."""
    run = a_run("ab-test-events.ack.p99 < 1s")
    (outcome,) = run["slos"]
    assert (outcome["held"], outcome["figure"], outcome["margin"]) == (False, None, None)
    assert re.findall(r"\bp?\d+\b", outcome["reason"] or "") == ["500", "p99"]
    assert run["verdict"] == "fail"
    assert codes(run["reasons"]) == ["objective_missed"]


def test_a_topic_that_the_run_does_not_have_is_refused():
    """An objective of another run's topic is wrong usage, neither held nor missed."""
    with pytest.raises(UsageError, match="model-metrics"):
        Slo.parse("model-metrics.lost == 0").judge(a_run())


def test_objectives_come_from_every_source(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    """Repeated flags, a list in the file, or one text with commas between: the same objectives."""
    wanted = (Slo.parse("lost == 0"), Slo.parse("end_to_end.p99 < 50ms"))
    (tmp_path / "lensload.toml").write_text('slo = ["lost == 0", "end_to_end.p99 < 50ms"]')
    assert load(folder=tmp_path, environ={}).criteria.slo == wanted
    assert (
        load(
            folder=tmp_path.parent, environ={"LENSLOAD_SLO": "lost == 0, end_to_end.p99 < 50ms"}
        ).criteria.slo
        == wanted
    )
    assert load({"slo": ["lost == 0"]}, folder=tmp_path, environ={}).criteria.slo == wanted[:1]
    assert RunConfig.from_json(RunConfig.of(slo=wanted).as_json()).criteria.slo == wanted
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"--slo .*\blost\b"):
        load({"slo": ["los == 0"]})
    with pytest.raises(UsageError, match="model-metrics"):
        load({"slo": ["model-metrics.lost == 0"], "topics": "user-interactions"})

"""`lensload compare`: it finds what was planted, cries wolf no more often than it says, and refuses the unlike."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from lensload.cli.main import main
from lensload.results import run_file
from lensload.results.comparability import NAMES, differences
from lensload.results.compare import DEFAULT_LIMITS, FORMAT, Change, Terms, compare, judged
from lensload.results.merge import merged
from lensload.results.run import Run
from lensload.verdict.verdict import reason
from lensload.world.behaviour import Behaviour
from tests.support.planted_runs import TOPIC, a_run

POOL = 20  # runs on each side, of which each comparison draws some


def outcomes(slower: float, each: int, *, between: float, times: int = 100) -> Counter[str]:
    """What so many comparisons say of runs that differ by `between`, with a truth planted in the newer ones."""
    random = np.random.default_rng(8)
    base = [a_run(seed, between=between, within=0.05, seconds=12) for seed in range(POOL)]
    new = [
        a_run(1_000 + seed, between=between, within=0.05, slower=slower, seconds=12) for seed in range(POOL)
    ]
    found: Counter[str] = Counter()
    for _ in range(times):
        ours = [base[at] for at in random.choice(POOL, each, replace=False)]
        theirs = [new[at] for at in random.choice(POOL, each, replace=False)]
        found[compare(ours, theirs, Terms(DEFAULT_LIMITS), shown=())[1]] += 1
    return found


def test_of_100_comparisons_of_like_runs_no_more_than_the_level_cry_wolf():
    """Autocorrelated within, different from run to run, nothing changed: 5 of 100 at most say that something did."""
    found = outcomes(1.0, 5, between=0.03)
    assert found["regression"] + found["improvement"] <= 5, found
    assert found["no difference"], found


def test_of_100_slowdowns_of_20_percent_95_are_found():
    """The same runs, and a fifth slower: found, and called a regression."""
    found = outcomes(1.2, 5, between=0.03)
    assert found["regression"] >= 95, found
    assert not found["improvement"]


def test_single_runs_claim_no_more_than_they_know():
    """One run on each side, which differ by the allowance: the level holds all the same."""
    found = outcomes(1.0, 1, between=0.05, times=40)
    assert found["regression"] + found["improvement"] <= 2, found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, run: Run, **changed: object) -> str:
    run_file.write(Path(name), cast("Run", {**run, **changed}))
    return name


def compared(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments])


def refused(*arguments: str) -> str:
    result = compared(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr


def several(kind: str, **planted: Any) -> list[str]:
    """Three runs' files, each behind its flag."""
    found: list[str] = []
    for seed in range(3):
        start = 100 if kind == "new" else 0
        found += [f"--{kind}", write(f"{kind}{seed}.json", a_run(start + seed, between=0.01, **planted))]
    return found


@pytest.mark.usefixtures("folder")
def test_a_regression_ends_with_1_and_an_improvement_with_0():
    """The exit code is the verdict; the table says of which figure, by how much and how sure."""
    worse = compared(*several("base"), *several("new", slower=1.3))
    assert worse.exit_code == 1
    assert "COMPARISON: REGRESSION" in worse.stdout
    line = next(line for line in worse.stdout.splitlines() if line.startswith("end_to_end.p50"))
    assert line.endswith("regression")
    better = compared(*several("base", slower=1.3), *several("new"))
    assert (better.exit_code, "COMPARISON: IMPROVEMENT" in better.stdout) == (0, True)
    same = compared(*several("base"), *several("new"), "--max-regression", "end_to_end.p50=20%")
    assert (same.exit_code, "COMPARISON: NO DIFFERENCE" in same.stdout) == (0, True)


@pytest.mark.usefixtures("folder")
def test_runs_that_cannot_tell_say_how_many_would():
    """A wide interval is neither an improvement nor no difference, fails on demand, and that many runs do tell."""
    sides = [*several("base"), *several("new")]
    asked = ("--max-regression", "end_to_end.p50=1%", "--max-regression", "achieved_per_s=5%")
    wide = compared(*sides, *asked, "--json", "c.json", "--junit", "c.xml")
    found = json.loads(Path("c.json").read_text())
    assert (wide.exit_code, found["outcome"]) == (0, "cannot tell")
    assert [change["call"] for change in found["changes"][:2]] == ["cannot tell", "no difference"]
    assert found["changes"][0]["runs_needed"] > 3
    assert 'skipped="1"' in Path("c.xml").read_text()
    assert compared(*sides, *asked, "--fail-on-unknown", "--junit", "c.xml").exit_code == 1
    assert 'failures="1"' in Path("c.xml").read_text()


@given(low=st.floats(-0.9, 3), widths=st.tuples(st.floats(0, 3), st.floats(0, 3)), limit=st.floats(0, 1))
def test_a_comparison_is_never_better_than_its_figures(low: float, widths: tuple[float, float], limit: float):
    """A figure that may be worse than allowed is called a regression or unknown, never no difference."""
    change = dict.fromkeys(Change.__annotations__) | {
        "name": "x",
        "unit": "us",
        "level": 0.95,
        "spread": 0.05,
    }
    change |= {"low": low, "change": low + widths[0], "high": low + sum(widths)}
    call = judged(cast("Change", change), limit)["call"]
    assert (call == "no difference") <= (low + sum(widths) <= limit)
    assert (call == "improvement") <= (low + sum(widths) < 0)
    assert (call == "regression") <= (low > 0)


@pytest.mark.usefixtures("folder")
def test_what_counts_can_be_set():
    """A slowdown that is allowed is none; one of a topic's figure alone can be asked for."""
    sides = [*several("base"), *several("new", slower=1.3)]
    assert compared(*sides, "--max-regression", "end_to_end.p50=50%").exit_code == 0
    assert compared(*sides, "--max-regression", f"{TOPIC}.end_to_end.p50=10%").exit_code == 1
    assert compared(*sides, "--max-regression", "achieved_per_s=1%").exit_code == 0


@pytest.mark.usefixtures("folder")
def test_two_files_need_no_flags_and_leave_their_views():
    """BASE NEW; the outcome as JUnit, Markdown and JSON too."""
    two = (write("a.json", a_run(1)), write("b.json", a_run(2, slower=1.6)))
    files = ("--junit", "c.xml", "--summary", "c.md", "--json", "c.json", "--html", "c.html")
    result = compared(*two, *files)
    assert result.exit_code == 1, result.output
    assert "block bootstrap" in result.stdout
    found = json.loads(Path("c.json").read_text())
    assert (found["format"], found["outcome"], found["base"]) == (FORMAT, "regression", ["a.json"])
    judged = found["changes"][0]
    assert judged["low"] < judged["change"] < judged["high"]
    assert judged["low"] < 0.6 < judged["high"]
    assert "❌ regression" in Path("c.md").read_text()
    page = Path("c.html").read_text()
    assert "Comparison: regression" in page
    assert f"{100 * judged['change']:+,.1f} %" in page
    assert '<failure message="end_to_end.p50: ' in Path("c.xml").read_text()


@pytest.mark.usefixtures("folder")
def test_an_invalid_run_is_compared_only_when_told():
    """Figures that cannot be trusted decide nothing: exit code 3, with the reason."""
    late = reason("schedule_lag", "invalid", "It was late.")
    bad = write("bad.json", a_run(1), verdict="invalid", reasons=[late])
    good = write("good.json", a_run(2))
    for two in ((bad, good), (good, bad)):
        result = compared(*two)
        assert result.exit_code == 3
        assert "bad.json" in result.stderr
    assert "bad.json" in compared(bad, good, "--allow-invalid").stdout


def reconfigured(run: Run, **values: object) -> dict[str, Any]:
    configuration = {**run["conditions"]["configuration"], **values}
    return {**run["conditions"], "configuration": configuration}


def playing(run: Run, behaviour: Behaviour) -> dict[str, Any]:
    kinds = [{"behaviour": behaviour.as_dict(), "users": 2, "events_per_s": 300.0}]
    return {**run["conditions"], "audience": [{"from_s": 0.0, "events_per_s": 300.0, "kinds": kinds}]}


CHANGES: dict[str, dict[str, Any]] = {
    "rate": {"load": {**a_run(1)["load"], "target_per_s": 400.0}},
    "duration": {"measured_s": 30.0},
    "cluster": {"embedded": True},
    "audience": {"conditions": playing(a_run(1), Behaviour(name="Buyers", purchase_rate=0.4))},
    "machine": {"conditions": {**a_run(1)["conditions"], "machine": {"cpus": 64}}},
    "profile": {"conditions": reconfigured(a_run(1), profile="ramp")},
    "serializer": {"conditions": reconfigured(a_run(1), serializer="confluent")},
    "acks": {"conditions": reconfigured(a_run(1), acks="1")},
    "linger": {"conditions": reconfigured(a_run(1), linger_ms=50.0)},
    "compression": {"conditions": reconfigured(a_run(1), compression="zstd")},
    "partitions": {"conditions": reconfigured(a_run(1), partitions=12)},
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.usefixtures("folder")
def test_unlike_conditions_are_refused_by_name(name: str):
    """Each difference that makes figures incomparable is named with both values, and can be allowed by that name."""
    ordinary = playing(a_run(1), Behaviour())
    base = write("a.json", a_run(1), conditions=ordinary)
    new = write("b.json", a_run(2), **{"conditions": ordinary, **CHANGES[name]})
    told = refused(base, new)
    assert f"a.json and b.json: {name} " in told
    assert f"--allow-different {name}" in told
    allowed = compared(base, new, "--allow-different", name)
    assert allowed.exit_code in (0, 1), allowed.output
    assert f"{name} is " in allowed.stdout


@pytest.mark.usefixtures("folder")
def test_a_rate_that_follows_another_target_is_neither_better_nor_worse():
    """Twice the events because twice were asked for is no improvement, and half of them no regression."""
    run = a_run(2)
    doubled = {name: 2 * run["load"][name] for name in ("target_per_s", "achieved_per_s")}
    one, two = write("a.json", a_run(1)), write("b.json", run, load={**run["load"], **doubled})
    for sides in ((one, two), (two, one)):
        result = compared(*sides, "--allow-different", "rate", "--json", "c.json", "--junit", "c.xml")
        assert result.exit_code == 0, result.output
        (rate,) = [
            each
            for each in json.loads(Path("c.json").read_text())["changes"]
            if each["name"] == "achieved_per_s"
        ]
        assert (rate["call"], rate["limit"]) == ("not judged", None)
        assert rate["change"] == pytest.approx(1.0 if sides[0] == one else -0.5)
        assert rate["note"]
        assert "achieved_per_s" not in Path("c.xml").read_text()
    assert "achieved_per_s" in refused(
        one, two, "--allow-different", "rate", "--max-regression", "achieved_per_s=1%"
    )


def test_versions_are_remarked():
    """A newer librdkafka is what one wants to compare: it is told, and refuses nothing."""
    newer = {**a_run(2)["conditions"], "versions": {**a_run(2)["conditions"]["versions"], "librdkafka": "9"}}
    found = differences(a_run(1), cast("Run", {**a_run(2), "conditions": newer}))
    assert [(difference.name, "librdkafka is" in difference.text) for difference in found] == [("", True)]
    assert set(CHANGES) <= set(NAMES)


@pytest.mark.usefixtures("folder")
def test_a_baseline_without_the_topic_is_refused():
    """Neither topics that differ nor a figure of a topic that one side lacks can pass."""
    base, new = write("a.json", a_run(1)), write("b.json", a_run(2, topics=(TOPIC, "model-metrics")))
    assert re.search(f"topics .*{TOPIC} .*model-metrics, {TOPIC} ", refused(base, new))
    asked = ("--max-regression", "model-metrics.end_to_end.p50=5%", "--allow-different", "topics")
    assert "model-metrics" in refused(base, new, *asked)


@pytest.mark.usefixtures("folder")
def test_what_is_no_run_file_never_passes(folder: Path):
    """Truncated, of another version, of another tool, missing: exit code 2, with the file and the reason."""
    good = write("good.json", a_run(1))
    text = Path(good).read_text()
    for name, content, says in (
        ("cut.json", text[: len(text) // 2], "cut.json"),
        ("newer.json", text.replace("lensload/run/2", "lensload/run/9"), "lensload/run/9"),
        ("other.json", '{"stats": []}', "other.json"),
        (
            "old.json",
            json.dumps({**json.loads(text), "slices": [], "started_at": "x"}),
            "slices",
        ),
    ):
        (folder / name).write_text(content)
        assert says in refused(good, name)
        assert says in refused(name, good)
    assert "gone.json" in refused(good, "gone.json")
    (folder / "copy.json").write_text(text)
    assert "copy.json" in refused(good, "copy.json")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["a.json"], "BASE"),
        (["a.json", "b.json", "a.json"], "--base"),
        (["--base", "a.json"], "--new"),
        (["a.json", "--new", "b.json"], "--new"),
        (["a.json", "b.json", "--max-regression", "end_to_end.pp8=5%"], "p0.01"),
        (["a.json", "b.json", "--max-regression", "end_to_end.max=5%"], "end_to_end.p9999"),
        (["a.json", "b.json", "--max-regression", "lost=5%"], "--slo"),
        (["a.json", "b.json", "--max-regression", "end_to_end.p99"], "--max-regression"),
        (["a.json", "b.json", "--max-regression", "end_to_end.p99=10"], "--max-regression"),
        (["a.json", "b.json", "--confidence", "5%"], "--confidence"),
        (["a.json", "b.json", "--allow-different", "mashine"], "machine"),
        (["a.json", "b.json", "--max-regression", "end_to_end.p9999=5%"], "end_to_end.p9999"),
        (["short.json", "b.json", "--allow-different", "duration", "--allow-invalid"], "end_to_end"),
        (["a.json", "b.json", "--junit", "a.json/x.xml"], "--junit"),
        (["a.json", "b.json", "--summary", "."], "--summary"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_wrong_usage_is_refused(arguments: list[str], named: str):
    """A slip is refused by its flag, figure or file, before or instead of a figure."""
    write("a.json", a_run(1))
    write("b.json", a_run(2))
    write("short.json", a_run(3, seconds=3, topics=(TOPIC,)))
    assert named in refused(*arguments)


@pytest.mark.usefixtures("folder")
def test_repeats_are_compared_as_the_runs_they_were():
    """A file that adds repeats up stands for them, and is refused where they are gone: their spread is the point."""
    for kind, start in (("base", 0), ("new", 100)):
        runs = [a_run(start + n, between=0.01) for n in range(3)]
        names = [write(f"{kind}-{n}.json", run) for n, run in enumerate(runs)]
        write(f"{kind}.json", merged(runs, names, 3))
    result = compared("base.json", "new.json")
    assert result.exit_code == 0, result.output
    assert "(3 and 3)" in result.stdout
    Path("new-1.json").unlink()
    assert "new-1.json" in refused("base.json", "new.json")

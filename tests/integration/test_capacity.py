"""The search for a cluster's capacity: against systems whose capacity is known, and against a real broker."""

import json
import math
import random
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lensload.capacity import chart, result
from lensload.capacity.result import Trials
from lensload.capacity.search import Answer, Found, Plan, search
from lensload.capacity.trial import Trial, judged
from lensload.cli import main
from lensload.errors import InvalidRunError, UsageError
from lensload.verdict.slo import Slo
from lensload.verdict.verdict import reason
from tests.harness.kafka import Kafka
from tests.harness.process import free_port
from tests.harness.registry import Registry
from tests.support.locusts import Command
from tests.support.runs import a_run

LENSLOAD = [sys.executable, "-m", "lensload", "capacity"]
SMALL = ("--audience-size", "500", "--catalogue-size", "200")

rates = st.floats(10, 1e6)
plans = st.builds(Plan, rates, st.just(1e8), st.floats(1.2, 8), st.floats(0.01, 0.5))


def driven(plan: Plan, system: Callable[[float], Answer]) -> tuple[Found, list[tuple[float, Answer]]]:
    """What a search finds in a system, and the runs that it took."""
    searching, runs = search(plan), list[tuple[float, Answer]]()
    rate = next(searching)
    while True:
        assert len(runs) < 1_000, "the search does not end"
        runs.append((rate, system(rate)))
        try:
            rate = searching.send(runs[-1][1])
        except StopIteration as done:
            found: Found = done.value
            return found, runs


@given(plans, st.floats(0.1, 1e7))
def test_a_system_s_capacity_is_found_to_the_resolution(plan: Plan, capacity: float):
    """What holds up to some rate and not above is found, as nearly as was asked, and not from the wrong side."""
    found, _ = driven(plan, lambda rate: Answer.HELD if rate <= capacity else Answer.MISSED)
    if capacity < plan.start_per_s:
        assert found == Found("cluster", None, plan.start_per_s)
        return
    assert found.limit == "cluster"
    assert found.held_per_s is not None
    assert found.gave_per_s is not None
    assert found.held_per_s <= capacity < found.gave_per_s
    assert found.gave_per_s <= found.held_per_s * (1 + plan.resolution + 0.001)


@given(rates, st.floats(1, 100), st.floats(1.2, 8))
def test_a_range_that_holds_to_its_top_ends_there(low: float, span: float, growth: float):
    """Nothing above --max-rate is ever tried, and the top is no capacity but a floor of it."""
    plan = Plan(low, low * span, growth)
    found, runs = driven(plan, lambda _: Answer.HELD)
    assert found == Found("range", plan.max_per_s, None)
    assert max(rate for rate, _ in runs) <= plan.max_per_s


@given(plans, st.floats(100, 1e7), st.floats(100, 1e7))
def test_the_generators_limit_is_no_capacity(plan: Plan, capacity: float, generator: float):
    """Where the generator gives first it is told; where the cluster does, a jump beyond both does not hide it."""

    def system(rate: float) -> Answer:
        if rate > generator:
            return Answer.GENERATOR
        return Answer.HELD if rate <= capacity else Answer.MISSED

    found, _ = driven(plan, system)
    held = found.held_per_s or 0.0
    assert held <= min(capacity, generator)
    assert found.gave_per_s is not None
    if found.limit == "generator":
        assert found.gave_per_s > generator
        # No rate was left between them at which the cluster could have shown its limit.
        assert capacity * (1 + plan.resolution + 0.001) >= min(generator, found.gave_per_s) or not held
    else:
        assert capacity < found.gave_per_s <= generator


@given(plans.filter(lambda plan: plan.start_per_s >= 100), st.floats(0.01, 1))
def test_slower_rates_are_tried_before_the_search_gives_up(plan: Plan, share: float):
    """A generator that cannot keep up with the first rate is measured below it, if it can carry a hundredth."""
    generator = plan.start_per_s * share * 1.001
    found, _ = driven(plan, lambda rate: Answer.HELD if rate <= generator else Answer.GENERATOR)
    assert found.limit == "generator"
    assert found.held_per_s is not None
    assert found.held_per_s <= generator <= found.held_per_s * (1 + plan.resolution + 0.001)


@given(plans)
def test_a_generator_that_carries_nothing_ends_the_search(plan: Plan):
    """Where every rate is too much, the search ends after a few runs, none below one event a second."""
    found, runs = driven(plan, lambda _: Answer.GENERATOR)
    assert (found.limit, found.held_per_s) == ("generator", None)
    assert len(runs) <= 6
    assert min(rate for rate, _ in runs) >= 1


@given(plans, st.floats(1, 1e7), st.integers(0, 20))
def test_invalid_runs_end_a_search_with_what_is_known(plan: Plan, capacity: float, before: int):
    """One invalid run is tried again; two end the search, and what had held until then is not lost."""
    made: list[tuple[float, Answer]] = []

    def system(rate: float) -> Answer:
        valid = Answer.HELD if rate <= capacity else Answer.MISSED
        made.append((rate, Answer.INVALID if len(made) >= before else valid))
        return made[-1][1]

    found, runs = driven(plan, system)
    if found.limit != "invalid":
        assert len(runs) <= before
        return
    assert runs[-1][1] is Answer.INVALID
    assert runs[-2][0] == runs[-1][0]
    assert runs[-2][1] is not Answer.HELD
    assert found.held_per_s == max((rate for rate, answer in runs if answer is Answer.HELD), default=None)


def test_one_invalid_run_costs_one_run():
    """A clock step in one run changes nothing of what is found."""
    answers = iter([Answer.HELD, Answer.INVALID])
    found, runs = driven(
        Plan(1_000), lambda rate: next(answers, Answer.HELD if rate <= 2_000 else Answer.MISSED)
    )
    assert (found.limit, found.held_per_s) == ("cluster", 2_000)
    assert runs[1:3] == [(2_000, Answer.INVALID), (2_000, Answer.HELD)]


@given(plans, st.floats(1, 1e7), st.floats(0, 0.4), st.randoms(use_true_random=False))
def test_no_single_run_decides(plan: Plan, capacity: float, noise: float, draws: random.Random):
    """However the runs lie, the search ends, what it finds has held twice, and what gave has given twice running."""

    def system(rate: float) -> Answer:
        good = (rate <= capacity) != (draws.random() < noise) and rate < 1e9
        return Answer.HELD if good else Answer.MISSED

    found, runs = driven(plan, system)
    if found.held_per_s is not None:
        assert runs.count((found.held_per_s, Answer.HELD)) >= 2
    if found.gave_per_s is not None:
        gave = (found.gave_per_s, Answer.MISSED)
        assert any(pair == (gave, gave) for pair in pairwise(runs))


def test_a_hiccup_costs_one_run():
    """A miss that does not repeat changes nothing of what is found."""
    hiccups = iter([False, True])

    def system(rate: float) -> Answer:
        return Answer.HELD if rate <= 3_000 and not next(hiccups, False) else Answer.MISSED

    found, runs = driven(Plan(1_000, resolution=0.1), system)
    assert math.isclose(found.held_per_s or 0, 3_000, rel_tol=0.1)
    assert runs[1:3] == [(2_000, Answer.MISSED), (2_000, Answer.HELD)]


@pytest.mark.parametrize(
    "values", [{"start_per_s": 0}, {"start_per_s": 5, "max_per_s": 4}, {"growth": 1}, {"resolution": 0}]
)
def test_a_search_without_an_end_is_refused(values: dict[str, float]):
    """Whatever would run for ever is told before anything starts."""
    with pytest.raises(UsageError):
        Plan(**values)


def a_judged_run(slo: str = "end_to_end.p99 < 1s", **changed: Any) -> Any:
    run: Any = a_run(seconds=2)
    run["slos"] = [Slo.parse(slo).judge(run)]
    if not run["slos"][0]["held"]:
        run["verdict"] = "fail"
    return run | changed


def test_what_a_run_says_of_the_cluster():
    """The cluster's answer and the generator's are told apart, and what cannot be judged at any rate stops the search."""
    assert judged(a_judged_run()) == (Answer.HELD, "")
    answer, because = judged(a_judged_run("end_to_end.p50 < 1ms"))
    assert answer is Answer.MISSED
    assert because.startswith("end_to_end.p50 < 1ms: ")

    for limited_by, expected in (
        ("cluster", Answer.MISSED),
        ("generator", Answer.GENERATOR),
        (None, Answer.INVALID),
    ):
        late = reason("schedule_lag", "invalid", "It is late.", "Lower the rate.")
        run = a_judged_run(verdict="invalid", reasons=[late], limited_by=limited_by)
        assert judged(run) == (expected, "It is late")

    with pytest.raises(InvalidRunError, match=r"end_to_end\.p9999 < 1s"):
        judged(a_judged_run("end_to_end.p9999 < 1s"))


@pytest.mark.parametrize(
    ("found", "outcome", "code", "says"),
    [
        (Found("cluster", 900, 1_800), "found", 0, "CAPACITY: 900 events/s"),
        (Found("range", 900, None), "at_least", 0, "900 events/s"),
        (Found("cluster", None, 900), "none", 1, "NO CAPACITY"),
        (Found("generator", 900, 1_800), "generator", 0, "THE GENERATOR IS THE LIMIT"),
        (Found("generator", None, 900), "invalid", 3, ""),
        (Found("invalid", 900, None), "invalid", 3, "900 events/s"),
        (Found("invalid", None, None), "invalid", 3, ""),
        (None, "unfinished", 3, "STOPPED"),
    ],
)
def test_each_end_of_a_search_is_told(
    tmp_path: Path, found: Found | None, outcome: Any, code: int, says: str
):
    """The table, the file, the picture and the exit code say the same, and only a capacity is called one."""
    run = a_run(seconds=2)
    made = [Trial(900, Answer.HELD, "", run, tmp_path / "1.json")]
    made += [Trial(1_800, Answer.MISSED, "end_to_end.p99 < 1ms: it is 9 ms", run, tmp_path / "2.json")]
    capacity = Trials(["end_to_end.p99 < 1ms"], Plan(900), made).result(found)
    assert (capacity["outcome"], result.EXIT_CODES[outcome]) == (outcome, code)
    assert (capacity["capacity_per_s"] is None) == (outcome not in ("found", "at_least"))
    text = result.table(capacity)
    assert says in text
    assert re.search(r"(?m)^ +900 +900 .* held$", text)
    result.write(tmp_path / "capacity.json", capacity)
    assert json.loads((tmp_path / "capacity.json").read_text()) == capacity
    for name in ("picture.svg", "picture.png"):
        assert chart.write(tmp_path / name, capacity)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert "var(--" not in (tmp_path / "picture.svg").read_text()


@pytest.mark.parametrize("rate_of", ["events", "requests"])
def test_rates_are_called_by_what_they_are_of(tmp_path: Path, rate_of: Any):
    """A service under test is asked so many requests a second, and nowhere is that called events."""
    run = a_run(seconds=2)
    made = [Trial(900, Answer.HELD, "", run, tmp_path / "1.json")]
    made += [Trial(1_800, Answer.MISSED, "it was late", run, tmp_path / "2.json")]
    trials = Trials(["response.p99 < 1ms"], Plan(900), made, rate_of)
    assert trials.result(None)["rate_of"] == rate_of
    for found in (
        Found("cluster", 900, 1_800),
        Found("generator", 900, 1_800),
        Found("invalid", 900, None),
        None,
    ):
        capacity = trials.result(found)
        text = result.table(capacity)
        assert text.split(maxsplit=1)[0] == f"{rate_of}/s"
        assert f"900 {rate_of}/s" in capacity["text"]
        if rate_of == "requests":
            assert "events/s" not in capacity["text"]
        assert chart.write(tmp_path / "picture.svg", capacity)
        assert f"{rate_of}/s asked for" in (tmp_path / "picture.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--slo"),
        (("--slo", "end_to_end.p101 < 1s"), "p101"),
        (("--slo", "lost == 0", "--profile", "ramp"), "--profile"),
        (("--slo", "lost == 0", "--chart", "a.gif"), "a.gif"),
        (("--slo", "lost == 0", "--start-rate", "9", "--max-rate", "8"), "--max-rate"),
        (("--slo", "lost == 0", "--settle", "soon"), "soon"),
    ],
)
def test_wrong_usage_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
):
    """A slip is told at once, with exit code 2, and leaves nothing behind."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main.main, ["capacity", *arguments])
    assert done.exit_code == 2
    assert says in done.output
    assert not list(tmp_path.iterdir())


def test_a_real_search_on_a_real_broker(tmp_path: Path, kafka: Kafka, registry: Registry, topic_prefix: str):
    """Real runs, from the first rate to the confirmed one, find the one rate that holds what does not depend on speed.

    The objective is a count, which is the rate's alone: 600 events in a second hold it and 900 do not.
    """
    where = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url)
    steps = (
        "--start-rate",
        "600",
        "--growth",
        "1.5",
        "--resolution",
        "60%",
        "--step-duration",
        "1s",
        "--settle",
        "0s",
    )
    slos = (
        "--slo",
        "produced <= 700",
        "--slo",
        "lost == 0",
        "--warmup",
        "200ms",
        "--topic-prefix",
        topic_prefix,
    )
    with Command(tmp_path, [*LENSLOAD, *where, *steps, *slos, *SMALL], name="capacity") as running:
        assert running.ended(300) == 0, running.log
        assert re.search(r"^CAPACITY: 600 events/s .* 900 events/s ", running.log, re.MULTILINE)
    found = json.loads((tmp_path / "capacity.json").read_text())
    assert (found["outcome"], found["capacity_per_s"], found["gave_per_s"]) == ("found", 600, 900)
    asked = [point["rate_per_s"] for point in found["runs"]]
    assert asked[0] == asked[-1] == 600
    assert re.search(r"produced <= 700: .*\b900 events", found["runs"][-2]["because"])
    assert (tmp_path / "capacity.svg").stat().st_size > 1_000
    assert {point["run_file"] for point in found["runs"]} == {
        p.name for p in (tmp_path / "capacity-runs").iterdir()
    }


def test_a_generator_at_its_limit_is_an_answer(tmp_path: Path):
    """Where the generator gives first, the search ends with the rate that held twice, its curve and exit code 0.

    The producer holds each batch for a second and has room for 16 events: 19.5 events/s never fit. A busy machine may
    find 10 too much too; slower rates are then tried, and the answer is as good.
    """
    (tmp_path / "client.conf").write_text("queue.buffering.max.messages=16\n")
    steps = "--start-rate 10 --growth 1.95 --resolution 99% --step-duration 2s --warmup 0s --settle 0s"
    slow = "--max-schedule-lag 10s --max-observer-lag 10s --linger-ms 1000 --client-config client.conf"
    arguments = [*steps.split(), *slow.split(), "--slo", "lost == 0", *SMALL]
    with Command(tmp_path, [*LENSLOAD, *arguments], name="capacity") as running:
        assert running.ended(300) == 0, running.log
    found = json.loads((tmp_path / "capacity.json").read_text())
    assert (found["outcome"], found["capacity_per_s"]) == ("generator", None)
    assert found["held_per_s"] < found["gave_per_s"] < 20
    answers = [(point["rate_per_s"], point["answer"]) for point in found["runs"]]
    assert answers.count((found["held_per_s"], "held")) == 2
    assert answers.count((found["gave_per_s"], "generator")) == 2
    assert (tmp_path / "capacity.svg").stat().st_size > 1_000


def test_a_run_that_fails_ends_the_search_with_what_held(tmp_path: Path):
    """A file that goes away during a search ends it with its run's exit code, after the rates that held before."""
    client_config = tmp_path / "client.conf"
    client_config.write_text("socket.nagle.disable=true\n")
    steps = "--start-rate 40 --step-duration 3s --warmup 0s --settle 0s --max-schedule-lag 10s --max-observer-lag 10s"
    arguments = [*steps.split(), "--client-config", str(client_config), "--slo", "lost == 0", *SMALL]
    with Command(tmp_path, [*LENSLOAD, *arguments], name="capacity") as running:
        running.says("measuring", 60)
        client_config.unlink()
        assert running.ended(60) == 2, running.log
    found = json.loads((tmp_path / "capacity.json").read_text())
    assert (found["outcome"], found["held_per_s"]) == ("unfinished", 40)
    assert [point["answer"] for point in found["runs"]] == ["held"]


def test_ctrl_c_tells_what_is_known(tmp_path: Path):
    """Who loses patience gets the answer so far, the run under way drains, and nothing is left running."""
    arguments = [
        "--slo",
        "lost == 0",
        "--start-rate",
        "200",
        "--step-duration",
        "60s",
        "--warmup",
        "0s",
        *SMALL,
    ]
    with Command(tmp_path, [*LENSLOAD, *arguments], name="capacity") as running:
        running.says(r"\d+ acked|measuring")
        running.press_ctrl_c()
        assert running.ended() == 3, running.log
        assert "STOPPED" in running.log
        assert not running.child_pids()
    found = json.loads((tmp_path / "capacity.json").read_text())
    assert (found["outcome"], found["capacity_per_s"], found["runs"]) == ("unfinished", None, [])


def test_an_unreachable_cluster_ends_the_search(tmp_path: Path):
    """Exit code 4 is the cluster's here too, and its address stands in the output."""
    port = free_port()
    where = ["--bootstrap-servers", f"127.0.0.1:{port}", "--registry-url", "mock://"]
    with Command(tmp_path, [*LENSLOAD, *where, "--slo", "lost == 0"], name="capacity") as running:
        assert running.ended() == 4
        assert f"127.0.0.1:{port}" in running.log

"""Locust as the control plane: every way of running it does what a Locust person expects, and loses nothing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensload.results.run import Run, total
from lensload.verdict.verdict import codes
from tests.harness.process import free_port
from tests.support.locusts import (
    ORDINARY,
    STAND_IN,
    Locust,
    WebUI,
    check_good,
    check_whole,
    child_pids,
    wait_until,
)

FAST = ("--warmup", "500ms", "--user-rate", "100", "--audience-size", "500", "--catalogue-size", "200")
HEADLESS = ("--headless", "--only-summary", *FAST)
# The live view, every five seconds: events were produced in the last one.
AT_WORK = r"measuring +[1-9][\d,.]*/s"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run in, in which no process is left behind."""
    folder = tmp_path.resolve()
    yield folder
    wait_until(lambda: not child_pids(folder))


def test_headless_ends_at_its_run_time_with_every_event_accounted_for(folder: Path) -> None:
    """`--run-time` counts from Locust's start, as it always does; the drain then loses nothing."""
    started = time.monotonic()
    with Locust(folder, *HEADLESS, "-u", "4", "-r", "4", "-t", "15s") as locust:
        code = locust.ended()
    assert time.monotonic() - started > 15
    run = locust.run()
    check_whole(run)
    check_good(run, code)
    assert not run["cut_short"]
    assert run["load"]["target_per_s"] == pytest.approx(400, rel=0.01)
    assert run["measured_s"] < 15, "it began before the first event was due"
    assert "EMBEDDED CLUSTER" in locust.log
    assert "VERDICT: " in locust.log
    assert locust.log.count("user-interactions") == 2, (
        "the result has two tables by topic, and Locust adds none"
    )


def test_a_duration_counts_from_the_first_event_due_and_ends_the_test(folder: Path) -> None:
    """`--duration` measures for exactly that long after the warm-up; `--print-stats` adds one table to the result's."""
    with Locust(folder, *HEADLESS, "--print-stats", "-u", "3", "-r", "3", "--duration", "3s") as locust:
        code = locust.ended()
    _, _, last = locust.log.rpartition("type  ")
    assert re.search(r"^ack +user-interactions +[1-9][\d,]* +0 ", last, re.MULTILINE)
    assert "No run time limit" not in locust.log
    run = locust.run()
    check_good(run, code)
    check_whole(run)
    assert run["measured_s"] == 3.0
    assert not run["cut_short"]
    assert 1 <= len(run["series"]) <= 8
    assert {row["phase"] for row in run["series"]} >= {"measuring"}


def test_autoquit_counts_from_the_end_of_our_run_too(folder: Path) -> None:
    """With --autostart and --autoquit a run that ends by its own duration ends the process, with the verdict's exit code."""
    web = ("--web-host", "127.0.0.1", "--web-port", str(free_port()))
    with Locust(folder, *FAST, *web, "--autostart", "--autoquit", "0", "--duration", "2s") as locust:
        code = locust.ended()
    check_good(locust.run(), code)


def test_a_slow_drain_of_several_processes_loses_nothing(folder: Path) -> None:
    """Locust waits half a second for its workers; ours drain for two, generators before observers, and all arrives."""
    faults = {"generator": {"drain_s": 2.0}, "observer": {"drain_s": 0.5}}
    arguments = (*HEADLESS, "--print-stats", "-u", "4", "-r", "4", "--duration", "2s", "--processes", "2")
    with Locust(folder, *arguments, locustfile=STAND_IN, faults=faults) as locust:
        code = locust.ended()
    run = locust.run()
    check_good(run, code)
    check_whole(run)
    assert run["totals"]["drained_generators"] == run["totals"]["drained_observers"] == 2
    assert run["totals"]["last_generator_drained_s"] <= run["totals"]["first_observer_told_s"]
    made = run["topics"]["user-interactions"]["produced"] + run["warmup"]["user-interactions"]["produced"]
    assert made == run["totals"]["made"] + 2
    acked = re.findall(r"^ack +\(all topics\) +([\d,]+)", locust.log, re.MULTILINE)
    assert int(acked[-1].replace(",", "")) == run["latency_us"]["ack"]["all"]["count"], (
        "Locust's table has the drain's part too"
    )


def test_ramp_up_and_shapes_move_the_rate_of_the_generators(folder: Path) -> None:
    """The rate follows the user count, user by user, and a LoadTestShape's end ends the test."""
    shape = (
        "from lensload.locust import LoadTestShape, OrdinaryAudience\n"
        "class Stairs(LoadTestShape):\n"
        "    def tick(self):\n"
        "        acked = self.runner.stats.total.num_requests\n"
        "        return (2, 100) if acked < 500 else (6, 100) if acked < 2500 else None\n"
    )
    with Locust(folder, *HEADLESS, locustfile=shape) as locust:
        locust.ended()
    run = locust.run()
    check_whole(run)
    targets = [row["target_per_s"] for row in run["series"] if row["phase"] == "measuring"]
    assert {200.0, 600.0} <= set(targets)
    assert targets == sorted(targets), targets


def test_kinds_of_audience_are_told_apart_and_typing_errors_refused(folder: Path) -> None:
    """A subclass in five lines sets rate and behaviour; what no audience has is refused with the nearest name."""
    program = (
        "from lensload import locust as control\n"
        "from lensload.locust.audience import SLICES\n"
        "class Mine(control.Buyers):\n    purchase_rate = 0.9\n    events_per_s = 7\n    weight = 3\n"
        "class Wrong(control.Buyers):\n    purchse_rate = 0.9\n"
        "SLICES.join(Mine); SLICES.join(Mine); one = SLICES.join(control.Browsers)\n"
        "print(list(SLICES.rates_per_s(100).items()))\nSLICES.leave(one)\nprint(list(SLICES.rates_per_s(100).items()))\n"
        "try:\n    Wrong.behaviour()\nexcept Exception as error:\n    print(error)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder
    )
    both, without, wrong = out.stdout.splitlines()
    assert "name='Mine'" in both
    assert "), 14.0)" in both
    assert "name='Browsers'" in both
    assert "), 100.0)" in both
    assert "Browsers" not in without
    assert "purchse_rate" in wrong
    assert "purchase_rate" in wrong


def test_the_web_ui_starts_edits_stops_and_starts_again(folder: Path) -> None:
    """The form has our options, edits move the rate, the table has sub-millisecond values, each start is a fresh run."""
    port = free_port()
    with Locust(folder, *FAST, "--web-port", str(port)) as locust:
        locust.says(rf"Starting web interface at http://127\.0\.0\.1:{port}")
        web = WebUI(port)
        page = wait_until(lambda: _try(web.page))
        assert "drain_timeout" in page
        assert "rate_profile" in page
        assert "bootstrap_servers" not in page
        for name in ("users", "spawn_rate"):
            (offered,) = re.findall(rf'"(?:num_)?{name}": ([\d.]+)', page)
            assert web.offered(name) == float(offered), "both pages offer the same"

        assert web.swarm(2, seed="7")["success"]
        wait_until(lambda: web.row("ack", "user-interactions"))
        pids = locust.child_pids()
        assert len(pids) == 2
        web.swarm(8)
        wait_until(lambda: web.stats()["user_count"] == 8)
        wait_until(lambda: web.stats()["current_rps"] > 400)
        assert locust.child_pids() == pids, "an edit restarts nothing"
        encode = web.row("encode", "user-interactions")
        assert encode is not None
        assert 0 < encode["median_response_time"] < 1
        stats = web.stats()["stats"]
        by_topic = [row for row in stats if row["method"] == "ack" and row["name"] != "(all topics)"]
        acked = sum(row["num_requests"] for row in by_topic)
        assert all(row["avg_content_length"] > 20 for row in by_topic)
        assert next(row for row in stats if row["name"] == "Aggregated")["num_requests"] == acked
        web.stop()
        first = locust.run()
        check_whole(first)
        assert max(row["target_per_s"] for row in first["series"]) == pytest.approx(800)
        assert first["conditions"]["seed"] == 7
        wait_until(lambda: not locust.child_pids())

        web.swarm(1)
        wait_until(lambda: len(locust.child_pids()) == 2)
        wait_until(lambda: web.stats()["user_count"] == 1 and web.row("ack", "user-interactions"))
        assert set(locust.child_pids()).isdisjoint(pids)
        locust.press_ctrl_c()
        code = locust.ended()
    assert "\nrun file: run-2.json\n" in locust.log, "with the page gone, the terminal has the result"
    assert "\nrun file: run.json\n" not in locust.log
    second: Run = json.loads((folder / "run-2.json").read_text())
    check_whole(second)
    check_good(second, code)
    assert locust.run() == first, "a run from a page replaces no other run's file"
    assert second["started_at"] > first["started_at"]
    assert second["cut_short"]


def test_ctrl_c_drains_writes_and_says_so(folder: Path) -> None:
    """Ctrl-C reaches master and workers at once, as in a terminal: all is drained, and the run says it was cut."""
    with Locust(folder, *HEADLESS, "-u", "4", "-r", "4", "--processes", "2", "--duration", "10m") as locust:
        locust.says(AT_WORK)
        locust.press_ctrl_c()
        assert locust.ended() == 3, locust.log
    run = locust.run()
    assert run["verdict"] == "invalid"
    assert total(run, "acked") == total(run, "observed") == total(run, "produced") > 0
    assert run["cut_short"]
    assert "cut_short" in codes(run["reasons"])
    assert run["measured_s"] < 300
    assert "Traceback" not in locust.log


def test_a_second_ctrl_c_gives_up_the_drain_but_not_the_run_file(folder: Path) -> None:
    """Whoever is in a hurry gets the run file at once, marked as what it is."""
    arguments = (*HEADLESS, "-u", "2", "-r", "2")
    with Locust(folder, *arguments, locustfile=STAND_IN, faults={"generator": {"drain_s": 200}}) as locust:
        locust.says("measuring")
        time.sleep(1.5)
        locust.press_ctrl_c()
        locust.says("draining")
        locust.press_ctrl_c()
        assert locust.ended() == 3, locust.log
    run = locust.run()
    assert run["verdict"] == "invalid"
    assert run["cut_short"]
    assert "drain_given_up" in codes(run["reasons"])
    assert total(run, "produced") > 0, "what was reported until then is there"


def test_sigterm_ends_a_distributed_run_like_ctrl_c(folder: Path) -> None:
    """Containers are stopped by SIGTERM to the master alone; workers on other machines are drained through it."""
    port = str(free_port())
    master = Locust(folder, *HEADLESS, "-u", "4", "-r", "4", "--master", "--expect-workers", "2",
                    "--master-bind-host", "127.0.0.1", "--master-bind-port", port, name="master")  # fmt: skip
    join = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
    with master, Locust(folder, *join, name="one") as one, Locust(folder, *join, name="two") as two:
        master.says(AT_WORK)
        master.process.send_signal(signal.SIGTERM)
        code = master.ended()
        assert one.ended() == two.ended() == 0, one.log
    run = master.run()
    check_whole(run)
    check_good(run, code)
    assert run["cut_short"]
    assert len(run["conditions"]["workers"]) == 2


def test_a_worker_that_comes_late_and_one_that_leaves_are_accounted_for(folder: Path) -> None:
    """A late worker makes load of its own lanes; one that is terminated drains first, and the run says it left.

    Locust starts the test on a late worker as soon as it connects, be anyone listening there yet or not: the slow
    locustfile makes sure that nobody is.
    """
    slow = "import gevent, locust\nlocust.events.init.add_listener(lambda **_: gevent.sleep(1))\n" + ORDINARY
    port = str(free_port())
    master = Locust(folder, *HEADLESS, "-u", "4", "-r", "4", "--master", "--expect-workers", "1",
                    "--master-bind-host", "127.0.0.1", "--master-bind-port", port, name="master")  # fmt: skip
    join = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
    with master, Locust(folder, *join, name="one"):
        master.says("measuring")
        with Locust(folder, *join, name="late", locustfile=slow) as late:
            wait_until(lambda: len(late.child_pids()) == 3)
            time.sleep(4)
            late.process.send_signal(signal.SIGTERM)
            assert late.ended() == 0, late.log
            master.says("Worker 1 left before the end")
        master.press_ctrl_c()
        assert master.ended() == 3, master.log
    run = master.run()
    assert "worker_left" in codes(run["reasons"])
    check_whole(run)
    assert len(run["conditions"]["workers"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--rate-profile", "poisonn"], 2, "poisson?"),
        (["--bootstrap-servers", "127.0.0.1:1"], 2, "--registry-url mock://"),
        (["--seeed", "3"], 2, "'--seed'"),
        (["-u", "-5"], 2, "--users is -5"),
        (["--run-file", "/proc/no/run.json"], 2, "--run-file"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(
    folder: Path, arguments: list[str], code: int, text: str
) -> None:
    """A wrong option ends Locust at once, with the contract's exit code, once, and with a hint."""
    with Locust(folder, *HEADLESS, "--processes", "2", *arguments) as locust:
        assert locust.ended() == code, locust.log
    assert locust.log.count(text) == 1, locust.log
    assert "Traceback" not in locust.log
    assert not locust.run_file.exists()


def test_a_cluster_that_does_not_answer_stops_the_test(folder: Path) -> None:
    """Nobody is there: exit code 4 within 10 s or so, the address named, once for all workers."""
    address = f"127.0.0.1:{free_port()}"
    arguments = ("--bootstrap-servers", address, "--registry-url", "mock://", "--processes", "2")
    with Locust(folder, *HEADLESS, *arguments) as locust:
        assert locust.ended() == 4, locust.log
    assert address in locust.log
    assert "Traceback" not in locust.log


def test_a_refusal_in_the_web_ui_stops_the_run_and_shows_there(folder: Path) -> None:
    """The page survives: the run stops, the message is in Failures and in the log, and a new start is possible."""
    port = free_port()
    faults = {"generator": {"refuse": [4, "no broker at nowhere:1"]}}
    with Locust(folder, *FAST, "--web-port", str(port), locustfile=STAND_IN, faults=faults) as locust:
        locust.says("Starting web interface")
        web = WebUI(port)
        wait_until(lambda: _try(web.page))
        for times in (1, 2):
            web.swarm(1)
            wait_until(lambda n=times: locust.log.count("no broker at nowhere:1") == n)
            wait_until(lambda: web.stats()["errors"])
            assert "no broker at nowhere:1" in json.dumps(web.stats()["errors"])
            wait_until(lambda: web.stats()["state"] == "stopped")
        assert not locust.run_file.exists()


def test_a_lost_worker_is_told_of_and_the_others_drain(folder: Path) -> None:
    """A worker that Locust loses takes its part with it; the run goes on, and is invalid for what is missing."""
    with Locust(folder, *HEADLESS, "-u", "4", "-r", "4", "--duration", "10m", "--processes", "2") as locust:
        locust.says("measuring")
        os.kill(_children(locust.process.pid)[0], signal.SIGKILL)
        locust.says(r"Worker \d was lost")
        assert locust.process.poll() is None, "told while the run goes on"
        assert len(locust.child_pids()) == 2, "its own processes ended with it"
        locust.press_ctrl_c()
        assert locust.ended() == 3, locust.log
    run = locust.run()
    assert ("worker_lost", "invalid") in {(each["code"], each["severity"]) for each in run["reasons"]}
    assert total(run, "produced") > 0


def test_without_its_last_worker_a_headless_run_ends_and_so_does_what_the_workers_do(folder: Path) -> None:
    """Workers that hang are lost, and the process ends by itself, with the code for that; when they come back they end too."""
    with Locust(folder, *HEADLESS, "-u", "2", "-r", "2", "--duration", "10m", "--processes", "2") as locust:
        locust.says("measuring")
        workers = _children(locust.process.pid)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        locust.says(r"Worker \d was lost[^$]*Worker \d was lost")
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        assert locust.ended() == 3, locust.log
        assert not locust.child_pids()
    assert locust.run()["verdict"] == "invalid"


def test_a_worker_that_comes_back_makes_no_load_that_nobody_counts(folder: Path) -> None:
    """A worker that hung for so long that it was lost ends its generator and observer when it goes on."""
    with Locust(folder, *HEADLESS, "-u", "2", "-r", "2", "--duration", "10m", "--processes", "2") as locust:
        locust.says("measuring")
        hung, _ = _children(locust.process.pid)
        os.kill(hung, signal.SIGSTOP)
        locust.says(r"Worker \d was lost")
        os.kill(hung, signal.SIGCONT)
        wait_until(lambda: len(locust.child_pids()) == 2)
        locust.press_ctrl_c()
        assert locust.ended() == 3, locust.log


def test_nothing_outlives_a_master_that_is_killed(folder: Path) -> None:
    """A master that is gone takes its forked workers and their processes with it, within seconds."""
    with Locust(folder, *HEADLESS, "-u", "2", "-r", "2", "--processes", "2", locustfile=STAND_IN) as locust:
        locust.says("measuring")
        workers = _children(locust.process.pid)
        assert len(workers) == 2
        locust.process.kill()
        wait_until(lambda: not locust.child_pids())
        wait_until(lambda: not any(map(_runs, workers)))


def test_failures_show_as_locust_failures(folder: Path) -> None:
    """What the cluster does not take is a failure of the ack stage, by error, in Locust's own table."""
    port = free_port()
    with Locust(
        folder, *FAST, "--web-port", str(port), locustfile=STAND_IN, faults={"generator": {"fail": 0.5}}
    ) as locust:
        locust.says("Starting web interface")
        web = WebUI(port)
        wait_until(lambda: _try(web.page))
        web.swarm(2)
        row = wait_until(
            lambda: (found := web.row("ack", "user-interactions")) and found["num_failures"] and found
        )
        assert row["num_failures"] == pytest.approx(row["num_requests"] / 3, rel=0.2)
        errors = web.stats()["errors"]
        assert [(error["method"], error["name"], error["error"]) for error in errors] == [
            ("ack", "user-interactions", "broker said no")
        ]


def _try(action: object) -> object:
    assert callable(action)
    try:
        return action()
    except OSError:
        return None


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

"""`lensload bench` as a person or a CI job runs it: what bad input gets, and that no result is ever lost."""

import errno
import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import lensload
from lensload.kafka.embedded import EmbeddedCluster
from lensload.results.run import total
from lensload.schema import definitions
from lensload.verdict.verdict import codes
from tests.integration.test_registry import as_json, serving
from tests.integration.test_rows import check_rows
from tests.support.locusts import Bench, check_whole, child_pids, wait_until

SHORT = (
    "--rate",
    "500",
    "--duration",
    "1s",
    "--warmup",
    "0s",
    "--audience-size",
    "500",
    "--catalogue-size",
    "200",
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run in, in which no process is left behind."""
    folder = tmp_path.resolve()
    yield folder
    wait_until(lambda: not child_pids(folder))


def refused(folder: Path, code: int, *arguments: str, environ: dict[str, str] | None = None) -> str:
    """What the command says of these arguments, and of nothing but them."""
    with Bench(folder, *arguments, environ=environ) as bench:
        assert bench.ended() == code, bench.log
        log = bench.log
    assert "Traceback" not in log
    assert not (folder / "run.json").exists()
    return log


def test_properties_that_contradict_each_other_are_refused(folder: Path):
    """What a producer does not take together is wrong usage, in librdkafka's words and without a traceback."""
    (folder / "client.properties").write_text("acks=1\nenable.idempotence=true\n")
    assert "enable.idempotence" in refused(folder, 2, *SHORT, "--client-config", "client.properties")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--durration", "5s"], "'--duration'"),
        (["--duration", "0s"], "--duration is '0s'"),
        (["--rate", "0"], "--rate is '0'"),
        (["--slo", "failed <= 0", "--slo", ""], "--slo is"),
    ],
)
def test_a_slip_on_the_command_line_is_told_at_once(folder: Path, arguments: list[str], message: str):
    """Exit code 2 and a sentence, before anything is started."""
    assert message in refused(folder, 2, *arguments)


@contextmanager
def nobody() -> Generator[str]:
    """An address at which connections are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


@contextmanager
def silence() -> Generator[str]:
    """An address that takes connections and never says a word."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield f"127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.parametrize("there", [nobody, silence])
def test_a_cluster_that_does_not_answer_is_named(
    folder: Path, there: Callable[[], AbstractContextManager[str]]
):
    """Whether the port is closed or merely dumb: exit code 4, and the address."""
    with there() as address:
        told = refused(folder, 4, "--bootstrap-servers", address, "--registry-url", "mock://")
    assert address in told


def test_a_registry_that_does_not_answer_is_named(folder: Path):
    """The cluster is fine: it is the registry's address that is told."""
    with EmbeddedCluster() as cluster, silence() as address:
        url = f"http://{address}"
        told = refused(folder, 4, "--bootstrap-servers", cluster.bootstrap_servers, "--registry-url", url)
    assert url in told


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "401", "LENSLOAD_REGISTRY_USER_INFO"),
        (500, "500", "log"),
    ],
)
def test_a_registry_that_refuses_is_named_with_what_to_do(folder: Path, status: int, message: str, hint: str):
    """A refusal is told in words, with its number, and without the credentials that were given."""
    with (
        EmbeddedCluster() as cluster,
        serving(lambda *_: as_json(status, error_code=status, message="no")) as registry,
    ):
        told = refused(
            folder, 4, "--bootstrap-servers", cluster.bootstrap_servers, "--registry-url", registry.url,
            environ={"LENSLOAD_REGISTRY_USER_INFO": "me:sesame"},
        )  # fmt: skip
    assert message in told
    assert hint in told
    assert registry.url in told
    assert "sesame" not in told


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (None, "model-metrics"),
        ('{"type": "record",\n', "model_metrics.avsc:2: "),
    ],
)
def test_a_missing_or_broken_schema_file_is_named(folder: Path, broken: str | None, message: str):
    """Of an installation that lacks a schema, the file and the line are told before anything starts."""
    copy = folder / "copy" / "src" / "lensload"
    shutil.copytree(Path(lensload.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(definitions.default_folder(), folder / "copy" / "schemas")
    damaged = folder / "copy" / "schemas" / "model_metrics.avsc"
    damaged.unlink() if broken is None else damaged.write_text(broken)
    with Bench(folder, *SHORT, environ={"PYTHONPATH": str(copy.parent)}) as bench:
        assert bench.ended() == 2, bench.log
        assert message in bench.log
        assert str(damaged) in bench.log
        assert "Traceback" not in bench.log


def test_a_run_file_where_none_can_be_is_refused_before_the_run(folder: Path):
    """Nobody waits for a run whose result has no place."""
    (folder / "file").touch()
    for place in ("file/run.json", "/proc/lensload/run.json"):
        told = refused(folder, 2, *SHORT, "--run-file", place)
        assert place in told
        assert "--run-file" in told


def test_a_run_that_is_hopelessly_late_reports_what_it_reached(folder: Path):
    """A generator that never gets out of the warm-up is limited by itself, and its rate is what it produced meanwhile."""
    with Bench(folder, "--rate", "3000000", "--duration", "1s", "--warmup", "2s") as bench:
        assert bench.ended() == 3, bench.log
    run = bench.run()
    assert (codes(run["reasons"], "invalid"), run["limited_by"]) == (["nothing_produced"], "generator")
    assert 0 < run["load"]["achieved_per_s"] <= run["load"]["produced_per_s"] < 3_000_000


def test_without_a_schedule_a_run_is_bounded_by_its_acknowledgements(folder: Path):
    """Every event arrives, never more are under way than the client's queue may hold, and what limits the rate is named."""
    (folder / "client.properties").write_text("queue.buffering.max.messages=3000\n")
    limits = ("--duration", "2s", "--warmup", "0s", "--client-config", "client.properties")
    with Bench(folder, "--rate", "max", *limits) as bench:
        assert bench.ended() == 0, bench.log
    run = bench.run()
    check_whole(run)
    check_rows(run)
    assert run["limited_by"] in ("generator", "client", "broker", "observer")
    assert f"limited_by_{run['limited_by']}" in codes(run["reasons"])
    assert run["load"]["achieved_per_s"] > 0
    assert max(row["queue"] for row in run["series"]) <= 3000
    assert run["totals"].get("queue_full", 0) == 0
    assert run["conditions"]["configuration"]["rate"] == "max"


def test_folders_of_the_run_file_are_made(folder: Path):
    """A CI job need not make the folder for its artefacts."""
    with Bench(folder, *SHORT, "--run-file", "new/deep/run.json") as bench:
        assert bench.ended() == 0, bench.log
    check_whole(json.loads((folder / "new" / "deep" / "run.json").read_text()))


def test_a_disk_that_cannot_take_the_run_file_loses_no_run(folder: Path):
    """A full disk at the end costs exit code 2 and a move, not the run: the message says where it is kept."""
    with Bench(folder, *SHORT, "--run-file", "/dev/full", environ={"TMPDIR": str(folder)}) as bench:
        assert bench.ended() == 2, bench.log
        kept = bench.says(r"kept as (\S+\.json)")[1]
        assert f"/dev/full could not be written: {os.strerror(errno.ENOSPC)}" in bench.log
        assert "events/s achieved" in bench.log
        assert "Traceback" not in bench.log
    assert Path(kept).is_relative_to(folder)
    check_whole(json.loads(Path(kept).read_text()))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_drains_writes_and_says_that_the_run_was_cut_short(folder: Path, workers: str):
    """What was sent until then is acknowledged, observed, written and shown; nothing is left running."""
    load = (*SHORT, "--duration", "10m", "--workers", workers)
    with Bench(folder, *load) as bench:
        bench.says("measuring")
        # The second such line comes five seconds after the first: thousands of events have been sent by then.
        wait_until(lambda: len(re.findall(r"measuring +\d{3}/s", bench.log)) > 1)
        bench.press_ctrl_c()
        assert bench.ended() == 3, bench.log
        run, log = bench.run(), bench.log
    check_whole(run)
    assert run["cut_short"]
    assert total(run, "produced") > 500
    assert "cut_short" in codes(run["reasons"])
    assert re.search(r": run\.json$", log, re.MULTILINE)
    assert "Traceback" not in log


def test_a_run_that_is_stopped_before_it_begins_leaves_no_process(folder: Path):
    """SIGTERM while a broker is waited for, beside whom the run's processes start: they end, and nothing is a verdict."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        where = ("--bootstrap-servers", address, "--registry-url", "mock://")
        with Bench(folder, *SHORT, *where) as bench:
            wait_until(bench.child_pids)
            bench.process.send_signal(signal.SIGTERM)
            assert bench.ended() in (3, 4), (
                bench.log
            )  # 4: the patience with the broker ended in the same moment
            assert not bench.child_pids()
    assert not bench.run_file.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is forked")
def test_the_processes_of_a_run_are_forks_of_the_command(folder: Path):
    """What the command has imported they do not import again: a start costs less."""
    with Bench(folder, *SHORT) as bench:
        wait_until(lambda: len(bench.child_pids()) == 2)
        of = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (bench.process.pid, *bench.child_pids())]
        assert bench.ended() == 0, bench.log
    assert of == of[:1] * 3


def test_runs_beside_each_other_keep_their_workers(folder: Path):
    """Two runs on one machine, of two workers each, have the load that each was asked for, and no other."""
    folders = [folder / "one", folder / "two"]
    for each in folders:
        each.mkdir()
    load = (*SHORT, "--warmup", "1s", "--workers", "2")
    with Bench(folders[0], *load) as one, Bench(folders[1], *load) as two:
        for bench in (one, two):
            assert bench.ended() == 0, bench.log
            run = bench.run()
            check_whole(run)
            assert total(run, "produced") == pytest.approx(500, abs=2)
            assert len(run["conditions"]["workers"]) == 2

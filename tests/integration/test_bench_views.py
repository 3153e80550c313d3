"""Objectives, views and live metrics of runs that really take place, headless and in the web UI's process."""

import csv
import re
import socket
import urllib.request
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from lensload.cli.main import main
from lensload.results import run_file
from lensload.results.run import total
from tests.harness.kafka import Kafka
from tests.harness.process import free_port
from tests.harness.proxy import PRODUCE, Proxy
from tests.support.locusts import Bench, Locust, WebUI, wait_until

SHORT = ("--rate", "500", "--warmup", "0s", "--audience-size", "500", "--catalogue-size", "200")
VIEWS = ("--junit", "j.xml", "--summary", "s.md", "--csv", "c.csv")


def test_a_missed_objective_fails_a_run_that_is_fine_otherwise(tmp_path: Path):
    """Exit code 1, and the same verdict in console, run file, JUnit and Markdown."""
    objectives = ("--slo", "end_to_end.p50 < 1us", "--slo", "lost == 0")
    with Bench(tmp_path, *SHORT, "--duration", "2s", *objectives, *VIEWS) as bench:
        assert bench.ended() == 1, bench.log
        log = bench.log
    run = run_file.read(tmp_path / "run.json")
    assert [(outcome["expression"], outcome["held"]) for outcome in run["slos"]] == [
        ("end_to_end.p50 < 1us", False),
        ("lost == 0", True),
    ]
    assert run["verdict"] == "fail"
    assert re.search(r"^MISSED  end_to_end\.p50 < 1us\b.*[\d.]+ ms", log, re.MULTILINE)
    assert "❌ missed" in (tmp_path / "s.md").read_text()
    failed = [
        case.attrib["name"]
        for case in ET.parse(tmp_path / "j.xml").iter("testcase")
        if case.find("failure") is not None
    ]
    assert failed == ["end_to_end.p50 < 1us"]
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert sum(int(row["produced"]) for row in rows) == total(run, "produced")
    assert len(rows) == len(run["series"])
    assert sum(piece["acked"] for piece in run["slices"]) == total(run, "acked")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--slo", "end_to_end.p101 < 5ms"), "p101"),
        (("--junit", "file/j.xml"), "file/j.xml"),
        (("--csv", "."), "--csv"),
        (("--prometheus-port", "70000"), "--prometheus-port is '70000'"),
    ],
)
def test_what_cannot_be_is_refused_before_the_run(tmp_path: Path, arguments: tuple[str, ...], says: str):
    """Nobody waits for a run whose verdict has no place or no meaning."""
    (tmp_path / "file").touch()
    with Bench(tmp_path, *SHORT, *arguments) as bench:
        assert bench.ended() == 2, bench.log
        assert says in bench.log
    assert not (tmp_path / "run.json").exists()


def scraped(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    """All samples by name and labels' values, as Prometheus's own parser reads them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_a_run_can_be_scraped_while_it_goes_on(tmp_path: Path):
    """Counters rise, gauges are those of the run, and the buckets hold as many events as are counted."""
    port = free_port()
    with Bench(tmp_path, *SHORT, "--duration", "10m", "--prometheus-port", str(port)) as bench:
        bench.says("measuring")
        first = wait_until(lambda: (now := scraped(port)).get("lensload_latency_seconds_count", {}) and now)
        produced = "lensload_produced_events_total"
        wait_until(lambda: sum(scraped(port)[produced].values()) > sum(first[produced].values()))
        now = scraped(port)
        bench.press_ctrl_c()
        assert bench.ended() == 3, bench.log
    assert now["lensload_running"][()] == 1
    assert now["lensload_target_events_per_second"][()] == pytest.approx(500)
    assert {"lensload_queue_events", "lensload_achieved_events_per_second"} <= set(now)
    assert ("ack", "user-interactions") in now["lensload_latency_seconds_count"]
    buckets = now["lensload_latency_seconds_bucket"]
    for key, count in now["lensload_latency_seconds_count"].items():
        counts = [value for labels, value in buckets.items() if labels[1:] == key]
        assert counts == sorted(counts)
        assert counts[-1] == count
    acked = now["lensload_acked_events_total"][("user-interactions",)]
    assert now["lensload_latency_seconds_count"]["ack", "user-interactions"] == acked


def test_a_port_that_is_taken_is_told_before_the_run(tmp_path: Path):
    """Metrics that nobody could scrape are wrong usage, by the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Bench(tmp_path, *SHORT, "--prometheus-port", str(port)) as bench:
            assert bench.ended() == 2, bench.log
            assert f"127.0.0.1:{port}" in bench.log


def test_the_web_ui_has_objectives_and_metrics(tmp_path: Path):
    """What is judged headless is judged in a run of the page too, repeated flags and all."""
    web, port = free_port(), free_port()
    flags = ("--web-port", str(web), "--prometheus-port", str(port), "--warmup", "0s", "--duration", "2s")
    objectives = (
        "--slo",
        "lost == 0",
        "--slo",
        "end_to_end.max > 100s",
        "--run-csv",
        "c.csv",
        "--junit",
        "j.xml",
    )
    with Locust(tmp_path, *flags, *objectives) as locust:
        page = WebUI(web)
        wait_until(lambda: _answers(page))
        assert scraped(port) == {"lensload_running": {(): 0}}
        page.swarm(5)
        wait_until((tmp_path / "j.xml").exists)
        assert sum(scraped(port)["lensload_acked_events_total"].values()) > 0
        run = locust.run()
    assert [outcome["held"] for outcome in run["slos"]] == [True, False]
    assert (tmp_path / "c.csv").exists()


def _answers(page: WebUI) -> bool:
    try:
        return bool(page.page())
    except OSError:
        return False


@pytest.mark.native
def test_a_slower_broker_is_found_in_real_runs(tmp_path: Path, kafka: Kafka, proxy: Proxy, topic_prefix: str):
    """Two runs as they are, one with every produce request held: compare calls it a regression, by files alone."""
    address = ("--bootstrap-servers", proxy.bootstrap_servers, "--registry-url", "mock://")
    load = (*SHORT, "--duration", "2s", "--topic-prefix", topic_prefix)
    assert kafka.port
    sides: list[str] = []
    for number, (kind, delay_ms) in enumerate((("base", 0), ("base", 0), ("new", 400))):
        proxy.delay("requests", delay_ms, PRODUCE)
        name = f"{kind}-{number}.json"
        with Bench(tmp_path, *address, *load, "--run-file", name) as bench:
            assert bench.ended() == 0, bench.log
        sides += [f"--{kind}", str(tmp_path / name)]
    limits = ("--max-regression", "end_to_end.p50=20%")
    found = CliRunner().invoke(main, ["compare", *sides, *limits])
    assert found.exit_code == 1, found.output
    assert "COMPARISON: REGRESSION" in found.output

"""Objectives, views and live metrics of runs that really take place, headless and in the web UI's process."""

import csv
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lensload import runfile
from lensload.run import total
from tests.locusts import Bench

SHORT = ("--rate", "500", "--warmup", "0s", "--audience-size", "500", "--catalogue-size", "200")
VIEWS = ("--junit", "j.xml", "--summary", "s.md", "--csv", "c.csv")


def test_a_missed_objective_fails_a_run_that_is_fine_otherwise(tmp_path: Path):
    """Exit code 1, and the same verdict in console, run file, JUnit and Markdown."""
    objectives = ("--slo", "end_to_end.p50 < 1us", "--slo", "lost == 0")
    with Bench(tmp_path, *SHORT, "--duration", "2s", *objectives, *VIEWS) as bench:
        assert bench.ended() in (1, 3), bench.log
        log = bench.log
    run = runfile.read(tmp_path / "run.json")
    assert [(outcome["expression"], outcome["held"]) for outcome in run["slos"]] == [
        ("end_to_end.p50 < 1us", False),
        ("lost == 0", True),
    ]
    assert run["verdict"] in ("fail", "invalid")  # invalid only where this machine was too busy
    assert re.search(
        r"^MISSED  end_to_end\.p50 < 1us: it is [\d.]+ ms, [\d.]+ ms beyond it", log, re.MULTILINE
    )
    assert "❌ missed" in (tmp_path / "s.md").read_text()
    failed = [
        case.attrib["name"]
        for case in ET.parse(tmp_path / "j.xml").iter("testcase")
        if case.find("failure") is not None
    ]
    assert failed == ["end_to_end.p50 < 1us"]
    rows = list(csv.DictReader((tmp_path / "c.csv").read_text().splitlines()))
    assert sum(int(row["produced"]) for row in rows) <= total(run, "produced")
    assert len(rows) == len(run["series"])
    assert sum(block["acked"] for block in run["blocks"]) == total(run, "acked")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--slo", "end_to_end.p98 < 5ms"), "did you mean p99?"),
        (("--junit", "file/j.xml"), "The JUnit file file/j.xml cannot be written"),
        (("--csv", "."), "The CSV file . cannot be written"),
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

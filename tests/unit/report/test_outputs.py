"""What machines read of a run: JUnit XML by its schema, Markdown, CSV; from a run and from run files later."""

import io
import os
from csv import DictReader
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from click.testing import CliRunner, Result

from lensload.cli.main import main
from lensload.config.fields import Views
from lensload.report import csv, junit, markdown, outputs
from lensload.report.outputs import STEP_SUMMARY
from lensload.results import run_file
from lensload.results.run import Run
from lensload.verdict.figures import shown
from lensload.verdict.verdict import reason
from tests.harness.artifacts import HarnessError
from tests.support.consoles import result_text
from tests.support.courses import rows_of
from tests.support.junit_schema import junit_xsd
from tests.support.planted_runs import TOPIC, a_run

HELD, MISSED = "end_to_end.p50 < 1s", "end_to_end.p50 < 1 ms"
AWKWARD = 'Broker: <none> & "all" | `x` \x00\x1b[31m'


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> xmlschema.XMLSchema:
    try:
        return xmlschema.XMLSchema(str(junit_xsd(tmp_path_factory.mktemp("xsd"))))
    except HarnessError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def changed(run: Run, **values: object) -> Run:
    return cast("Run", {**run, **values})


AWKWARD_REASONS = [
    reason("schedule_lag", "invalid", text, "Lower the rate.") for text in ("It was late.", AWKWARD)
]
RUNS: dict[str, Run] = {
    "passed": a_run(1, objectives=(HELD, "lost == 0")),
    "missed": a_run(1, objectives=(HELD, MISSED, "end_to_end.p9999 < 1s")),
    "lossy": a_run(1, lost=3),
    "invalid": changed(a_run(1, objectives=(HELD,)), verdict="invalid", reasons=AWKWARD_REASONS),
    "without": a_run(1),
}


def cases(text: str) -> dict[str, str]:
    """How each test case of a document ended."""
    found: dict[str, str] = {}
    for case in ET.fromstring(text.encode("utf-8")).iter("testcase"):
        outcomes = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[case.attrib["name"]] = outcomes[0] if outcomes else "passed"
    return found


@pytest.mark.parametrize("kind", RUNS)
def test_junit_is_valid_by_its_schema(kind: str, schema: xmlschema.XMLSchema):
    """Every kind of run makes a document that Jenkins' schema accepts, whatever stands in its texts."""
    text = junit.xml([junit.of_run(RUNS[kind]), junit.of_run(RUNS["passed"], f"other {AWKWARD} \ud800")])
    schema.validate(io.BytesIO(text.encode("utf-8")))


def test_the_schema_refuses_what_is_none(schema: xmlschema.XMLSchema):
    """The check above can fail."""
    assert not schema.is_valid(io.BytesIO(b"<testsuites><testcase/></testsuites>"))


def test_junit_has_a_case_for_validity_and_one_for_each_objective():
    """A miss is a failure, an unusable run an error, and nothing else is either."""
    valid, kept = "the measurement is valid", "the cluster took and kept every event"
    found = {kind: cases(junit.xml([junit.of_run(run)])) for kind, run in RUNS.items()}
    assert found["passed"] == {valid: "passed", kept: "passed", HELD: "passed", "lost == 0": "passed"}
    assert found["missed"] == {
        valid: "passed", kept: "passed", HELD: "passed", MISSED: "failure", "end_to_end.p9999 < 1s": "failure",
    }  # fmt: skip
    assert found["lossy"] == {valid: "passed", kept: "failure"}
    assert found["invalid"] == {valid: "error", kept: "passed", HELD: "passed"}
    root = ET.fromstring(junit.xml([junit.of_run(RUNS["missed"])]))
    suite = root[0]
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("5", "2", "0")
    message = next(failure.attrib["message"] for failure in root.iter("failure"))
    assert MISSED in message


def test_objectives_stand_in_every_report():
    """Console and Markdown show each with its figure and its margin, held or missed."""
    run = RUNS["missed"]
    for text in (result_text(run), markdown.of_run(run)):
        for outcome in run["slos"]:
            (line,) = [
                line for line in text.splitlines() if outcome["expression"] in line and "- The" not in line
            ]
            assert ("missed" in line.lower()) == (not outcome["held"])
            if outcome["figure"] is None or outcome["margin"] is None:
                assert outcome["reason"] in line
            else:
                assert shown(outcome["figure"], outcome["unit"]) in line
                assert shown(abs(outcome["margin"]), outcome["unit"]) in line


def test_markdown_takes_no_text_for_markup():
    """What a broker says cannot break the page: no tag, no cell of its own."""
    text = markdown.of_run(RUNS["invalid"])
    assert text.startswith("## lensload: ⚠️ invalid")
    assert "<none>" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in tables if TOPIC in line}) == 1


def test_markdown_says_where_the_time_went_and_under_which_conditions():
    """The parts of the mean as on the console, and what the figures hold for; what was left to the broker is no value."""
    run = RUNS["passed"]
    asked = {"acks": "all", "partitions": None}
    fall = {
        "end_to_end_us": 9_000.0, "generator_us": 1_000.0, "client_us": 5_000.0, "broker_us": 2_000.0,
        "consumer_us": 1_000.0, "mostly": "client",
    }  # fmt: skip
    text = markdown.of_run(changed(run, breakdown=fall, conditions={"configuration": asked}))
    assert "client 5.00 ms, broker 2.00 ms" in text
    assert "acks all" in text
    assert "None" not in text


def test_csv_has_the_course_of_each_run():
    """A row a second, by name, which any spreadsheet reads; empty where nothing was measured."""
    (second,) = rows_of([_stats()], 300.0, queue=4)
    text = csv.of_runs([("a,b", changed(a_run(1), series=[second, {**second, "latency_us": {}}]))])
    rows = list(DictReader(io.StringIO(text)))
    assert [each["run"] for each in rows] == ["a,b", "a,b"]
    assert (rows[0]["at_s"], rows[0]["queue"], rows[0]["phase"]) == ("1.0", "4", "measuring")
    assert float(rows[0]["ack_p50_us"]) == pytest.approx(150, rel=0.01)
    assert rows[1]["ack_p50_us"] == ""


def _stats() -> Any:
    import numpy as np  # noqa: PLC0415

    from lensload.metrics.stats import Stats  # noqa: PLC0415

    stats = Stats()
    stats.record("ack", TOPIC, np.arange(300) * 1_000)
    return stats


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reported(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments])


@pytest.mark.parametrize(("kind", "code"), [("passed", 0), ("missed", 1), ("lossy", 1), ("invalid", 3)])
@pytest.mark.usefixtures("folder")
def test_report_ends_as_the_run_did(kind: str, code: int):
    """A run file shown later has the verdict, and the exit code, that it had; the gravest of several."""
    run_file.write(Path("run.json"), RUNS[kind])
    run_file.write(Path("good.json"), RUNS["passed"])
    assert reported("run.json").exit_code == code
    files = ("--junit", "new/j.xml", "--summary", "s.md", "--csv", "c.csv")
    result = reported("good.json", "run.json", *files)
    assert result.exit_code == code
    assert "VERDICT: " in result.stdout
    suites = ET.fromstring(Path("new/j.xml").read_text())
    assert [suite.attrib["name"] for suite in suites] == ["good", "run"]
    assert Path("s.md").read_text().count("## lensload") == 2
    assert Path("c.csv").read_text().startswith("run,at_s,")
    for path in files[1::2]:
        assert result.stdout.count(f": {path}\n") == 1


@pytest.mark.usefixtures("folder")
def test_a_view_that_cannot_be_written_is_told_before_anything_else():
    """Exit code 2, by the flag, and no half of the others."""
    run_file.write(Path("run.json"), RUNS["passed"])
    for flag in ("--junit", "--summary", "--csv"):
        result = reported("run.json", flag, "run.json/x")
        assert result.exit_code == 2
        assert "run.json/x" in result.stderr
        assert flag in result.stderr
        assert result.stdout == ""
    full = reported("run.json", "--junit", "/dev/full", "--csv", "c.csv")
    assert full.exit_code == 2
    assert "/dev/full" in full.stderr
    assert Path("c.csv").exists()
    assert ": c.csv\n" in full.stdout
    assert ": /dev/full" not in full.stdout


@pytest.mark.usefixtures("folder")
def test_what_is_no_run_file_is_not_reported():
    """Another tool's JSON and half a run file are refused, and leave no empty JUnit file that passes."""
    for content in ('{"stats": []}', '{"format": "lensload/run/2"', '{"format": "lensload/run/1"}', ""):
        Path("x.json").write_text(content)
        assert reported("x.json", "--junit", "j.xml").exit_code == 2
        assert not Path("j.xml").exists()


def test_a_jobs_summary_is_added_to(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Steps of one job share the summary file: what stands there stays. Any other file is written anew."""
    monkeypatch.setenv(STEP_SUMMARY, str(folder / "step.md"))
    (folder / "step.md").write_text("# before\n")
    (folder / "own.md").write_text("# before\n")
    for name in ("step.md", "own.md"):
        outputs.write(Views(summary=folder / name), [("run", RUNS["passed"])])
    assert (folder / "step.md").read_text().startswith("# before\n## lensload")
    assert (folder / "own.md").read_text().startswith("## lensload")

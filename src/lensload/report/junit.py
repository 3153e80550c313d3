"""Verdicts as JUnit XML: a test case for the run's validity, one for what the cluster did, and one for each objective.

The shape is the one that GitHub's actions, GitLab and Jenkins all read (the schema that Jenkins' xUnit plugin and
Maven Surefire agree on): `testsuites`, `testsuite`, `testcase`, and in it `failure`, `error`, `skipped` or nothing. What makes
figures unusable is an error; what the figures say is bad is a failure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from lensload.report import comparison_table
from lensload.results.compare import Comparison
from lensload.results.run import Run
from lensload.verdict.slo import sentence
from lensload.verdict.verdict import Reason, Severity, in_words

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: `outcome` None is a pass; `text` says why, or with which figure; `code` is the first reason's."""

    name: str
    text: str
    outcome: Literal["failure", "error", "skipped"] | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """Test cases under one name; `at` is a local time without a zone, as the schema has it."""

    name: str
    cases: Sequence[Case]
    at: str = ""
    seconds: float = 0.0


def of_run(run: Run, name: str = "lensload") -> Suite:
    """A run's validity, its events, and its objectives."""
    valid = run["verdict"] != "invalid"
    by_cluster = [one for one in _of(run, "fail") if one["code"] != "objective_missed"]
    cases = [
        _case("the measurement is valid", _of(run, "invalid") or _of(run, "remark"), "error", not valid),
        _case("the cluster took and kept every event", by_cluster, "failure", valid and bool(by_cluster)),
    ]
    cases += [
        Case(
            outcome["expression"],
            sentence(outcome),
            None if outcome["held"] else "failure",
            "objective_missed",
        )
        for outcome in run["slos"]
    ]
    if run["repeats"]:
        missed = [one for one in _of(run, "fail") if one["code"] == "objective_missed"]
        cases.append(_case("the objectives hold in every repeat", missed, "failure", bool(missed)))
    return Suite(name, cases, run["started_at"][:19], run["measured_s"])


def _of(run: Run, severity: Severity) -> list[Reason]:
    return [one for one in run["reasons"] if one["severity"] == severity]


def _case(name: str, reasons: Sequence[Reason], outcome: Literal["failure", "error"], bad: bool) -> Case:
    text = "\n".join(map(in_words, reasons))
    return Case(name, text, outcome if bad else None, reasons[0]["code"] if reasons else "")


def of_comparison(comparison: Comparison) -> Suite:
    """A test case for each figure that was judged; one of which the runs cannot tell fails or is skipped, as was asked."""
    failing = ("regression", "cannot tell") if comparison["fail_on_unknown"] else ("regression",)
    cases = [
        Case(
            f"{change['name']} is no more than {100 * change['limit']:g} % worse",
            comparison_table.in_words(change),
            "failure"
            if change["call"] in failing
            else "skipped"
            if change["call"] == "cannot tell"
            else None,
        )
        for change in comparison["changes"]
        if change["limit"] is not None
    ]
    return Suite("lensload compare", cases)


def xml(suites: Sequence[Suite]) -> str:
    """The document; everything in it that XML cannot hold is replaced."""
    root = ET.Element("testsuites", _counted([case for suite in suites for case in suite.cases]))
    root.set("name", "lensload")
    for suite in suites:
        element = ET.SubElement(root, "testsuite", {"name": _clean(suite.name), **_counted(suite.cases)})
        element.set("skipped", str(sum(case.outcome == "skipped" for case in suite.cases)))
        element.set("time", f"{suite.seconds:.3f}")
        if suite.at:
            element.set("timestamp", suite.at)
        for case in suite.cases:
            _add(element, suite, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(element: ET.Element, suite: Suite, case: Case) -> None:
    attributes = {"name": _clean(case.name), "classname": _clean(suite.name), "time": "0.000"}
    found = ET.SubElement(element, "testcase", attributes)
    text = _clean(case.text)
    if case.outcome:
        first = text.partition("\n")[0]
        more = {} if case.outcome == "skipped" else {"type": case.code or case.outcome}
        ET.SubElement(found, case.outcome, {"message": first, **more}).text = text
    elif text:
        ET.SubElement(found, "system-out").text = text


def _counted(cases: Sequence[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failure" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
    }


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)

"""Verdicts as JUnit XML: a test case for the run's validity, one for what the cluster did, and one for each objective.

The shape is the one that GitHub's actions, GitLab and Jenkins all read (the schema that Jenkins' xUnit plugin and
Maven Surefire agree on): `testsuites`, `testsuite`, `testcase`, and in it `failure`, `error` or nothing. What makes
figures unusable is an error; what the figures say is bad is a failure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from lensload.report.comparison_table import in_words
from lensload.results.compare import Comparison
from lensload.results.run import Run
from lensload.verdict.slo import sentence

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: `outcome` None is a pass; `text` says why, or with which figure."""

    name: str
    text: str
    outcome: Literal["failure", "error"] | None = None


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
    missed = [sentence(outcome) for outcome in run["slos"] if not outcome["held"]]
    others = [reason for reason in run["reasons"] if reason not in missed]
    told = "\n".join(others)
    lost_or_failed = valid and run["verdict"] == "fail" and _not_by_objectives(run)
    cases = [
        Case("the measurement is valid", told, None if valid else "error"),
        Case("the cluster took and kept every event", told, "failure" if lost_or_failed else None),
    ]
    cases += [
        Case(outcome["expression"], sentence(outcome), None if outcome["held"] else "failure")
        for outcome in run["slos"]
    ]
    return Suite(name, cases, run["started_at"][:19], run["measured_s"])


def of_comparison(comparison: Comparison) -> Suite:
    """A test case for each figure that was judged."""
    cases = [
        Case(
            f"{change['name']} is no more than {100 * change['limit']:g} % worse",
            in_words(change),
            "failure" if change["call"] == "regression" else None,
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
        element.set("skipped", "0")
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
        ET.SubElement(found, case.outcome, {"message": first, "type": case.outcome}).text = text
    elif text:
        ET.SubElement(found, "system-out").text = text


def _counted(cases: Sequence[Case]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.outcome == "failure" for case in cases)),
        "errors": str(sum(case.outcome == "error" for case in cases)),
    }


def _not_by_objectives(run: Run) -> bool:
    return any(
        ledger["failed"] or ledger["lost"] or ledger["corrupt"] for ledger in run["topics"].values()
    ) or all(outcome["held"] for outcome in run["slos"])


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)

"""What the doctor finds: one finding for each thing looked at, for people and for programs."""

from collections.abc import Iterable
from typing import Final, Literal

from typing_extensions import TypedDict

Severity = Literal["refused", "usage", "invalid", "warning", "note", "ok"]
"""refused, usage: no run can begin. invalid: a run begins, and is invalid. warning: some runs are affected. note, ok: none is."""

Area = Literal["connection", "cluster", "topics", "registry", "clock", "machine"]

EXIT_CODES: Final[dict[Severity, int]] = {
    "refused": 4,
    "usage": 2,
    "invalid": 3,
    "warning": 0,
    "note": 0,
    "ok": 0,
}
"""The exit code of each severity, the gravest first."""


class Finding(TypedDict):
    """One thing that was looked at.

    Attributes:
        code: its name for programs, one for each kind of finding.
        area: what was looked at.
        severity: how grave it is.
        text: what was found, in a sentence.
        meaning: what it means for a run; "" where nothing does.
        fix: what to do about it; "" where nothing has to be done.
    """

    code: str
    area: Area
    severity: Severity
    text: str
    meaning: str
    fix: str


def finding(
    area: Area, code: str, severity: Severity, text: str, meaning: str = "", fix: str = ""
) -> Finding:
    """A finding of these parts."""
    return {"code": code, "area": area, "severity": severity, "text": text, "meaning": meaning, "fix": fix}


def refusal(area: Area, code: str, text: str, fix: str, severity: Severity = "refused") -> Finding:
    """A finding with which no run can begin."""
    return finding(area, code, severity, text, "No run can begin.", fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """What the command ends with: that of the gravest finding."""
    severities = {each["severity"] for each in findings}
    return next((code for severity, code in EXIT_CODES.items() if severity in severities), 0)

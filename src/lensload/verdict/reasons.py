"""What a verdict is and the reasons it gives: by code for programs, in words for people."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

from typing_extensions import TypedDict

from lensload.errors import InvalidRunError

Judgement = Literal["pass", "fail", "invalid"]
Severity = Literal["invalid", "fail", "remark"]
Limit = Literal["generator", "cluster"]

EXIT_CODES: Final[dict[Judgement, int]] = {"pass": 0, "fail": 1, "invalid": InvalidRunError.exit_code}


class Reason(TypedDict):
    """Why a verdict is what it is, or a remark.

    Attributes:
        code: which rule it is of, one of `lensload.verdict.rules.CODES`; programs go by this.
        severity: "invalid" (makes figures unusable), "fail" (they are bad) or "remark" (changes no verdict).
        text: what happened, in a sentence or two with the figures.
        advice: what to do about it; "" for nothing.
    """

    code: str
    severity: Severity
    text: str
    advice: str


def reason(code: str, severity: Severity, text: str, advice: str = "") -> Reason:
    """A reason of these parts."""
    return {"code": code, "severity": severity, "text": text, "advice": advice}


def in_words(found: Reason) -> str:
    """What happened and what to do about it, in one paragraph."""
    return f"{found['text']} {found['advice']}".rstrip()


def codes(reasons: Iterable[Reason], *severities: Severity) -> list[str]:
    """The codes of the reasons, in order; of those severities alone, if any are given."""
    return [found["code"] for found in reasons if not severities or found["severity"] in severities]


def gravest_first(reasons: Iterable[Reason]) -> list[Reason]:
    """Those that make a run invalid, then those that fail it, then remarks; each in their order."""
    return sorted(reasons, key=lambda found: get_args(Severity).index(found["severity"]))


def worst(reasons: Iterable[Reason]) -> Judgement:
    """The verdict that the reasons amount to."""
    severities = {found["severity"] for found in reasons}
    return "invalid" if "invalid" in severities else "fail" if "fail" in severities else "pass"

"""What a verdict is and the reasons it gives: by code for programs, in words for people."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

from typing_extensions import TypedDict

from lensload.errors import InvalidRunError

Judgement = Literal["pass", "fail", "invalid"]
Severity = Literal["invalid", "fail", "remark"]
Limit = Literal["generator", "cluster", "client", "broker", "observer"]

EXIT_CODES: Final[dict[Judgement, int]] = {"pass": 0, "fail": 1, "invalid": InvalidRunError.exit_code}


class Reason(TypedDict):
    """A reason of a verdict, or a remark.

    Attributes:
        code: the rule that gave it, one of `lensload.verdict.judge.CODES`; for programs.
        severity: "invalid" (makes figures unusable), "fail" (they miss what was asked) or "remark" (changes no verdict).
        text: what happened, in a sentence or two with the figures.
        advice: what to do about it; "" if there is nothing to do.
    """

    code: str
    severity: Severity
    text: str
    advice: str


class Verdict(TypedDict):
    """What a run is worth, as its file says it.

    Attributes:
        verdict: "invalid" (do not use the figures), "fail" (trust them: they are bad) or "pass".
        reasons: the gravest first; on a pass, what is worth knowing all the same.
        limited_by: of an invalid run, what could not keep up with the rate: the generator (the machine that produces
            and observes) or the cluster. None: neither, such as after a clock step or a crash. Of a valid run without a
            schedule (--rate max), what kept it from going faster: "generator", "client" (librdkafka), "broker" or "observer".
    """

    verdict: Judgement
    reasons: list[Reason]
    limited_by: Limit | None


def meaning(verdict: Judgement, objectives: int) -> str:
    """What a verdict says of the figures, in a sentence or two, for whoever reads them.

    Args:
        verdict: of the run.
        objectives: how many were set.
    """
    if verdict == "invalid":
        return "Do not use the figures: they are not, or may not be, those of the load that was asked for."
    if verdict == "fail":
        return "The figures can be trusted, and do not meet what was asked, for the reasons given."
    if objectives:
        hold = "the objective holds" if objectives == 1 else f"all {objectives} objectives hold"
        return f"The figures can be trusted, and {hold}."
    return (
        "The figures can be trusted. No objective was set (--slo), so the verdict does not say whether they are good, only"
        " that every event was acknowledged and arrived."
    )


def reason(code: str, severity: Severity, text: str, advice: str = "") -> Reason:
    """A reason of these parts."""
    return {"code": code, "severity": severity, "text": text, "advice": advice}


def in_words(reason: Reason) -> str:
    """What happened and what to do about it, in one paragraph."""
    return f"{reason['text']} {reason['advice']}".rstrip()


def codes(reasons: Iterable[Reason], *severities: Severity) -> list[str]:
    """The codes of the reasons, in order; of those severities alone, if any are given."""
    return [each["code"] for each in reasons if not severities or each["severity"] in severities]


def gravest_first(reasons: Iterable[Reason]) -> list[Reason]:
    """Those that make a run invalid, then those that fail it, then remarks; each in their order."""
    return sorted(reasons, key=lambda each: get_args(Severity).index(each["severity"]))


def worst(reasons: Iterable[Reason]) -> Judgement:
    """The verdict that the reasons amount to."""
    severities = {each["severity"] for each in reasons}
    return "invalid" if "invalid" in severities else "fail" if "fail" in severities else "pass"

"""Judging a run: which rules hold, what they make of it, and what could not keep up with its rate."""

from collections.abc import Sequence
from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules import clocks, cost, delivery, flat_out, load, missing, observer, run, service
from lensload.verdict.thresholds import DEFAULTS, Thresholds
from lensload.verdict.verdict import Limit, Reason, Verdict, codes, gravest_first, reason, worst

RULES: Final = (
    *run.RULES,
    *load.RULES,
    *clocks.RULES,
    *delivery.RULES,
    *observer.RULES,
    *service.RULES,
    *cost.RULES,
    *flat_out.RULES,
)
"""All rules: reasons of one severity come in this order."""

GIVEN: Final = (*missing.ADVICE, "objective_missed", "repeats_missing")
"""The codes of reasons that are no rule's: each has its text from elsewhere."""

CODES: Final = (*(rule.code for rule in RULES), *GIVEN)
"""All codes that a reason may have."""


def judge(evidence: Evidence, thresholds: Thresholds = DEFAULTS, missed: Sequence[Reason] = ()) -> Verdict:
    """The verdict on a run: invalid if anything makes it so, else fail, else pass.

    Args:
        evidence: what was counted.
        thresholds: what the verdict goes by.
        missed: a reason for each objective that does not hold; any fails the run.
    """
    texts = [(rule, rule.text(evidence, thresholds)) for rule in RULES]
    reasons = [
        *missing.reasons(evidence.facts.missing),
        *(reason(rule.code, rule.severity, str(text), rule.advice) for rule, text in texts if text),
        *missed,
    ]
    verdict, limited_by = worst(reasons), None
    if verdict != "invalid":
        limited_by = flat_out.limit_of(evidence, thresholds)
    else:
        limited_by = _limit(codes(reasons, "invalid"), embedded=evidence.facts.embedded)
    return {"verdict": verdict, "reasons": gravest_first(reasons), "limited_by": limited_by}


def _limit(invalid: list[str], *, embedded: bool) -> Limit | None:
    """What could not keep up in a run that is invalid for these codes; None if for one of them that is not the rate.

    The embedded cluster is a part of the generator's own process.
    """
    by_code = {rule.code: rule.limit for rule in RULES}
    limits = {by_code.get(code) for code in invalid}
    if None in limits:
        return None
    return "cluster" if "cluster" in limits and not embedded else "generator"

"""Rules about the answers of a service under test."""

from typing import Final

from lensload.metrics.responses import WRONG_ANSWERS
from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, number
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()


@RULES.add(
    "no_answers",
    "fail",
    "Is the service reading recommendation-requests from the latest offset, and does it answer on the topic that is"
    " observed (--responses-topic)? The notices say which groups were found.",
)
def _no_answers(run: Evidence, _: Thresholds) -> Text:
    """The service under test answered no request."""
    found = run.responses
    if found is None or found["answered"] or not found["requests"]:
        return None
    return f"There were no answers at all to {number(found['requests'], 'request')}."


@RULES.add(
    "answers_wrong", "remark", "Make objectives of those that matter, such as --slo 'misdirected == 0'."
)
def _answers_wrong(run: Evidence, _: Thresholds) -> Text:
    """Some answers of the service under test are wrong, late, or missing."""
    found = run.responses
    if found is None or not found["answered"]:
        return None
    wrong = [f"{found[name]:,} {in_words}" for name, in_words in WRONG_ANSWERS.items() if found[name]]
    return bool(wrong) and f"Of {number(found['requests'], 'request')}: {', '.join(wrong)}."

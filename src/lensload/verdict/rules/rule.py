"""What a rule is, how one is written, and how its text gives numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lensload.metrics.counts import count_of
from lensload.verdict.evidence import Evidence
from lensload.verdict.thresholds import Thresholds
from lensload.verdict.verdict import Limit, Severity

Text = str | bool | None
"""What happened, with the figures; anything false where the rule does not hold."""

Holds = Callable[[Evidence, Thresholds], Text]


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for which a run is invalid or bad, or is worth a remark.

    Attributes:
        code: its name for programs.
        severity: what it makes of a run.
        meaning: when it holds, in a sentence.
        text: what happened, if it holds.
        advice: what to do about it.
        limit: what could not keep up with the rate, where that is the cause; None: the rate is not the cause.
    """

    code: str
    severity: Severity
    meaning: str
    text: Holds
    advice: str
    limit: Limit | None


class Rules(list[Rule]):
    """The rules of a theme, in the order in which their reasons are read among those of one severity."""

    def add(
        self, code: str, severity: Severity, advice: str = "", limit: Limit | None = None
    ) -> Callable[[Holds], Holds]:
        """Make the decorated function a rule: it returns its text where the rule holds, else something false.

        Its docstring says when the rule holds. The rules of a new module must be added to `judge.RULES`.
        """

        def add(text: Holds) -> Holds:
            self.append(Rule(code, severity, text.__doc__ or "", text, advice, limit))
            return text

        return add

    def add_count(self, code: str, severity: Literal["fail", "remark"], text: str, advice: str = "") -> None:
        """Add a rule that holds where any event was counted under its code."""

        def holds(run: Evidence, _: Thresholds) -> Text:
            count = count_of(run.counts, code)
            return bool(count) and f"{number(count, 'event').capitalize()} {text}."

        holds.__doc__ = f"Events {text}."
        self.add(code, severity, advice)(holds)

    def add_total(
        self, code: str, total: str, noun: str, text: str, advice: str, limit: Limit | None = None
    ) -> None:
        """Add a rule that makes a run invalid where a total of it is not 0; `{count}` in the text is that, with its noun."""

        def holds(run: Evidence, _: Thresholds) -> Text:
            count = run.total(total)
            return bool(count) and text.format(count=number(count, noun))

        holds.__doc__ = text.format(count=f"some {noun}s")
        self.add(code, "invalid", advice, limit)(holds)


def share(part: float, whole: float) -> str:
    """A percentage that never rounds to 0 or 100 what is neither."""
    percent = 100 * part / whole
    digits = 1
    while digits < 6 and part not in (0, whole) and float(f"{percent:.{digits}f}") in (0.0, 100.0):
        digits += 1
    return f"{percent:.{digits}f} %"


def number(count: int, noun: str) -> str:
    """A count with its noun, in the plural where it is not 1."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

"""Service level objectives: what is asked of a run's figures, one expression each.

    [TOPIC.]STAGE.STATISTIC  <  NUMBER us|ms|s      end_to_end.p99 < 50ms
    [TOPIC.]COUNT            == NUMBER              user-interactions.lost == 0
    [TOPIC.]COUNT            <= NUMBER %            failed <= 0.01%    (of what: `lensload.metrics.counts.WHOLES`)
    of a service under test                         answered >= 99.99%, group(NAME).lag_s.max < 5s: see
                                                    `lensload.verdict.service_figures`
    [TOPIC.]RATE             >= NUMBER              achieved_per_s >= 5000
    achieved                 >= NUMBER %            achieved >= 99.5%  (of the target)

Comparisons are <, <=, >, >=, == and !=. Without a topic an objective is of all topics together.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import TypedDict

from lensload.verdict import service_figures
from lensload.verdict.figures import Figure, shown

_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_UNITS_US: Final = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3_600e6}
_SCALES: Final = {"k": 1e3, "m": 1e6, "g": 1e9}
_EXPRESSION = re.compile(
    r"\s*((?:group\([^()]+\)\.)?[A-Za-z][\w.-]*?)\s*([<>=!]+)\s*([\d._]*\d[eE\d+]*)\s*([^\s\d]*)\s*"
)
_EXAMPLES = "such as 'end_to_end.p99 < 50ms', 'user-interactions.lost == 0' or 'achieved >= 99.5%'"


class Outcome(TypedDict):
    """Whether a run met an objective.

    Attributes:
        expression: as it was given.
        figure: the run's figure, in `unit`; null if there are too few events for it.
        unit: "us", "events", "events/s", "records", "records/s", "%" or "".
        limit: what was asked for, in `unit`.
        margin: by how much the figure is better than the limit, in `unit`; below 0: worse.
        held: whether the objective holds. One that cannot be judged does not.
        reason: why it cannot be judged; "" if it can.
    """

    expression: str
    figure: float | None
    unit: str
    limit: float
    margin: float | None
    held: bool
    reason: str


def sentence(outcome: Outcome) -> str:
    """How an objective stands, in words, with its figure and its margin."""
    held = "holds" if outcome["held"] else "is missed"
    return f"The objective '{outcome['expression']}' {held}: {stand(outcome)}."


def stand(outcome: Outcome) -> str:
    """An objective's figure and margin, or why there is none."""
    if outcome["figure"] is None or outcome["margin"] is None:
        return outcome["reason"]
    figure, margin = shown(outcome["figure"], outcome["unit"]), shown(abs(outcome["margin"]), outcome["unit"])
    room = (
        "" if not outcome["margin"] else f", {margin} {'to spare' if outcome['margin'] > 0 else 'beyond it'}"
    )
    return f"it is {figure}{room}"


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective: a figure, how it is compared, and with what.

    Attributes:
        expression: as it was given.
        figure: what is judged.
        comparison: one of < <= > >= == !=.
        limit: in `unit`.
        unit: "us", "events", "events/s", "records", "records/s", "%" or "".
    """

    expression: str
    figure: Figure
    comparison: str
    limit: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Slo":
        """The objective of an expression.

        Raises:
            ValueError: it is none; names what is wrong, and the nearest known name.
        """
        match = _EXPRESSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text.strip()!r} is no objective; write FIGURE COMPARISON LIMIT, {_EXAMPLES}")
        name, comparison, number, unit = match.groups()
        if comparison not in _COMPARISONS:
            raise ValueError(f"there is no comparison {comparison!r}; there are {' '.join(_COMPARISONS)}")
        figure = Figure.parse(name)
        try:
            value = float(number)
        except ValueError:
            raise ValueError(f"{number!r} is no number") from None
        limit, unit = _limit(figure, value, unit)
        return cls(text.strip(), figure, comparison, limit, unit)

    def __str__(self) -> str:
        """The objective as it was given."""
        return self.expression

    def judge(self, run: Mapping[str, Any]) -> Outcome:
        """How a run stands to it.

        A figure that too few events carry is a miss and no pass: nothing shows that it holds. It does not make the
        run invalid, whose other figures are as good as they were.

        Raises:
            UsageError: the run has no such topic.
        """
        figure = self.figure.of(run, percent=self.unit == "%")
        held = figure is not None and _COMPARISONS[self.comparison](figure, self.limit)
        return {
            "expression": self.expression,
            "figure": figure,
            "unit": self.unit,
            "limit": self.limit,
            "margin": None if figure is None else self._margin(figure),
            "held": held,
            "reason": "" if figure is not None else self._unjudged(run),
        }

    def _margin(self, figure: float) -> float:
        if self.comparison in ("==", "!="):
            apart = abs(figure - self.limit)
            return apart if self.comparison == "!=" else -apart
        return self.limit - figure if "<" in self.comparison else figure - self.limit

    def _unjudged(self, run: Mapping[str, Any]) -> str:
        if self.figure.section:
            return service_figures.missing(self.figure.section, self.figure.kind, run)
        if not self.figure.stage:
            return "nothing was counted"
        count = run["latency_us"].get(self.figure.stage, {}).get(self.figure.topic, {}).get("count") or 0
        return f"too few samples: {count:,} do not carry {self.figure.kind}" if count else "no samples"


def _limit(figure: Figure, value: float, unit: str) -> tuple[float, str]:
    """The limit in the figure's own unit."""
    if figure.is_time:
        if unit not in _UNITS_US:
            given = f"{unit!r} is none" if unit else f"{value:g} has none"
            raise ValueError(
                f"{figure.name} is a time, whose limit has the unit us, ms, s, m or h, as in 50ms; {given}"
            )
        return value * _UNITS_US[unit], "us"
    if figure.percent or (unit == "%" and figure.has_whole):
        if unit != "%":
            raise ValueError(f"{figure.name} is a percentage: write {value:g}%, or achieved_per_s for a rate")
        return value, "%"
    plain = figure.plain_unit
    rate = plain.endswith("/s")
    bare = unit.removesuffix("/s")
    if scale := _SCALES.get(bare.lower()):
        value, unit = value * scale, unit.removeprefix(bare)
    if unit not in ("", "/s" if rate else plain):
        raise ValueError(f"{figure.name} is a {'rate' if rate else 'count'}, without the unit {unit!r}")
    return value, plain

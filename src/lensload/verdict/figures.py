"""Figures of a run by name: latencies by topic, stage and statistic; counts; rates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lensload.errors import UsageError
from lensload.metrics import percentiles
from lensload.metrics.counts import COUNTS, RATES, WHOLES, count_of
from lensload.metrics.responses import RESPONSE_COUNTS
from lensload.metrics.stages import STAGES
from lensload.parse import nearest
from lensload.verdict import service_figures

STATISTICS: Final = ("mean", "p50", "p90", "p99", "p999", "p9999", "max", "min")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a run by name.

    Attributes:
        name: as in an expression, such as "user-interactions.ack.p99".
        topic: "all" for all of them together.
        stage: of a latency; "" for a count or a rate.
        kind: the statistic, count or rate.
        section: of a service under test: "responses" or "group(NAME)"; "" for all others.
    """

    name: str
    topic: str
    stage: str
    kind: str
    section: str = ""

    @classmethod
    def parse(cls, text: str) -> "Figure":
        """The figure of that name, of whatever topic: which there are is known with a run.

        Raises:
            ValueError: there is none; names the nearest.
        """
        name = re.sub(r"\bp\d+(?:\.\d+)?$", lambda found: percentiles.canonical(found[0]), text.strip())
        if found := service_figures.parse(name):
            return cls(name, "all", "", found[1], found[0])
        topic, parts = _topic_and_rest(re.split(r"\.(?!\d)", name))  # the dot of p7.5 parts nothing
        if len(parts) == 1:
            return cls(name, topic, "", _known(parts[0], topic))
        if len(parts) > 2:
            raise ValueError(f"{text!r} has too many parts; a latency is [TOPIC.]STAGE.STATISTIC")
        stage, statistic = parts
        if statistic not in STATISTICS and percentiles.percent_of(statistic) is None:
            raise ValueError(
                f"there is no statistic {statistic!r}; there are mean, min, max and percentiles from p0.01 to p99.9999"
            )
        return cls(name, topic, stage, statistic)

    def of(self, run: Mapping[str, Any], percent: bool = False) -> float | None:
        """Its value in a run: microseconds, events, events a second or percent; None if too few events carry it.

        Args:
            run: a `lensload.results.run.Run`, or what will be one.
            percent: of a count, its share in its whole.

        Raises:
            UsageError: the run has no such topic.
        """
        if self.topic not in (*run["topics"], "all"):
            raise UsageError(
                f"{self.name} cannot be judged: the run has no topic {self.topic}.",
                f"It has {', '.join(run['topics']) or 'none'}.",
            )
        if self.section:
            return service_figures.value(run, self.section, self.kind, percent=percent)
        if self.stage:
            return latency_us(run, self.stage, self.topic, self.kind)
        if self.kind == "achieved":
            target = run["load"]["target_per_s"]
            return 100 * run["load"]["achieved_per_s"] / target if target else None
        if self.kind in RATES:
            return self._rate(run)
        if not percent:
            return float(self._count(run, self.kind))
        whole = self._count(run, WHOLES[self.kind])
        return 100 * self._count(run, self.kind) / whole if whole else None

    @property
    def percent(self) -> bool:
        """It is a percentage whatever is said."""
        return self.kind == "achieved"

    @property
    def is_time(self) -> bool:
        """It is measured in microseconds."""
        return bool(self.stage) or self.plain_unit == "us"

    @property
    def plain_unit(self) -> str:
        """What it is measured in where no percentage is asked for."""
        if self.section:
            return service_figures.unit_of(self.section, self.kind)
        return "us" if self.stage else "events/s" if self.kind in RATES else "events"

    @property
    def has_whole(self) -> bool:
        """It can be asked for in percent of something."""
        if self.section:
            return self.section == "responses" and self.kind != "requests"
        return self.kind in WHOLES

    def _count(self, run: Mapping[str, Any], kind: str) -> int:
        return sum(
            count_of(counts, kind) for topic, counts in run["topics"].items() if self.topic in ("all", topic)
        )

    def _rate(self, run: Mapping[str, Any]) -> float:
        """A topic's share of the rate of all: a run file has the time only as measured, not as spent."""
        whole = sum(counts[RATES[self.kind]] for counts in run["topics"].values())
        share = self._count(run, RATES[self.kind]) / whole if whole else 0.0
        return share * run["load"][self.kind]


def latency_us(run: Mapping[str, Any], stage: str, topic: str, statistic: str) -> float | None:
    """A statistic of a run's latencies, in us; None where too few events carry it, or nothing was recorded.

    What the run's summary does not have, it takes from the histogram.

    Args:
        run: a run, with its summaries and its encoded histograms.
        stage: of the latency.
        topic: "all" for all together.
        statistic: mean, min, max, or a percentile's canonical name.

    Raises:
        UsageError: the run's histogram is damaged.
    """
    summary = run["latency_us"].get(stage, {}).get(topic, {})
    encoded = run.get("histograms", {}).get(stage, {})
    texts = list(encoded.values()) if topic == "all" else [encoded[topic]] if topic in encoded else []
    if statistic in summary or not texts:
        return summary.get(statistic)
    from lensload.metrics.histogram import Histogram  # noqa: PLC0415 - a configuration with objectives needs no NumPy

    histogram = Histogram()
    for text in texts:
        histogram.add(Histogram.from_encoded(text))
    return histogram.figure_us(statistic)


def shown(value: float, unit: str) -> str:
    """A figure with its unit, to four digits or whole, as a person reads it."""
    if unit == "us":
        size, name = (1e6, "s") if value >= 1e6 else (1e3, "ms") if value >= 1e3 else (1.0, "us")
        return f"{value / size:,.4g} {name}"
    if unit == "%":
        return f"{value:.6g} %"
    return (f"{value:,.1f} {unit}" if unit.endswith("/s") else f"{value:,.10g} {unit}").rstrip()


def _topic_and_rest(parts: list[str]) -> tuple[str, list[str]]:
    """The topic, whose own name may have dots, or "all"; and what follows it: stage and statistic, or a count or rate."""
    if len(parts) == 1 or parts[0] in STAGES:
        return "all", parts
    *topic, stage, last = parts
    if topic and stage in STAGES:
        return ".".join(topic), [stage, last]
    if last not in STATISTICS and percentiles.percent_of(last) is None:
        return ".".join((*topic, stage)), [last]
    kind = "stage" if topic else "topic or stage"
    raise ValueError(f"there is no {kind} {stage!r}{nearest(stage, STAGES)}")


def _known(kind: str, topic: str) -> str:
    """A count or a rate that may stand alone, or behind a topic."""
    known = (*COUNTS, *RATES, *(("achieved",) if topic == "all" else ()))
    if kind in known:
        return kind
    if kind in STAGES:
        raise ValueError(f"{kind} is a stage: say of which statistic, as in {kind}.p99")
    if kind == "achieved":
        raise ValueError("achieved is of all topics together; of one, say achieved_per_s")
    if kind in STATISTICS or percentiles.percent_of(kind) is not None:
        raise ValueError(f"{kind} of which stage? Write end_to_end.{kind}, or another of {', '.join(STAGES)}")
    raise ValueError(f"there is no figure {kind!r}{nearest(kind, (*known, *STAGES, *RESPONSE_COUNTS))}")

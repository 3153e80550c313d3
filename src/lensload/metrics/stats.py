"""What was counted and how long it took, by stage and topic, in parts that add up.

A process gathers into one `Stats`, hands them over each second with `take()`, and whoever receives the parts adds
them: the sum is the same as if one process had measured everything.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from lensload.metrics.histogram import Histogram, Nanoseconds
from lensload.metrics.stages import STAGES

__all__ = ["STAGES", "Histogram", "Stats"]


@dataclass(slots=True)
class Stats:
    """Everything that was counted and measured over some time by some process.

    Topics are LENS's names without a prefix. One thread at a time may use one.

    Attributes:
        counts: how many events of a topic were produced, acked, failed, observed, duplicated, reordered, corrupt
            (and the same in the warm-up, as `warmup_…`).
        errors: how often each error text occurred on a topic.
        totals: scalars that add: `queue_full`, `bytes`, `verified`, `mismatched` and the like.
        histograms: latencies by (stage, topic).
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    errors: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    totals: dict[str, float] = field(default_factory=dict[str, float])
    histograms: dict[tuple[str, str], Histogram] = field(default_factory=dict[tuple[str, str], Histogram])

    def count(self, topic: str, name: str, n: int = 1) -> None:
        """Count `n` more events of a topic under a name."""
        by_name = self.counts.setdefault(topic, {})
        # int(): sums of arrays are NumPy scalars, which msgpack refuses.
        by_name[name] = by_name.get(name, 0) + int(n)

    def error(self, topic: str, text: str, n: int = 1) -> None:
        """Count `n` more occurrences of an error; one text a kind of error, without offsets or ids."""
        self.errors[topic, text] = self.errors.get((topic, text), 0) + int(n)

    def add_total(self, name: str, amount: float) -> None:
        """Add to a scalar."""
        self.totals[name] = self.totals.get(name, 0) + float(amount)

    def record(self, stage: str, topic: str, values_ns: Nanoseconds) -> None:
        """Record the latencies of some events of a topic at a stage."""
        self._open(stage, topic).record(values_ns)

    def record_repeated(self, stage: str, topic: str, value_ns: int, count: int) -> None:
        """Record one latency for `count` events of a topic at a stage."""
        self._open(stage, topic).record_repeated(value_ns, count)

    def merge(self, stage: str, topic: str, histogram: Histogram) -> None:
        """Record all that a histogram has."""
        self._open(stage, topic).add(histogram)

    def _open(self, stage: str, topic: str) -> Histogram:
        # Not setdefault: it would make a histogram each time to throw it away.
        histogram = self.histograms.get((stage, topic))
        if histogram is None:
            histogram = self.histograms[stage, topic] = Histogram()
        return histogram

    def add(self, other: "Stats") -> None:
        """Count all that `other` has; `other` is left as it was and shares nothing with this one."""
        for topic, by_name in other.counts.items():
            for name, n in by_name.items():
                self.count(topic, name, n)
        for (topic, text), n in other.errors.items():
            self.error(topic, text, n)
        for name, amount in other.totals.items():
            self.add_total(name, amount)
        for (stage, topic), histogram in other.histograms.items():
            self.merge(stage, topic, histogram)

    def take(self) -> "Stats":
        """Hand over what has gathered, and start empty."""
        taken = Stats(self.counts, self.errors, self.totals, self.histograms)
        self.counts, self.errors, self.totals, self.histograms = {}, {}, {}, {}
        return taken

    def histogram(self, stage: str, topic: str = "all") -> Histogram:
        """The latencies of a topic at a stage, or of all topics together; empty where there were none.

        It is a copy: what is recorded later is not in it.
        """
        merged = Histogram()
        for (its_stage, its_topic), histogram in self.histograms.items():
            if its_stage == stage and topic in ("all", its_topic):
                merged.add(histogram)
        return merged

    def to_wire(self) -> dict[str, Any]:
        """All of it, exactly, as a map that msgpack can carry."""
        return {
            "counts": self.counts,
            "errors": {f"{topic}|{text}": n for (topic, text), n in self.errors.items()},
            "totals": self.totals,
            "histograms": {
                f"{stage}|{topic}": one.to_wire() for (stage, topic), one in self.histograms.items()
            },
        }

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """What `to_wire` gave, again."""
        return cls(
            counts=wire["counts"],
            errors={_split(key): n for key, n in wire["errors"].items()},
            totals=wire["totals"],
            histograms={_split(key): Histogram.from_wire(one) for key, one in wire["histograms"].items()},
        )


def _split(key: str) -> tuple[str, str]:
    """The two parts of a "left|right" key; the right one may hold bars of its own."""
    left, _, right = key.partition("|")
    return left, right

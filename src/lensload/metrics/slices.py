"""The course of a run in blocks of time: what was counted in each, and how long it took. They add up to the run.

A percentile of the whole run does not say how certain it is; what it was in each of many blocks does.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypedDict

from lensload.metrics.stats import Histogram, Tally

STAGES_KEPT = ("schedule_lag", "ack", "end_to_end")
COUNTS = ("produced", "acked", "observed", "failed")

# Five minutes of seconds. Then neighbours are merged, and what follows comes in pieces twice as long: 150 blocks or
# more tell well how a figure varies, and the run file stays within some MB however long the run.
MOST = 300


class Block(TypedDict):
    """Some time of a run, and what happened in it to measured events: nothing in here is of the warm-up.

    `from_s` and `to_s` count from the start of the schedule; blocks follow each other without gaps. `phase` is
    "measuring" or "draining". `histograms` has `STAGES_KEPT` by stage and topic, encoded as those of the run:
    latencies of the events that got to that stage in this time.
    """

    from_s: float
    to_s: float
    phase: str
    produced: int
    acked: int
    observed: int
    failed: int
    histograms: dict[str, dict[str, str]]


@dataclass(slots=True)
class _Part:
    """A block while the run is on. Its histograms are wire maps: spread out, each takes a quarter of a megabyte."""

    from_s: float
    to_s: float
    phase: str
    seconds: int
    counts: dict[str, int]
    histograms: dict[tuple[str, str], dict[str, Any]]

    def add(self, later: "_Part") -> None:
        self.to_s = max(self.to_s, later.to_s)
        self.seconds += later.seconds
        for name, n in later.counts.items():
            self.counts[name] += n
        for key, wire in later.histograms.items():
            mine = self.histograms.get(key)
            self.histograms[key] = wire if mine is None else _sum(mine, wire)

    @property
    def empty(self) -> bool:
        return not self.histograms and not any(self.counts.values())


class Blocks:
    """The blocks of a run that is on: one a second at first, longer ones once there are more than `most`."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._parts: list[_Part] = []
        self._length = 1  # of a whole block, in seconds

    def close(self, fresh: Tally, *, since_s: float, at_s: float, phase: str) -> None:
        """Take in what came in the second that ends now.

        Args:
            fresh: what is new in it, of all processes.
            since_s: when measuring began, from the start of the schedule: no block begins earlier.
            at_s: now, from the start of the schedule.
            phase: as in `lensload.results.run.row`; before "measuring" there is nothing to take in.
        """
        from_s = self._parts[-1].to_s if self._parts else since_s
        part = _part(fresh, min(from_s, at_s), at_s, phase)
        if phase not in ("measuring", "draining") and part.empty:
            return
        last = self._parts[-1] if self._parts else None
        if last and last.phase == phase and last.seconds < self._length:
            last.add(part)
            return
        self._parts.append(part)
        if len(self._parts) > self._most:
            self._length *= 2
            self._parts = _pairwise(self._parts)

    def add_rest(self, fresh: Tally) -> None:
        """Count what came after the last second with the last block."""
        rest = _part(fresh, 0.0, 0.0, "draining")
        if self._parts:
            self._parts[-1].add(rest)
        elif not rest.empty:
            self._parts.append(rest)

    def finished(self) -> list[Block]:
        """All blocks as the run file has them."""
        return [_encoded(part) for part in self._parts if part.to_s > part.from_s or not part.empty]


def histogram(block: Block, stage: str, topic: str = "all") -> Histogram:
    """The latencies of a topic at a stage in a block, or of all topics together; empty where there were none.

    Raises:
        UsageError: the file is damaged.
    """
    merged = Histogram()
    for its_topic, text in block["histograms"].get(stage, {}).items():
        if topic in ("all", its_topic):
            merged.add(Histogram.from_encoded(text))
    return merged


def _part(fresh: Tally, from_s: float, to_s: float, phase: str) -> _Part:
    counts = {name: sum(by.get(name, 0) for by in fresh.counts.values()) for name in COUNTS}
    kept = {
        key: one.to_wire() for key, one in fresh.histograms.items() if key[0] in STAGES_KEPT and one.count
    }
    return _Part(from_s, to_s, phase, 1, counts, kept)


def _pairwise(parts: list[_Part]) -> list[_Part]:
    """Half as many, each of two neighbours of one phase."""
    halved: list[_Part] = []
    for _, of_phase in groupby(parts, key=lambda part: part.phase):
        neighbours = list(of_phase)
        for first, second in zip(neighbours[::2], neighbours[1::2], strict=False):
            first.add(second)
        halved += neighbours[::2]
    return halved


def _sum(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = Histogram.from_wire(one)
    merged.add(Histogram.from_wire(other))
    return merged.to_wire()


def _encoded(part: _Part) -> Block:
    histograms: dict[str, dict[str, str]] = {stage: {} for stage in STAGES_KEPT}
    for (stage, topic), wire in sorted(part.histograms.items()):
        histograms[stage][topic] = Histogram.from_wire(wire).encoded()
    return {
        "from_s": round(part.from_s, 3),
        "to_s": round(part.to_s, 3),
        "phase": part.phase,
        "produced": part.counts["produced"],
        "acked": part.counts["acked"],
        "observed": part.counts["observed"],
        "failed": part.counts["failed"],
        "histograms": histograms,
    }

"""What a search came to, as JSON and as a table: with every run of it, and what to do next."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

from lensload import atomic_file
from lensload.capacity.search import Answer, Found, Plan
from lensload.capacity.trial import Trial
from lensload.errors import InvalidRunError
from lensload.report import units
from lensload.report.text_table import aligned

FORMAT = "lensload/capacity/1"
PERCENTILES = ("p50", "p90", "p99", "p999")
STAGES = ("ack", "end_to_end")

Outcome = Literal["found", "at_least", "generator", "none", "invalid", "unfinished"]

RateOf = Literal["events", "requests"]

EXIT_CODES: dict[Outcome, int] = {
    "found": 0,
    "at_least": 0,
    "generator": 0,
    "none": 1,
    "invalid": InvalidRunError.exit_code,
    "unfinished": InvalidRunError.exit_code,
}


class Point(TypedDict):
    """One run: the rate asked for and got, what it said and why, and its percentiles of all topics by stage."""

    rate_per_s: float
    achieved_per_s: float
    answer: str
    because: str
    latency_us: dict[str, dict[str, float | None]]
    run_file: str


class Capacity(TypedDict):
    """What a search came to; the content of its file.

    `capacity_per_s` is the highest rate that held in two runs, if the cluster (or the range) is what ends there, and
    null where the generator is; `held_per_s` and `gave_per_s` are the bracket whatever ends it. `outcome` is
    "found", "at_least" (the range ends first) or "generator" (it ends first, and a rate held): exit code 0; "none"
    (the cluster does not even hold the lowest rate): 1; "invalid" (no rate could be measured, or none from some rate
    on for a reason that is not the rate) or "unfinished": 3. `rate_of` says what the rates are of: "events" of all
    topics, or "requests" to a service under test, whose `achieved_per_s` counts the events that follow answers too.
    `runs` are in the order in which they were made.
    """

    format: str
    outcome: Outcome
    text: str
    capacity_per_s: float | None
    held_per_s: float | None
    gave_per_s: float | None
    resolution: float
    rate_of: RateOf
    slos: list[str]
    embedded: bool
    runs: list[Point]
    conditions: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trials:
    """The runs of a search so far, and what was asked for."""

    slos: Sequence[str]
    plan: Plan
    made: Sequence[Trial]
    rate_of: RateOf = "events"

    def result(self, found: Found | None) -> Capacity:
        """What they came to; `found` is None for a search that was stopped before its end."""
        found_or_known = found or self._known()
        outcome = _outcome(found)
        last = self.made[-1].run if self.made else None
        return {
            "format": FORMAT,
            "outcome": outcome,
            "text": _text(outcome, found_or_known, self._because(outcome, found_or_known), self.rate_of),
            "capacity_per_s": found_or_known.held_per_s if outcome in ("found", "at_least") else None,
            "held_per_s": found_or_known.held_per_s,
            "gave_per_s": found_or_known.gave_per_s,
            "resolution": self.plan.resolution,
            "rate_of": self.rate_of,
            "slos": list(self.slos),
            "embedded": bool(last and last["embedded"]),
            "runs": [_point(trial) for trial in self.made],
            "conditions": last["conditions"] if last else {},
        }

    def _because(self, outcome: Outcome, found: Found) -> str:
        """The rate of the last run that ended the search, and why it did."""
        last = self.made[-1:]
        if outcome == "generator":
            last = [trial for trial in self.made if trial.rate_per_s == found.gave_per_s and trial.because][
                -1:
            ]
        return "".join(
            f"At {units.per_s(trial.rate_per_s)} {self.rate_of}/s: {trial.because}" for trial in last
        )

    def _known(self) -> Found:
        """The bracket as far as it goes: each rate's last run counts."""
        last = {trial.rate_per_s: trial.answer for trial in self.made}
        gave = [rate for rate, answer in last.items() if answer in (Answer.MISSED, Answer.GENERATOR)]
        held = [
            rate for rate, answer in last.items() if answer is Answer.HELD and rate < min(gave, default=1e99)
        ]
        return Found("cluster", max(held, default=None), min(gave, default=None))


def write(path: Path, capacity: Capacity) -> None:
    """Write the result as JSON.

    Raises:
        UsageError: the file cannot be written.
    """
    atomic_file.leave(path, json.dumps(capacity, indent=1, allow_nan=False) + "\n", "result", "--result")


def table(capacity: Capacity) -> str:
    """The curve of rate against percentile as text, a line a run from the lowest rate up, and what it comes to."""
    latencies = [f"{stage} {name}" for stage in ("ack", "e2e") for name in ("p50", "p99")]
    rate_of = capacity["rate_of"]
    head = [f"{rate_of}/s", "achieved" if rate_of == "events" else "all events/s", *latencies, "answer"]
    lines = aligned([head, *map(_row, in_order(capacity))], ">" * (len(head) - 1) + "<")
    return "\n".join([*lines, "", *_told(capacity)]) + "\n"


def in_order(capacity: Capacity) -> list[Point]:
    """The runs from the lowest rate up, those of one rate as they were made."""
    return sorted(capacity["runs"], key=lambda point: point["rate_per_s"])


def _told(capacity: Capacity) -> Iterator[str]:
    if capacity["embedded"]:
        yield "EMBEDDED CLUSTER: this is the client's capacity, not a broker's."
    yield capacity["text"]


def _row(point: Point) -> list[str]:
    rates = [units.per_s(point[name]) for name in ("rate_per_s", "achieved_per_s")]
    latencies = [point["latency_us"][stage][name] for stage in STAGES for name in ("p50", "p99")]
    answer = f"{point['answer']}: {point['because']}" if point["because"] else point["answer"]
    return [*rates, *map(units.latency, latencies), answer]


def _point(trial: Trial) -> Point:
    by_stage = trial.run["latency_us"]
    return {
        "rate_per_s": trial.rate_per_s,
        "achieved_per_s": trial.run["load"]["achieved_per_s"],
        "answer": trial.answer.value,
        "because": trial.because,
        "latency_us": {
            stage: {name: by_stage[stage]["all"][name] for name in PERCENTILES} for stage in STAGES
        },
        "run_file": trial.file.name,
    }


def _outcome(found: Found | None) -> Outcome:
    if found is None:
        return "unfinished"
    if found.limit == "invalid" or (found.limit == "generator" and found.held_per_s is None):
        return "invalid"
    if found.limit == "generator":
        return "generator"
    if found.held_per_s is None:
        return "none"
    return "at_least" if found.limit == "range" else "found"


def _text(outcome: Outcome, found: Found, because: str, rate_of: RateOf) -> str:
    held = f"{units.per_s(found.held_per_s)} {rate_of}/s" if found.held_per_s else "no rate that was tried"
    gave = f"{units.per_s(found.gave_per_s)} {rate_of}/s" if found.gave_per_s else ""
    match outcome:
        case "found":
            return f"CAPACITY: {held} hold the objectives, in two runs; {gave} do not, in two runs."
        case "at_least":
            return f"CAPACITY: at least {held}, the top of the range. Raise --max-rate to find its end."
        case "generator":
            return (
                f"THE GENERATOR IS THE LIMIT above {held}, which hold the objectives, in two runs. {because}."
                " The cluster may hold more: to find out, add --workers, cores or machines."
            )
        case "none":
            return f"NO CAPACITY: not even {gave} hold the objectives, and no lower rate was asked for. Lower --start-rate."
        case "invalid":
            known = (
                f"until then the objectives held at {held}" if found.held_per_s else "no rate was measured"
            )
            return f"INVALID: the search could not go on; {known}. {because}. Mend that, and search again."
        case "unfinished":
            above = f", and did not at {gave}" if gave else ""
            return f"STOPPED before the end of the search: by then the objectives held at {held}{above}."

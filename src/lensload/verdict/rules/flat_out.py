"""Rules about a run without a schedule (--rate max): what kept it from going faster."""

from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.observer import behind_by
from lensload.verdict.rules.rule import Rules, Text, share
from lensload.verdict.thresholds import Thresholds
from lensload.verdict.verdict import Limit

RULES: Final = Rules()

# Of the time without room for more: a generator that waits less is itself the limit.
_MOSTLY_FREE: Final = 0.1
_MOST_OF_A_CORE: Final = 0.8


def limit_of(run: Evidence, thresholds: Thresholds) -> Limit | None:
    """What kept a run without a schedule from going faster; None for a run with one, or in which nothing was acknowledged."""
    if not run.facts.flat_out or not run.counts["acked"]:
        return None
    if run.facts.acks == "all" and behind_by(run, thresholds):
        return "observer"
    if _full(run) < _MOSTLY_FREE:
        return "generator"
    return "client" if _client_cores(run) > _MOST_OF_A_CORE else "broker"


def _full(run: Evidence) -> float:
    """The share of the time for which as many events were under way as may be, the mean of the generators."""
    whole_s = run.facts.measured_s * run.facts.workers
    return min(1.0, run.totals.get("window_full_s", 0.0) / whole_s) if whole_s > 0 else 0.0


def _client_cores(run: Evidence) -> float:
    """How much of a core the busiest of librdkafka's threads used, where one was the busiest of its process."""
    return max(
        (
            cost["busiest_thread_cores"]
            for cost in run.costs
            if cost["process"] == "generator" and cost["busiest_thread"].startswith("rdk:")
        ),
        default=0.0,
    )


@RULES.add("limited_by_generator", "remark", "Add workers (--workers), or cores.")
def _by_generator(run: Evidence, thresholds: Thresholds) -> Text:
    """Without a schedule (`--rate max`), the generator was the limit."""
    return limit_of(run, thresholds) == "generator" and (
        "Without a schedule, the generator was the limit: only for"
        f" {share(_full(run), 1)} of the time did it have to wait for acknowledgements."
    )


@RULES.add("limited_by_client", "remark", "Add workers (--workers), or choose another --compression.")
def _by_client(run: Evidence, thresholds: Thresholds) -> Text:
    """Without a schedule (`--rate max`), a thread of librdkafka was the limit."""
    return limit_of(run, thresholds) == "client" and (
        f"Without a schedule, the Kafka client was the limit: a thread of librdkafka used {_client_cores(run):.2f} of a core."
    )


@RULES.add(
    "limited_by_broker", "remark", "More partitions, brokers or a longer --linger-ms may let it take more."
)
def _by_broker(run: Evidence, thresholds: Thresholds) -> Text:
    """Without a schedule (`--rate max`), the broker or the network to it was the limit."""
    return limit_of(run, thresholds) == "broker" and (
        "Without a schedule, the broker (with the network to it) was the limit: for"
        f" {share(_full(run), 1)} of the time as many events waited for acknowledgements as may be under way."
    )


@RULES.add(
    "limited_by_observer", "remark", "Add workers (--workers); end-to-end latency is the observer's here."
)
def _by_observer(run: Evidence, thresholds: Thresholds) -> Text:
    """Without a schedule (`--rate max`), the observer was the limit."""
    return limit_of(run, thresholds) == "observer" and (
        f"Without a schedule, the observer did not keep up; it was behind by {behind_by(run, thresholds)}."
    )

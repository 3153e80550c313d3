"""Rules about delivery: whether each event was taken, arrived, and arrived as it was sent."""

from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, number, share
from lensload.verdict.thresholds import Thresholds

RULES: Final = Rules()


@RULES.add(
    "unflushed",
    "invalid",
    "Bring the broker back if a notice says that none can be reached; else raise --drain-timeout, or lower the rate.",
    limit="cluster",
)
def _unflushed(run: Evidence, _: Thresholds) -> Text:
    """The drain ended before it was known whether the cluster took these events."""
    # Not one is allowed, for those that are missing are the slowest.
    unflushed = run.facts.unflushed
    return unflushed > 0 and (
        f"The fate of {number(unflushed, 'event')} is unknown: no delivery report came before the drain ended."
    )


# Not one is allowed: what is measured after it is not what LENS sends.
RULES.add_total(
    "serializer_mismatch",
    "mismatched",
    "event",
    "The Confluent serializer writes {count} of the sample differently.",
    "Report it as a bug of lensload, unless a schema was changed under it.",
)


@RULES.add("failed", "fail", "See the errors for why.")
def _failed(run: Evidence, thresholds: Thresholds) -> Text:
    """The cluster refused events for good."""
    failed, produced = run.counts["failed"], run.counts["produced"]
    return failed > thresholds.max_failed * produced and (
        f"The cluster did not take {number(failed, 'event')} ({share(failed, produced)} of those produced)."
    )


@RULES.add(
    "lost",
    "fail",
    "Without --acks all a leader that goes takes events with it. With it, look in the brokers' logs, and for whoever"
    " deletes records.",
)
def _lost(run: Evidence, thresholds: Thresholds) -> Text:
    """Acknowledged events never arrived at the observer."""
    lost, acked = run.counts["lost"], run.counts["acked"]
    conclusive = run.facts.accounted and not run.facts.embedded
    return (
        conclusive
        and lost > thresholds.max_lost * acked
        and (
            f"{number(lost, 'event').capitalize()} ({share(lost, acked)} of those acknowledged) never arrived at the"
            " observer."
        )
    )


RULES.add_count(
    "corrupt",
    "fail",
    "arrived, but not as sent",
    "Look for what changes records on their way, such as a proxy; if there is nothing, report it as a bug of lensload.",
)


RULES.add_count(
    "unknown",
    "remark",
    "were acknowledged, and whether they arrived is not known: the process that knew it ended, or did not read to the end",
)


RULES.add_count(
    "duplicated",
    "remark",
    "arrived more than once",
    "A producer that tries again writes twice, unless it is idempotent: --acks all is.",
)


RULES.add_count(
    "reordered",
    "remark",
    "arrived behind a later one of their partition",
    "A producer that tries again changes the order, unless it is idempotent: --acks all is.",
)


RULES.add_count(
    "failed_but_delivered",
    "remark",
    "arrived without an acknowledgement: some of those counted as failed were written",
    "A service that sends such events again writes them twice.",
)

"""Where the time of an answer went: until acknowledged, until written, until in hand; beside what the service claims."""

from typing import Any, cast

from lensload.config.model import REQUESTS
from lensload.metrics.responses import PARTS, Reception, ResponseBreakdown, Responses
from lensload.metrics.stats import Stats


def responses(found: dict[str, Any], stats: Stats) -> Responses:
    """What a run file says of the answers.

    Args:
        found: what `ReplyLedger.result` gave.
        stats: everything that was counted in the run: the requests' ack latency is taken from there.
    """
    return cast(
        "Responses", {**found["counts"], "breakdown": _breakdown(found, stats), "reception": reception(stats)}
    )


def reception(stats: Stats) -> Reception | None:
    """What people did with the answers, as the generators counted it."""
    names = ("pages_seen", "items_shown", "clicks", "purchases")
    pages, items, clicks, purchases = (int(stats.totals.get(name, 0)) for name in names)
    if not pages:
        return None
    return {
        "pages": pages,
        "items": items,
        "clicks": clicks,
        "purchases": purchases,
        "click_through": clicks / items if items else 0.0,
        "conversion": purchases / pages,
    }


def _breakdown(found: dict[str, Any], stats: Stats) -> ResponseBreakdown | None:
    """The parts, which add up to the mean.

    An answer may be written before the request's acknowledgement is back: then acknowledging ends where answering would
    begin. Records' timestamps are whole milliseconds, rounded down; half of one is given back.
    """
    ack_us = stats.histogram("ack", REQUESTS).summary()["mean"]
    if "response_us" not in found or ack_us is None:
        return None
    response_us = found["response_us"]
    written_us = min(found["writing_us"] + 500.0, response_us)
    acknowledging_us = min(ack_us, max(0.0, written_us))
    spent = {
        "acknowledging": acknowledging_us,
        "answering": written_us - acknowledging_us,
        "reading": response_us - written_us,
    }
    return {
        "response_us": response_us,
        "acknowledging_us": spent["acknowledging"],
        "answering_us": spent["answering"],
        "reading_us": spent["reading"],
        "claimed_us": found["claimed_us"],
        "clock": found["clock"],
        "mostly": max(PARTS, key=lambda part: spent[part]),
    }

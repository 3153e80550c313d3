"""Where the time from due to seen went: the generator, the client, the broker, or the consumer's side."""

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import TypedDict

from lensload.metrics import stages

PLACES: Final = tuple(stages.PLACES)


class Breakdown(TypedDict):
    """The mean time from when an event was due until it was seen, by where it was spent; the parts add up to the mean.

    Attributes:
        end_to_end_us: the mean end-to-end latency.
        generator_us: schedule lag.
        client_us: librdkafka's queue (its linger included) and output buffer; null: not measured.
        broker_us: the rest until the acknowledgement: network, log, replicas.
        consumer_us: from the acknowledgement until the observer has the event; 0 if the observer had it first.
        mostly: where most of the time was spent: "generator", "client", "broker" or "consumer".
    """

    end_to_end_us: float
    generator_us: float
    client_us: float | None
    broker_us: float
    consumer_us: float
    mostly: str


def breakdown(
    latency_us: Mapping[str, Mapping[str, Mapping[str, Any]]], client: Mapping[str, Mapping[str, Any]]
) -> Breakdown | None:
    """The breakdown of a run, from means, which add up; None where nothing was seen.

    Args:
        latency_us: summaries by stage and topic, as in a run file.
        client: summaries of librdkafka's own windows, as in a run file.
    """
    lag, ack, end = (latency_us[stage]["all"]["mean"] for stage in ("schedule_lag", "ack", "end_to_end"))
    if lag is None or ack is None or end is None:
        return None
    told = [client.get(name, {}).get("mean") for name in ("queue", "output_buffer")]
    waits = [mean for mean in told if mean is not None]
    return split(lag, sum(waits) if waits else None, ack, end)


def split(lag: float, queue: float | None, ack: float, end: float) -> Breakdown:
    """Where the time up to `end` went, in microseconds from when events were due; `queue` is a part of `ack`."""
    queue = None if queue is None else min(queue, max(0.0, ack - lag))
    acked = min(ack, end)
    found: dict[str, float | None] = {
        "generator": min(lag, acked),
        "client": queue,
        "broker": max(0.0, acked - min(lag, acked) - (queue or 0.0)),
        "consumer": max(0.0, end - ack),
    }
    mostly = max(PLACES, key=lambda place: found[place] or 0.0)
    return {
        "end_to_end_us": end,
        **{f"{place}_us": found[place] for place in PLACES},
        "mostly": mostly,
    }  # pyright: ignore[reportReturnType]  # the keys are the places


def sentence(fall: Breakdown, linger_ms: float | None = None) -> str:
    """The breakdown in one plain sentence."""
    waited = ""
    if linger_ms is not None and (fall["client_us"] or 0.0) <= linger_ms * 1_000:
        waited = f", where events wait up to {linger_ms:g} ms for a batch (linger)"
    elif linger_ms is not None:
        waited = (
            f", for longer than a batch waits to be filled (linger, {linger_ms:g} ms): until the broker has answered earlier"
            " requests, or the client gets a core"
        )
    says = {
        "generator": "mostly in the generator, which was late: this machine's time, not the cluster's",
        "client": f"mostly in the client's queue{waited}",
        "broker": "mostly between the client and the broker's acknowledgement"
        if fall["client_us"] is not None
        else "mostly between the generator and the acknowledgement",
        "consumer": "mostly on the consumer's side, after the acknowledgement",
    }
    return f"{says[fall['mostly']][0].upper()}{says[fall['mostly']][1:]}."

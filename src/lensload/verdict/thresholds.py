"""Where a run stops being trusted, or good: each a field of the configuration, with the reason for its default."""

from typing import Final

from lensload.option import Group, Shown, option
from lensload.parse import Duration


class Thresholds(Group):
    """What a verdict goes by. The description of a field is its help text, and says why its default is what it is."""

    min_achieved: float = option(
        0.99,
        Shown("SHARE", web=False),
        "Invalid below: the share of the due events that were produced. With fewer, the load was not the one asked"
        " for. A quiet machine reaches 0.999, and 0.99 leaves room for a shared one.",
        ge=0,
        le=1,
    )
    max_schedule_lag_s: Duration = option(
        0.1,
        Shown("DURATION", name="max_schedule_lag", web=False),
        "Invalid above: the schedule lag at p99, which is a part of every latency. Less than 2ms is usual, and more"
        " than 100ms means that the client does not keep up.",
    )
    max_lag_share: float = option(
        0.25,
        Shown("SHARE", web=False),
        "Remark above: the schedule lag as a share of a latency that an objective limits, or of the limit. Invalid if the"
        " lag is why the objective is missed. With more than a quarter, the figure is not the cluster's alone.",
        ge=0,
    )
    max_observer_lag_s: Duration = option(
        1.0,
        Shown("DURATION", name="max_observer_lag", web=False),
        "Invalid above: how much greater end-to-end latency is than ack latency at any reported percentile, with"
        " acks=all. An acknowledged event can be read at once, so with more the observer did not keep up."
        " Milliseconds are usual, and a second leaves room for a busy machine.",
    )
    max_clock_doubt: float = option(
        0.1,
        Shown("SHARE", web=False),
        "Invalid above: how far the clocks of several hosts may be apart, as a share of the end-to-end"
        " median. Above a tenth, end-to-end latency is not meaningful.",
        ge=0,
    )
    min_measured_s: Duration = option(
        5.0,
        Shown("DURATION", name="min_measured", web=False),
        "Invalid below: the measured time. A cluster pauses now and then (garbage collection, a flush, a new leader),"
        " and less than 5s may contain none of these pauses, or little else.",
        ge=0,
    )
    min_events: int = option(
        1_000,
        Shown("COUNT", web=False),
        "Invalid below: the number of measured events. A p99 rests on the slowest 1 % of the events, and fewer than ten"
        " of them are chance.",
        ge=0,
    )
    max_failed: float = option(
        0.0,
        Shown("SHARE", web=False),
        "Failed above: the share of events that the cluster refused or timed out. By default none may fail: a"
        " cluster that refuses events does not carry the load.",
        ge=0,
        le=1,
    )
    max_lost: float = option(
        0.0,
        Shown("SHARE", web=False),
        "Failed above: the share of the acknowledged events that never arrived. By default none may be lost: an"
        " acknowledgement is a promise.",
        ge=0,
        le=1,
    )

    def is_late(self, lag_us: float) -> bool:
        """Whether a schedule lag is above what is allowed: the one place that decides it."""
        return lag_us > self.max_schedule_lag_s * 1e6


DEFAULTS: Final = Thresholds()

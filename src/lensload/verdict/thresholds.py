"""Where a run stops being trusted, or good: each a field of the configuration, with the reason for its default."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from lensload.values import Duration, Shown

_Share = Annotated[float, Field(ge=0, le=1), Shown("SHARE", web=False)]


class Thresholds(BaseModel):
    """What a verdict goes by. The description of a field is its help text, and says why its default is what it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=False)

    min_achieved: Annotated[
        _Share,
        Field(
            description="Invalid below: the share of the due events that were produced. Fewer are another load than the"
            " one asked for; a quiet machine reaches 0.999, and 0.99 leaves room for a shared one."
        ),
    ] = 0.99
    max_schedule_lag_s: Annotated[
        Duration,
        Field(
            description="Invalid above: the schedule lag at p99. It is a part of every latency from the due time; under"
            " 2ms is usual, and 100ms is no hiccup of a shared machine but a client that does not keep up.",
        ),
        Shown("DURATION", name="max_schedule_lag", web=False),
    ] = 0.1
    max_observer_lag_s: Annotated[
        Duration,
        Field(
            description="Invalid above: how much greater end-to-end latency is than ack latency at any reported"
            " percentile, with acks=all. An acknowledged event can be read at once, so that the observer did not keep"
            " up; its usual share is milliseconds, and a second leaves room for a busy machine.",
        ),
        Shown("DURATION", name="max_observer_lag", web=False),
    ] = 1.0
    max_clock_doubt: Annotated[
        float,
        Field(
            ge=0,
            description="Invalid above: how far the clocks of several hosts may be apart, as a share of the end-to-end"
            " median. Above a tenth, end-to-end latency is not meaningful.",
        ),
        Shown("SHARE", web=False),
    ] = 0.1
    min_measured_s: Annotated[
        Duration,
        Field(
            ge=0,
            description="Invalid below: the measured time. A cluster pauses now and then (a collection of garbage, a flush,"
            " a new leader), and less than 5s may hold none of these pauses, or little else.",
        ),
        Shown("DURATION", name="min_measured", web=False),
    ] = 5.0
    min_events: Annotated[
        int,
        Field(
            ge=0,
            description="Invalid below: the number of measured events. A p99 rests on the slowest hundredth, and fewer"
            " than ten events there are chance.",
        ),
        Shown("COUNT", web=False),
    ] = 1_000
    max_failed: Annotated[
        _Share,
        Field(
            description="Failed above: the share of events that the cluster refused or timed out. None, for a cluster"
            " that drops events under a load does not carry it."
        ),
    ] = 0.0
    max_lost: Annotated[
        _Share,
        Field(
            description="Failed above: the share of the acknowledged events that never arrived. None, for an"
            " acknowledgement is a promise."
        ),
    ] = 0.0

    def is_late(self, lag_us: float) -> bool:
        """Whether a schedule lag is above what is allowed: the one place that decides it."""
        return lag_us > self.max_schedule_lag_s * 1e6


DEFAULTS: Final = Thresholds()

"""How late events reached the observer after the cluster had acknowledged them, from what was measured of both."""

from dataclasses import dataclass

from lensload.metrics.histogram import Histogram


@dataclass(frozen=True, slots=True)
class ObserverLag:
    """How much later than acknowledged events were seen, at one percentile of end-to-end latency.

    Attributes:
        percentile: its name, such as "p99".
        end_to_end_us: end-to-end latency there.
        ack_us: the ack latency of the same rank.
    """

    percentile: str
    end_to_end_us: float
    ack_us: float

    @property
    def lag_us(self) -> float:
        """The difference: at least one event was seen so much later than it was acknowledged, or more."""
        return self.end_to_end_us - self.ack_us


def observer_lag(ack: Histogram, end_to_end: Histogram, lost: int = 0) -> ObserverLag | None:
    """The lag at the reported percentile at which it is greatest; None where none is carried.

    It is a lower bound, to the three digits of a histogram. If every event was seen at most d after its acknowledgement,
    no end-to-end percentile is more than d above the ack latency of the same rank. Both are of the same events but for
    two kinds. Those that were lost have an ack latency alone: they may be the least, so ranks move up by as many.
    Those that were seen without an acknowledgement have none, and count as acknowledged later than all others.

    Args:
        ack: ack latency of every acknowledged event.
        end_to_end: end-to-end latency of every event that was seen.
        lost: how many were acknowledged and not seen.
    """
    ranks = {name: end_to_end.rank(percent) + lost for name, percent in end_to_end.carried.items()}
    lags = [
        ObserverLag(name, end_to_end.percentile_us(percent) or 0.0, ack.ranked_us(ranks[name]))
        for name, percent in end_to_end.carried.items()
        if ranks[name] <= ack.count
    ]
    return max(lags, key=lambda lag: lag.lag_us, default=None)

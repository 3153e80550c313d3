"""Rules about clocks: whether latencies between them mean anything."""

from math import isinf
from typing import Final

from lensload.verdict.evidence import Evidence
from lensload.verdict.rules.rule import Rules, Text, share
from lensload.verdict.thresholds import Thresholds

_MAX_NEGATIVE: Final = 0.01  # of a stage's latencies: fewer move no p99
_MAX_CLOCK_STEP_S: Final = 0.001  # NTP slews a clock, which is no step: more is somebody's doing

RULES: Final = Rules()


@RULES.add("clock_step", "invalid", "Let NTP slew the clock instead (chronyd does), and run again.")
def _clock_step(run: Evidence, _: Thresholds) -> Text:
    """A host's clock was set during the run."""
    step_s = run.facts.clock_step_s
    return step_s > _MAX_CLOCK_STEP_S and (
        f"A clock was set by {step_s * 1e3:,.1f} ms during the run: all latencies across that step are off by"
        " so much."
    )


@RULES.add(
    "clock_doubt", "invalid", "Synchronise the hosts (PTP, or chronyd towards one of them), or run on one."
)
def _clock_doubt(run: Evidence, thresholds: Thresholds) -> Text:
    """The clocks of the hosts may be further apart than the end-to-end latencies allow."""
    median_us, doubt_us = run.latencies.end_to_end_p50_us, run.facts.clock_doubt_us
    if isinf(doubt_us):
        return "The clock of a host was never read: nobody knows how far it is from the others."
    return (
        median_us is not None
        and doubt_us > thresholds.max_clock_doubt * median_us
        and (
            f"The clocks of the hosts may be {doubt_us:,.0f} us apart, and the end-to-end median is"
            f" {median_us:,.0f} us: end-to-end latency is a clock's error as much as the cluster's."
        )
    )


@RULES.add("negative_latency", "invalid", "Synchronise the clocks, and run again.")
def _negative_latency(run: Evidence, _: Thresholds) -> Text:
    """Events seem to have arrived before they were due."""
    negative = run.latencies.negative_fraction
    return negative > _MAX_NEGATIVE and (
        f"{share(negative, 1)} of the latencies of a stage are below 0: a clock stepped, or the clocks of two"
        " machines differ."
    )

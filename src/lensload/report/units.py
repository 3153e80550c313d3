"""Figures as people read them: three digits and a unit, plain ASCII."""

from lensload.metrics.stages import MEANINGS

STAGE_NAMES = {name: stage.label for name, stage in MEANINGS.items()}

STATISTIC_NAMES = {
    "mean": "mean",
    "p50": "p50",
    "p90": "p90",
    "p99": "p99",
    "p999": "p99.9",
    "p9999": "p99.99",
    "max": "max",
}

MISSING = "-"


def latency(value_us: float | None) -> str:
    """Microseconds below 1 ms, milliseconds below 1 s, then seconds; "-" for none.

    At most 7 characters below 1,000 s.
    """
    if value_us is None:
        return MISSING
    value = float(f"{value_us:.3g}")  # first round, then choose the unit: 999.9 us is 1.00 ms
    for unit, size in (("us", 1.0), ("ms", 1e3)):
        if value < size * 1e3:
            return f"{_three_digits(value / size)} {unit}"
    return f"{_three_digits(value / 1e6)} s"


def latencies(p50_us: float | None, p99_us: float | None) -> str:
    """Two latencies in little room: 0.72/3.82 us, 212 us/1.10 ms."""
    low, high = latency(p50_us), latency(p99_us)
    value, _, unit = low.partition(" ")
    return f"{value}/{high}" if unit and high.endswith(f" {unit}") else f"{low}/{high}"


def per_s(value: float) -> str:
    """A rate without its unit: whole from 100 on, else to a tenth."""
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:,.1f}"


def percent(part: float, whole: float) -> str:
    """How much of the whole; "-" when there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole > 0 else MISSING


def clock(value_s: float) -> str:
    """A time that passes: 01:05, or 1:01:05 from an hour on."""
    minutes, seconds = divmod(int(max(0.0, value_s)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"


def _three_digits(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"

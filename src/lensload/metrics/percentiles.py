"""Percentiles by name, as people write them: p50, p95, p99.9, p9995."""

import re
from collections.abc import Mapping
from typing import Any, Final

_NAME: Final = re.compile(r"p(\d{1,2})(?:\.(\d{1,4})|(\d{1,4}))?")
_BEYOND: Final = 10  # as in Histogram.summary: so many samples lie beyond a percentile that is shown
_ALWAYS_TWO: Final = 10


def percent_of(name: str) -> float | None:
    """The percentage that a name stands for: 95 for p95, 99.9 for p99.9 and p999; None for what is no such name.

    Of more than two digits without a dot the first two are before it.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    percent = float(f"{match[1]}.{match[2] or match[3] or 0}")
    return percent if percent > 0 else None


def canonical(name: str) -> str:
    """One name for one percentile: without a dot where two digits are before it, and without zeros at the end."""
    match = _NAME.fullmatch(name)
    if match is None:
        return name
    whole, rest = str(int(match[1])), (match[2] or match[3] or "").rstrip("0")
    if not rest:
        return f"p{whole}"
    return f"p{whole}{rest}" if int(whole) >= _ALWAYS_TWO else f"p{whole}.{rest}"


def shown(name: str) -> str:
    """The name as a person writes it: p99.9 for p999."""
    percent = percent_of(name)
    return name if percent is None else f"p{percent:.6g}"


def value_us(run: Mapping[str, Any], stage: str, topic: str, name: str) -> float | None:
    """A percentile of a run, in us; None where fewer than ten events lie beyond it, or nothing was recorded.

    Args:
        run: a run, with its summaries and its encoded histograms.
        stage: of the latency.
        topic: "all" for all together.
        name: of the percentile, `canonical`; other statistics are looked up in the summary.

    Raises:
        UsageError: the run's histogram is damaged.
    """
    summary = run["latency_us"].get(stage, {}).get(topic, {})
    percent = percent_of(name)
    if name in summary or percent is None:
        return summary.get(name)
    text = run.get("histograms", {}).get(stage, {}).get(topic)
    if text is None:
        return None
    from lensload.metrics.histogram import Histogram  # noqa: PLC0415 - a configuration with objectives needs no NumPy

    histogram = Histogram.from_encoded(text)
    return histogram.percentile_us(percent) if carries(histogram.count, percent) else None


def carries(count: int, percent: float) -> bool:
    """Whether so many samples carry a percentile: ten of them lie beyond it, on the side that has fewer."""
    return count * min(percent, 100 - percent) / 100 >= _BEYOND - 1e-6

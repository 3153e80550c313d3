"""Percentiles by name, as people write them: p50, p95, p99.9, p9995."""

import re
from typing import Final

_NAME: Final = re.compile(r"p(\d{1,2})(?:\.(\d{1,4})|(?<=p9\d)(\d{1,4}))?")
_BEYOND: Final = 10  # so many values lie beyond a percentile that is reported
_DOTLESS: Final = 90


def percent_of(name: str) -> float | None:
    """The percentage that a name stands for: 95 for p95, 99.9 for p99.9 and p999; None for what is no such name.

    Of more than two digits without a dot the first two are before it, as in p999 and p9995; only from p90 on, so that
    p100 and p101 are no names.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    percent = float(f"{match[1]}.{match[2] or match[3] or 0}")
    return percent if percent > 0 else None


def canonical(name: str) -> str:
    """One name for one percentile: without a dot from p90 on, and without zeros at the end."""
    match = _NAME.fullmatch(name)
    if match is None:
        return name
    whole, rest = str(int(match[1])), (match[2] or match[3] or "").rstrip("0")
    if not rest:
        return f"p{whole}"
    return f"p{whole}{rest}" if int(whole) >= _DOTLESS else f"p{whole}.{rest}"


def shown(name: str) -> str:
    """The name as a person writes it: p99.9 for p999."""
    percent = percent_of(name)
    return name if percent is None else f"p{percent:.6g}"


def carries(count: int, percent: float) -> bool:
    """Whether so many samples carry a percentile: ten of them lie beyond it, on the side that has fewer."""
    return count * min(percent, 100 - percent) / 100 >= _BEYOND - 1e-6

"""Parsing what people write: durations, numbers, shares, moments; and the nearest of the words they may have meant."""

import difflib
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BeforeValidator

_NUMBER: Final = re.compile(r"([+-]?[\d_.,]+(?:e[+-]?\d+)?)\s?([kmg]?)", re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SCALES: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_UNITS_S: Final = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION: Final = re.compile("".join(rf"(?:(\d+(?:\.\d+)?){unit})?" for unit in _UNITS_S))


def duration_s(text: object) -> float:
    """Seconds from "30s", "2m", "1h30m", "1d", "500ms", or a plain number of seconds.

    Raises:
        ValueError: it is none of these, or is not finite, or is below 0.
    """
    complaint = "it should be a duration such as 30s, 2m, 1h30m or 500ms"
    if isinstance(text, str):
        match = _DURATION.fullmatch(text.strip().lower())
        if match and any(match.groups()):
            return sum(
                float(n) * unit for n, unit in zip(match.groups(), _UNITS_S.values(), strict=True) if n
            )
    try:
        seconds = float(text) if isinstance(text, (str, int, float)) else math.nan
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(complaint)
    return seconds


def duration_text(seconds: float) -> str:
    """A duration as people write it, such as 10m, 1m30s, 2.5s or 100ms; `duration_s` reads it as the same."""
    text = f"{round(seconds * 1e3)}ms" if 0 < seconds < 1 else ""
    rest = int(seconds) if seconds % 1 == 0 else 0
    for unit in "dhms":
        count, rest = divmod(rest, int(_UNITS_S[unit]))
        text += f"{count}{unit}" if count else ""
    return text if text and duration_s(text) == seconds else f"{seconds:.15g}s"


def number(text: str) -> float:
    """A number as people write it: 5000, 5_000, 5,000, 5e3, 5k, 1.5M, 2G.

    Raises:
        ValueError: it is none of these, or is not finite.
    """
    match = _NUMBER.fullmatch(text.strip())
    value = math.nan
    if match:
        digits = match[1] if "," not in match[1] or _THOUSANDS.fullmatch(match[1]) else "nan"
        try:
            value = float(digits.replace(",", "")) * _SCALES[match[2].lower()]
        except ValueError:
            value = math.nan
    if not math.isfinite(value):
        raise ValueError("it should be a number such as 5000, 5_000, 5k, 1.5M or 1e6")
    return value


def share(text: str) -> float:
    """A share as people write it: 0.01 or 1%.

    Raises:
        ValueError: it is none of these.
    """
    bare = text.strip()
    return number(bare.removesuffix("%")) / 100 if bare.endswith("%") else number(bare)


def moment_ms(text: str, now_ms: int) -> int:
    """Unix ms of now, a time ago (-1h, -7d), an ISO 8601 time (UTC where no zone is given) or Unix ms.

    Raises:
        ValueError: it is none of these.
    """
    bare = text.strip()
    if bare.lower() == "now":
        return now_ms
    if bare.startswith("-"):
        return now_ms - round(duration_s(bare[1:]) * 1000)
    if re.fullmatch(r"\d{12,18}", bare):
        return int(bare)
    try:
        moment = datetime.fromisoformat(bare)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            "it should be now, a time ago such as -1h, or a time such as 2026-01-31T12:00:00Z"
        ) from error


Duration = Annotated[float, BeforeValidator(duration_s)]
"""A field of seconds, read from text as `duration_s` does."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses `word`: the nearest of the known words, if one is near."""
    near = difflib.get_close_matches(word.replace("-", "_"), [name.replace("-", "_") for name in known], n=1)
    names = {name.replace("-", "_"): name for name in known}
    return f"; did you mean {names[near[0]]}?" if near else "."

"""The calendar: a clock that keeps a day's and a week's rhythm over a span of history.

Times are seconds since the span's start; hours and weekdays are UTC's.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# How busy each hour of a day is, from midnight: what a shop sees, quiet at four, busiest after work.
HOURS: Final = (
    *(0.45, 0.28, 0.20, 0.16, 0.15, 0.20, 0.35, 0.60, 0.85, 1.00, 1.08, 1.15),
    *(1.25, 1.22, 1.15, 1.12, 1.15, 1.28, 1.48, 1.72, 1.90, 1.80, 1.38, 0.85),
)
# How busy each day of a week is, from Monday.
WEEKDAYS: Final = (0.95, 0.92, 0.92, 0.96, 1.02, 1.18, 1.25)
LONGEST_SESSION_S: Final = 2 * 3600.0
_STEP_S: Final = 900
_DAY_S: Final = 86_400
_THURSDAY: Final = 3  # the weekday of 1970-01-01
_LEEWAY: Final = 1.5  # by how much aiming anew may make the rest of the span busier


class Calendar:
    """Sessions over the span from `start_ms` to `until_ms` (Unix ms), so many of each lane.

    Between one quarter of an hour and the next, sessions begin at an even rate.
    """

    longest_session_s = LONGEST_SESSION_S

    def __init__(self, start_ms: int, until_ms: int, sessions_a_lane: float) -> None:
        self.span_s = (until_ms - start_ms) / 1000
        first, last = start_ms // 1000 // _STEP_S, -(-until_ms // 1000 // _STEP_S)
        steps = np.arange(first + 1, last + 1) * _STEP_S - start_ms / 1000
        self._knots = np.concatenate(([0.0], steps[(steps > 0) & (steps < self.span_s)], [self.span_s]))
        middles = start_ms / 1000 + (self._knots[1:] + self._knots[:-1]) / 2
        begun = np.cumsum(busyness(middles) * np.diff(self._knots))
        self._begun = np.concatenate(([0.0], begun * (sessions_a_lane / begun[-1])))

    @property
    def sessions_a_lane(self) -> float:
        """How many sessions of each lane begin within the span."""
        return float(self._begun[-1])

    def at(self, number: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Clock`; the span's end for numbers beyond it."""
        return np.interp(number, self._begun, self._knots)

    def edge(self, number: float) -> float:
        """See `Clock`; a whole millisecond, but for the span's end, which is one too."""
        return float(np.floor(np.interp(number, self._begun, self._knots) * 1000) / 1000)

    def most_within(self, span_s: float) -> int:
        """See `Clock`."""
        ends = np.interp(np.minimum(self._knots + span_s, self.span_s), self._knots, self._begun)
        return int(np.ceil(float((ends - self._begun).max()) * _LEEWAY))

    def aim(self, number: float, sessions_a_lane: float, tail_s: float) -> None:
        """From session `number` on, have so many more sessions of each lane until `tail_s` before the span's end.

        What came before stays as it is.
        """
        now = float(np.interp(number, self._begun, self._knots))
        later = self._knots > now
        counted = float(np.interp(self.span_s - tail_s, self._knots, self._begun)) - number
        factor = sessions_a_lane / max(counted, 1e-9)
        rest = number + (self._begun[later] - number) * factor
        self._knots = np.concatenate((self._knots[~later], [now], self._knots[later]))
        self._begun = np.concatenate((self._begun[~later], [number], rest))


def busyness(unix_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How busy the world is at such times, 1 on average over a week or nearly so."""
    hour = unix_s % _DAY_S / 3600
    # The hours' own figures hold in their middles.
    of_day = np.interp(hour - 0.5, np.arange(-1, 25), (HOURS[-1], *HOURS, HOURS[0]))
    weekday = (unix_s // _DAY_S + _THURSDAY).astype(np.int64) % 7
    return of_day * np.array(WEEKDAYS)[weekday]

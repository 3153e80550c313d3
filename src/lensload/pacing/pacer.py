"""When each event is due: a rate profile and a target rate, turned into times.

Pure arithmetic: nothing here sleeps or reads a clock. The rate is a straight line over each piece of time (the
profile's points and the changes of the target bound the pieces), its integral counts events, and an event is due
where the integral passes the event's mark: marks are the whole numbers for a constant stream, and sums of
exponential gaps for Poisson arrivals. Each due time is computed from the start of its piece, never from the
event before it, so that errors do not add up over hours, and it does not matter how often one looks.
"""

import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensload.ids import NS_PER_S
from lensload.pacing.profile import Profile

Nanoseconds: TypeAlias = NDArray[np.int64]

_FOREVER_NS: Final = (1 << 63) - 1
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of time over which the rate is one straight line.

    Attributes:
        start_ns: its first moment.
        end_ns: the first moment after it.
        rate_per_ns: the rate at its start.
        slope: how much the rate rises each ns.
    """

    start_ns: int
    end_ns: int
    rate_per_ns: float
    slope: float

    def events(self, until_ns: int) -> float:
        """The integral of the rate from the start to a moment."""
        elapsed_ns = until_ns - self.start_ns
        return elapsed_ns * (self.rate_per_ns + self.slope * elapsed_ns / 2)

    def times(self, events: NDArray[np.float64], until_ns: int) -> Nanoseconds:
        """When the integral passes each number of events, or `until_ns` where that is not before it."""
        events = np.maximum(events, 0.0)
        if self.slope:
            # The root of the quadratic that neither cancels nor divides by a slope that is almost none; where
            # the rate starts at 0 the first event is due at once, not after 0 / 0 ns.
            square = np.maximum(self.rate_per_ns**2 + 2 * self.slope * events, 0.0)
            elapsed_ns = events / np.maximum((self.rate_per_ns + np.sqrt(square)) / 2, _TINY)
        else:
            elapsed_ns = events / self.rate_per_ns
        np.minimum(elapsed_ns, until_ns - self.start_ns, out=elapsed_ns)
        return self.start_ns + np.rint(elapsed_ns, out=elapsed_ns).astype(np.int64)


# Marks are where, in events, the integral of the rate makes an event due.


class _EvenMarks:
    """One mark at each whole number, from 0 on."""

    def __init__(self) -> None:
        self._next = 0

    def upto(self, origin: int, limit: float) -> NDArray[np.float64]:
        """The marks up to origin + limit that were not dropped, less origin, and one or two beyond."""
        return np.arange(self._next - origin, math.floor(limit) + 2, dtype=np.float64)

    def drop(self, n: int) -> None:
        """The first `n` have been used."""
        self._next += n


class _PoissonMarks:
    """Marks with exponential gaps of mean 1.

    They are drawn in blocks of one size, each with a whole number as its own origin: so neither the marks nor
    their rounding depend on who asks for how many, and their precision does not fade as they grow.
    """

    _BLOCK: Final = 4096

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._blocks: deque[tuple[int, NDArray[np.float64]]] = deque()
        self._origin = 0
        self._offset = 0.0

    def upto(self, origin: int, limit: float) -> NDArray[np.float64]:
        while self._origin - origin + self._offset <= limit + 1:
            self._draw()
        return np.concatenate(
            [
                start - origin + marks[: np.searchsorted(marks, origin - start + limit + 1)]
                for start, marks in self._blocks
            ]
        )

    def _draw(self) -> None:
        marks = self._offset + np.cumsum(self._random.standard_exponential(self._BLOCK))
        self._blocks.append((self._origin, marks))
        whole = math.floor(marks[-1])
        self._origin += whole
        self._offset = float(marks[-1]) - whole

    def drop(self, n: int) -> None:
        # There is always a mark left, since `upto` draws until one lies beyond its limit.
        while n >= len(self._blocks[0][1]):
            n -= len(self._blocks.popleft()[1])
        start, marks = self._blocks[0]
        self._blocks[0] = start, marks[n:]


class Pacer:
    """Gives the due times of events, once each, in order, as far ahead as it is asked.

    The cursor is the moment up to which times have been given. Until the first `set_rate` the rate is 0.

    Args:
        profile: how the rate moves over a period.
        period_s: how long the profile's period lasts, above 0.
        start_ns: when it begins.
        seed: of Poisson arrivals; the same seed, rates and profile give the same times.
    """

    def __init__(self, profile: Profile, period_s: float, start_ns: int, seed: int) -> None:
        self._profile = profile
        self._period_ns = max(round(period_s * NS_PER_S), 1)
        # What has no length in ns is left out; jumps have none.
        ends = [(round(x * self._period_ns), y) for x, y in profile.points]
        self._lines = [(*a, *b) for a, b in pairwise(ends) if a[0] < b[0]]
        self._start_ns = self._cursor_ns = self._latest_ns = start_ns
        self._rates: list[tuple[int, float]] = [(start_ns, 0.0)]
        self._marks = _PoissonMarks(seed) if profile.poisson else _EvenMarks()
        # The integral of the rate up to the start of the piece in which the cursor is: a whole number and the
        # rest, since a float would round the rest away as the count grows.
        self._piece_ns = start_ns
        self._whole = 0
        self._rest = 0.0

    def set_rate(self, at_ns: int, rate_per_s: float) -> None:
        """Make the target another one from `at_ns` (or the cursor, if later) on; what was due before stays due.

        It is the last word: changes that were announced for later are forgotten. The rate is 0 or more, and finite.
        """
        at_ns = max(int(at_ns), self._cursor_ns)
        earlier = [change for change in self._rates if change[0] < at_ns]
        self._rates = [*earlier, (at_ns, float(rate_per_s))]

    def due_until(self, until_ns: int) -> Nanoseconds:
        """The due times from the cursor up to, not including, `until_ns`, in order; moves the cursor there.

        However the time is divided into calls, the times are the same. All come in one array, 8 bytes each.
        """
        given: list[Nanoseconds] = []
        while self._cursor_ns < until_ns:
            piece = self._piece(self._piece_ns)
            end_ns = min(piece.end_ns, int(until_ns))
            given.append(self._take_from(piece, end_ns))
            self._cursor_ns = end_ns
            if end_ns == piece.end_ns:
                self._leave(piece)
        return np.concatenate(given) if given else np.empty(0, np.int64)

    def _take_from(self, piece: _Piece, end_ns: int) -> Nanoseconds:
        if not piece.rate_per_ns and not piece.slope:
            return np.empty(0, np.int64)
        marks = self._marks.upto(self._whole, self._rest + piece.events(end_ns))
        due_ns = np.maximum(piece.times(marks - self._rest, end_ns), self._latest_ns)
        # Where the rate moves, rounding may put a time 1 ns before the one ahead of it.
        due_ns = np.maximum.accumulate(due_ns)
        due_ns = due_ns[: np.searchsorted(due_ns, end_ns)]
        if due_ns.size:
            self._marks.drop(due_ns.size)
            self._latest_ns = int(due_ns[-1])
        return due_ns

    def _leave(self, piece: _Piece) -> None:
        """Move the start of the arithmetic to the end of a piece."""
        passed = self._rest + piece.events(piece.end_ns)
        self._whole += math.floor(passed)
        self._rest = passed - math.floor(passed)
        self._piece_ns = piece.end_ns
        while len(self._rates) > 1 and self._rates[1][0] <= piece.end_ns:
            del self._rates[0]

    def _piece(self, start_ns: int) -> _Piece:
        """The stretch of a straight rate that begins at a moment (which may be inside a longer one)."""
        change = bisect_right(self._rates, start_ns, key=lambda rate: rate[0])
        end_ns = self._rates[change][0] if change < len(self._rates) else _FOREVER_NS
        target_per_ns = self._rates[max(change - 1, 0)][1] / NS_PER_S
        within_ns = start_ns - self._start_ns
        if self._profile.repeats:
            within_ns %= self._period_ns
        if within_ns >= self._period_ns:
            return _Piece(start_ns, end_ns, target_per_ns * self._profile.points[-1][1], 0.0)
        x0, y0, x1, y1 = self._lines[bisect_right(self._lines, within_ns, key=lambda line: line[0]) - 1]
        slope = (y1 - y0) / (x1 - x0)
        rate_per_ns = target_per_ns * (y0 + slope * (within_ns - x0))
        return _Piece(start_ns, min(end_ns, start_ns + x1 - within_ns), rate_per_ns, target_per_ns * slope)

    def expected(self, until_ns: int) -> float:
        """The integral of the rate from the start to a moment at or after the cursor.

        With even arrivals, as many events as `take` will have given by then, within 1.
        """
        at_ns, passed = self._piece_ns, self._rest
        until_ns = max(int(until_ns), self._cursor_ns)
        while at_ns < until_ns:
            piece = self._piece(at_ns)
            at_ns = min(piece.end_ns, until_ns)
            passed += piece.events(at_ns)
        return self._whole + passed

    def rate_at(self, at_ns: int) -> float:
        """The rate, in events/s, at a moment at or after the cursor; 0 before the start."""
        return self._piece(at_ns).rate_per_ns * NS_PER_S if at_ns >= self._start_ns else 0.0

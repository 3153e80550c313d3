"""The clock: when the sessions of a lane begin, in seconds of the world's own time."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SESSION_GAP_S: Final = 240.0  # mean time between the starts of a lane's sessions on the steady clock
LONGEST_SESSION_S: Final = 6 * 3600.0


class Clock(Protocol):
    """Turns the number of a lane's session, a real number, into the time at which that session begins."""

    @property
    def longest_session_s(self) -> float:
        """No session lasts longer: what would happen later in it happens then."""
        ...

    def at(self, number: NDArray[np.float64]) -> NDArray[np.float64]:
        """When session number `number` begins; never goes back as numbers rise."""
        ...

    def edge(self, number: float) -> float:
        """A time before which no session from `number` on begins, and after which next to none before it does."""
        ...

    def most_within(self, span_s: float) -> int:
        """How many sessions of a lane begin within such a span, at most."""
        ...


class Steady:
    """One session every `SESSION_GAP_S` in each lane, for ever: who takes the events says how fast time goes."""

    longest_session_s = LONGEST_SESSION_S

    def at(self, number: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Clock`."""
        return number * SESSION_GAP_S

    def edge(self, number: float) -> float:
        """See `Clock`."""
        return number * SESSION_GAP_S

    def most_within(self, span_s: float) -> int:
        """See `Clock`."""
        return int(np.ceil(span_s / SESSION_GAP_S))


STEADY: Final = Steady()

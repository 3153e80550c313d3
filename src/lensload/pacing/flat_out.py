"""When events are due that have no schedule: as many as there is room for, each when it is made.

Pure arithmetic, as the pacer is: whoever asks says what the clock shows, and how many events are under way.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_UNDER_WAY: Final = 50_000
"""How many events of a generator may be without an acknowledgement: some 100 ms of what one generator can do."""

_NS_PER_MS: Final = 1_000_000
_MOST_AT_ONCE: Final = 4_000
_FEWEST_AT_ONCE: Final = 1_000  # less room is waited for, since small batches cost more an event


class FlatOut:
    """Gives the due times of events as long as not too many are under way.

    Args:
        most: how many may be.
    """

    def __init__(self, most: int = MOST_UNDER_WAY) -> None:
        self._most = most
        self._fewest = max(1, min(_FEWEST_AT_ONCE, most // 4))

    def has_room(self, under_way: int) -> bool:
        """Whether there is room for some more events, with so many under way."""
        return self._most - under_way >= self._fewest

    def due_from(self, from_ns: int, under_way: int) -> NDArray[np.int64]:
        """The due times of the next events, in order, spread over the millisecond that `from_ns` begins.

        As many as there is room for, and few enough to be made in some milliseconds.
        """
        count = min(_MOST_AT_ONCE, max(0, self._most - under_way))
        return from_ns + np.arange(count, dtype=np.int64) * _NS_PER_MS // max(1, count)

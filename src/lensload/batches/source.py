"""What every source of events is: it is given times, and says which events are due then."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lensload.batches.topic_batch import TopicBatch


class Source(Protocol):
    """Makes the events of some lanes, in their order."""

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        ...

    def events_at(self, due_ns: NDArray[np.int64]) -> Iterable[TopicBatch]:
        """The next `len(due_ns)` events, due at those times, as a batch a topic, causes before effects.

        A batch may be made only when it is asked for, so that its reader can do other things between two.

        `due_ns` never goes back, from call to call too. Events may move within their millisecond, so a call should end
        where one does.
        """
        ...

    def advance(self, count: int | None = None) -> bool:
        """Do one step of making events ahead; gives whether there was anything to do.

        Args:
            count: how many events are wanted next; None: as many as are worth while.
        """
        ...

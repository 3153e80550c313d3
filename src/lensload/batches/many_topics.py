"""How much longer work is gathered where a run has many topics.

What is done for a topic costs about as much for one event as for fifty. If it were done at the same times for any number of
topics, a rate that is spread over many of them would cost in proportion to their number.
"""

from typing import Final

_FEW: Final = 8  # topics; LENS has five


def stretch(topics: int) -> float:
    """How many times as long as with few topics work is gathered: 1 up to eight topics, 8 with 64."""
    return max(1.0, topics / _FEW)

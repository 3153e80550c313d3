"""How fast a replay writes into another topic: pure arithmetic, which never sleeps and never reads a clock."""

import math
import re
from dataclasses import dataclass
from typing import Self

from lensload.errors import UsageError
from lensload.ids import NS_PER_MS


@dataclass(frozen=True, slots=True)
class Pace:
    """The speed of a replay, as a multiple of the original's; infinite for as fast as it goes."""

    speed: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """The pace from "original", "full", or a multiple such as "2x" or "0.5x".

        Raises:
            UsageError: it is none of these, or not above 0.
        """
        wanted = text.strip().lower()
        if wanted in ("original", "full"):
            return cls(1.0 if wanted == "original" else math.inf)
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)x", wanted)
        if not match or float(match[1]) <= 0:
            raise UsageError(
                f"--speed is {text!r}.", "It is original, full, or a multiple such as 2x or 0.5x."
            )
        return cls(float(match[1]))

    @property
    def full(self) -> bool:
        """As fast as it goes: nothing is due, everything is at once."""
        return math.isinf(self.speed)

    def due_ns(self, timestamp_ms: int, first_ms: int, begin_ns: int) -> int:
        """When a message is due whose timestamp is `timestamp_ms`, if that of `first_ms` is due at `begin_ns`.

        A message older than the first is due at once, as all are at full pace.
        """
        since_ms = max(0, timestamp_ms - first_ms)
        return begin_ns + round(since_ms * NS_PER_MS / self.speed)

    def due_until_ms(self, now_ns: int, first_ms: int, begin_ns: int) -> int:
        """The latest timestamp that is due by `now_ns`: the inverse of `due_ns`."""
        return first_ms + math.floor((now_ns - begin_ns) * self.speed / NS_PER_MS)

"""How far the clocks of a run's hosts are apart, by asking each for its time again and again.

The method is Cristian's ("Probabilistic clock synchronization", 1989): whoever asks at a, hears the time t, and gets the
answer at b, knows that the other's clock read t somewhere between a and b, however unlike the two ways were. So the
offset lies within half a round trip of t - (a + b) / 2, and the quickest of many answers binds it closest.

Clocks drift, by some 50 ppm if left alone and up to 500 ppm while NTP slews them, so an answer binds less the older it is.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from itertools import product
from typing import Any, Final

_KEPT: Final = 16  # answers
_DRIFT: Final = 1_000e-6  # of two clocks against each other, at most: each may be slewed by 500 ppm


@dataclass(frozen=True, slots=True)
class Reading:
    """What one answer says of another clock: it was ahead by `offset_ns`, give or take `uncertainty_ns`, at `at_ns`."""

    offset_ns: int
    uncertainty_ns: int
    at_ns: int = 0

    def aged(self, now_ns: int) -> "Reading":
        """What it says now, of a clock that may have drifted since."""
        drift_ns = round(_DRIFT * max(0, now_ns - self.at_ns))
        return Reading(self.offset_ns, self.uncertainty_ns + drift_ns, now_ns)


OURS: Final = Reading(0, 0)


class Clocks:
    """The clocks of a run's workers, as its master reads them.

    Args:
        host: the master's own host; workers on it share its clock, and are not asked.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._hosts: dict[str, str] = {}
        self._answers: dict[str, deque[Reading]] = {}
        self._closest: dict[str, Reading] = {}  # of the answers; all become less certain at the same pace
        self._worst_ns = 0
        self._heard_ns = 0

    def meet(self, worker: str, host: str) -> None:
        """A worker has told on which host it is."""
        self._hosts[worker] = host

    def hear(self, worker: str, asked_ns: int, its_ns: int, now_ns: int) -> None:
        """Take in an answer: asked at `asked_ns`, answered `its_ns` by the worker's clock, here at `now_ns`."""
        trip_ns = max(0, now_ns - asked_ns)
        self._heard_ns = now_ns
        reading = Reading(its_ns - (asked_ns + now_ns) // 2, (trip_ns + 1) // 2, now_ns)
        answers = self._answers.setdefault(worker, deque(maxlen=_KEPT))
        answers.append(reading)
        self._closest[worker] = min(answers, key=lambda each: each.aged(now_ns).uncertainty_ns)
        self._worst_ns = max(self._worst_ns, self._doubt_ns())

    @property
    def elsewhere(self) -> list[str]:
        """The workers whose clocks are not the master's."""
        return [worker for worker, host in self._hosts.items() if host != self._host]

    @property
    def doubt_ns(self) -> int | None:
        """How far any two of the clocks may have been apart, at the worst time of the run; 0 on one host.

        None where a worker on another host has never answered: its clock may say anything.
        """
        return self._worst_ns if all(map(self._closest.get, self.elsewhere)) else None

    def public(self, names: Mapping[str, int]) -> dict[str, Any]:
        """For a run file: how many clocks there are, and what is known of each.

        Args:
            names: the number of each worker.
        """
        readings = {names[worker]: self._reading(worker) for worker in self._hosts if worker in names}
        doubt_ns = self.doubt_ns
        return {
            "hosts": len({self._host, *self._hosts.values()}),
            "doubt_us": None if doubt_ns is None else doubt_ns / 1e3,
            "workers": [
                {"worker": number, "offset_us": r.offset_ns / 1e3, "uncertainty_us": r.uncertainty_ns / 1e3}
                for number, r in sorted(readings.items())
                if r is not None
            ],
        }

    def _doubt_ns(self) -> int:
        """How far the two clocks may be apart that may be furthest; any two are compared by their outermost ends."""
        readings = list(enumerate(self._of_hosts(self._hosts)))
        latest = nlargest(2, ((each.offset_ns + each.uncertainty_ns, host) for host, each in readings))
        earliest = nsmallest(2, ((each.offset_ns - each.uncertainty_ns, host) for host, each in readings))
        apart_ns = (late - early for (late, one), (early, other) in product(latest, earliest) if one != other)
        return max(apart_ns, default=0)

    def _of_hosts(self, workers: Iterable[str]) -> list[Reading]:
        """The closest reading of each host's clock; the master's own is one of them."""
        found: dict[str, Reading] = {self._host: OURS}
        for worker in workers:
            reading, known = self._reading(worker), found.get(self._hosts[worker])
            if reading and (known is None or reading.uncertainty_ns < known.uncertainty_ns):
                found[self._hosts[worker]] = reading
        return list(found.values())

    def _reading(self, worker: str) -> Reading | None:
        if self._hosts.get(worker) == self._host:
            return OURS
        closest = self._closest.get(worker)
        return closest.aged(self._heard_ns) if closest else None

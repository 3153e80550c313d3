"""Who a run's audience was: each kind with all its parameters, its users and its rate, as they changed over time."""

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import TypedDict

from lensload.world.behaviour import Behaviour

MOST: Final = 100  # changes: users that join one by one are told to that many steps


class Kind(TypedDict):
    """A kind of audience.

    Attributes:
        behaviour: all its parameters, its name among them.
        users: how many Locust users are of it; null without Locust.
        events_per_s: what they make together, before the profile.
    """

    behaviour: dict[str, Any]
    users: int | None
    events_per_s: float


class Gathering(TypedDict):
    """The whole audience from a moment on.

    Attributes:
        from_s: the moment, from the start of the schedule.
        events_per_s: what all make together, before the profile.
        kinds: each kind of it.
    """

    from_s: float
    events_per_s: float
    kinds: list[Kind]


class AudienceLog:
    """What the generators of all workers said whom they play."""

    def __init__(self) -> None:
        self._said: list[tuple[int, str, Mapping[Behaviour, float], Mapping[Behaviour, int]]] = []

    def add(
        self,
        worker: str,
        from_ns: int,
        rates_per_s: Mapping[Behaviour, float],
        users: Mapping[Behaviour, int],
    ) -> None:
        """A worker's generator plays these from then on."""
        self._said.append((from_ns, worker, rates_per_s, users))

    def gatherings(self, start_ns: int, measure_from_ns: int) -> list[Gathering]:
        """The audience when measuring began, and each change after it; the last change stands for those beyond `MOST`."""
        now: dict[str, tuple[Mapping[Behaviour, float], Mapping[Behaviour, int]]] = {}
        found: list[Gathering] = []
        for from_ns, worker, rates_per_s, users in sorted(self._said, key=lambda said: said[0]):
            now[worker] = (rates_per_s, users)
            gathering = _gathering(max(0, max(from_ns, measure_from_ns) - start_ns) / 1e9, now)
            if found and (found[-1]["from_s"] == gathering["from_s"] or len(found) == MOST):
                found.pop()
            found.append(gathering)
        return found


def _gathering(
    from_s: float, now: Mapping[str, tuple[Mapping[Behaviour, float], Mapping[Behaviour, int]]]
) -> Gathering:
    rates: dict[Behaviour, float] = {}
    numbers: dict[Behaviour, int] = {}
    for rates_per_s, users in now.values():
        for behaviour, rate_per_s in rates_per_s.items():
            rates[behaviour] = rates.get(behaviour, 0.0) + rate_per_s
        for behaviour, number in users.items():
            numbers[behaviour] = numbers.get(behaviour, 0) + number
    kinds: list[Kind] = [
        {
            "behaviour": behaviour.as_dict(),
            "users": numbers.get(behaviour),
            "events_per_s": round(rate_per_s, 6),
        }
        for behaviour, rate_per_s in sorted(rates.items(), key=lambda item: item[0].name)
    ]
    return {"from_s": round(from_s, 3), "events_per_s": round(sum(rates.values()), 6), "kinds": kinds}

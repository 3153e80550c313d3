"""Kinds of audience as Locust users: each user is a slice of the audience with a rate of its own.

A kind of one's own takes five lines in a locustfile. A ready kind that is subclassed there is a base only: Locust
does not run it beside the subclass.

    from lensload.locust import Buyers

    class Bargains(Buyers):
        events_per_s = 250
        purchase_rate = 0.8
        weight = 2
"""

import math
from collections import Counter
from dataclasses import fields
from typing import Any, ClassVar

from locust import User, constant, task

from lensload.config.model import RunConfig
from lensload.errors import UsageError
from lensload.parse import nearest
from lensload.world.behaviour import Behaviour

_FIELDS = [field.name for field in fields(Behaviour)]


class Audience(User):
    """A slice of the audience. Subclass it, and set what behaves differently.

    A user does nothing itself: while it runs, its worker's generator makes `events_per_s` events a second more, by
    people who behave like this. Any field of `lensload.world.behaviour.Behaviour` may be set as a class
    attribute; what is not set stays ordinary.

    Attributes:
        events_per_s: the rate of one user, all topics together; None: what --user-rate says.
    """

    abstract = True
    wait_time = constant(3600)
    events_per_s: ClassVar[float | None] = None

    def __init_subclass__(cls) -> None:
        """Make a ready kind that is subclassed elsewhere a base only: Locust runs every class it finds by name."""
        super().__init_subclass__()
        if cls.__module__ != __name__:
            for base in cls.__bases__:
                if base.__module__ == __name__:
                    base.abstract = True

    @classmethod
    def behaviour(cls) -> Behaviour:
        """How this kind of audience behaves.

        Raises:
            UsageError: an attribute is out of range, or is none of a behaviour's.
        """
        for name in cls._own_numbers():
            if name not in (*_FIELDS, "events_per_s"):
                raise UsageError(f"{cls.__name__} sets {name}, which no audience has{nearest(name, _FIELDS)}")
        if cls.events_per_s is not None and not 0 <= cls.events_per_s < math.inf:
            raise UsageError(f"{cls.__name__}.events_per_s is {cls.events_per_s}.", "A rate is 0 or more.")
        values: dict[str, Any] = {name: getattr(cls, name) for name in _FIELDS if hasattr(cls, name)}
        return Behaviour.from_dict({"name": cls.__name__, **values})

    @task
    def be_there(self) -> None:
        """Do nothing: the generator does it all."""

    def on_start(self) -> None:
        """Join the audience of this worker."""
        self._slice = SLICES.join(type(self))

    def on_stop(self) -> None:
        """Leave it again."""
        SLICES.leave(self._slice)

    @classmethod
    def _own_numbers(cls) -> list[str]:
        """What subclasses set that looks like a parameter, and Locust does not know."""
        kinds = [kind for kind in cls.__mro__ if issubclass(kind, Audience) and kind is not Audience]
        return [
            name
            for kind in kinds
            for name, value in vars(kind).items()
            if isinstance(value, (int, float)) and not name.startswith("_") and not hasattr(User, name)
        ]


class OrdinaryAudience(Audience):
    """The audience of an ordinary day."""


class Browsers(Audience):
    """Look at page after page, click much, buy little."""

    pages_per_session = 2.6
    click_through = 0.4
    search_rate = 0.1
    purchase_rate = 0.03
    dwell_median_s = 12.0


class Searchers(Audience):
    """Know what they want: search, look closely, and leave with it or without."""

    pages_per_session = 1.2
    search_rate = 0.8
    purchase_rate = 0.12
    dwell_median_s = 45.0


class Buyers(Audience):
    """Come to buy, and say afterwards how it was."""

    pages_per_session = 1.3
    click_through = 0.45
    rating_rate = 0.25
    purchase_rate = 0.5


def check_behaviour(behaviour: Behaviour, config: RunConfig) -> None:
    """Refuse a behaviour that would decide nothing, since the events are of a workload.

    Raises:
        UsageError: a kind of audience sets what only LENS's world has.
    """
    ordinary = Behaviour(behaviour.name).as_dict()
    own = [name for name, value in behaviour.as_dict().items() if value != ordinary[name]]
    if own and config.load.workload is not None:
        raise UsageError(
            f"{behaviour.name} sets {', '.join(own)}, which is of LENS's own world, and --workload puts another in its place.",
            "Use users that set a rate alone, such as OrdinaryAudience; or leave --workload out.",
        )


Slice = tuple[Behaviour, float | None]


class Slices:
    """The slices of this worker's audience: one for each user that runs here now.

    Attributes:
        changed: something has changed since `rates_per_s` was last called.
    """

    def __init__(self) -> None:
        self.changed = False
        self._users: Counter[Slice] = Counter()

    def join(self, kind: type[Audience]) -> Slice:
        """One user of this kind more; what it is must be given back to `leave`."""
        joined = (kind.behaviour(), kind.events_per_s)
        self._users[joined] += 1
        self.changed = True
        return joined

    def leave(self, left: Slice) -> None:
        """One user less."""
        self._users[left] -= 1
        self.changed = True

    def rates_per_s(self, user_rate_per_s: float) -> dict[Behaviour, float]:
        """Events per second by behaviour, those without a rate at `user_rate_per_s` for each user.

        Where that is infinite there is no schedule, and these are their shares: a user without a rate counts as 1.
        """
        ordinary = 1.0 if math.isinf(user_rate_per_s) else user_rate_per_s
        self.changed = False
        rates: dict[Behaviour, float] = {}
        for (behaviour, rate), users in self._users.items():
            if users > 0:
                each = ordinary if rate is None else rate
                rates[behaviour] = rates.get(behaviour, 0.0) + users * each
        return rates

    def users(self) -> dict[Behaviour, int]:
        """How many users behave so."""
        users: dict[Behaviour, int] = {}
        for (behaviour, _), number in self._users.items():
            if number > 0:
                users[behaviour] = users.get(behaviour, 0) + number
        return users


SLICES = Slices()
"""A worker is a process, so its audience is the process's."""

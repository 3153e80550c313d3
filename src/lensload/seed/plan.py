"""The plan: everything that decides what is seeded, byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from pydantic import ValidationError

from lensload.errors import UsageError
from lensload.seed.faults.kinds import Rates, rates_of
from lensload.world import rng
from lensload.world.history import Chronicle, told_per_session
from lensload.world.parameters import DEFAULTS, WorldParameters
from lensload.world.scenario import Setting
from lensload.world.world import TOPICS, made

DAYS: Final = 14.0
"""How long a history is if nobody says."""

SESSIONS_A_DAY: Final = 0.5
"""How many sessions a person has in a day, on average, if no number of events is given."""

_LANES: Final = 64
_RUN_TAGS: Final = 1 << 14
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be seeded; equal plans give equal topics, partition by partition.

    Attributes:
        start_ms: where the history begins, Unix ms.
        until_ms: where it ends; every event is earlier.
        events: exactly so many, all topics together; None for as many as people make.
        topics: the topics that are told, by their LENS names, in causal order.
        world: who lives there, what there is to choose from, and the seed of all chance.
        faults: the faults of records, and how often each happens.
    """

    start_ms: int
    until_ms: int
    events: int | None = None
    topics: tuple[str, ...] = TOPICS
    world: WorldParameters = DEFAULTS
    faults: Rates = ()

    @property
    def span_s(self) -> float:
        """How long the history is, in seconds."""
        return (self.until_ms - self.start_ms) / 1000

    @property
    def expected_events(self) -> int:
        """How many events there will be: exactly, or about."""
        if self.events is not None:
            return self.events
        return round(self._sessions * told_per_session(self.topics))

    @property
    def run_tag(self) -> int:
        """What stands in every id: a function of the seed."""
        return int(rng.root(self.world.seed, "seeding")[0]) % _RUN_TAGS

    @property
    def _sessions(self) -> float:
        if self.events is not None:
            return self.events / told_per_session(self.topics)
        return self.world.audience_size * SESSIONS_A_DAY * self.span_s / _DAY_S

    def setting(self) -> Setting:
        """The world that the history happens in; takes a few tenths of a second."""
        return made(self.world).over(self.span_s)

    def chronicle(self, setting: Setting | None = None) -> Chronicle:
        """The history itself, to be told once, portion by portion.

        Args:
            setting: what `setting` gave, for who has it already.
        """
        return Chronicle(
            setting or self.setting(),
            start_ms=self.start_ms,
            until_ms=self.until_ms,
            sessions_a_lane=self._sessions / _LANES,
            events=self.events,
            run_tag=self.run_tag,
            topics=self.topics,
        )

    def as_dict(self) -> dict[str, Any]:
        """The plan and its world's parameters by name, fit for JSON and msgpack."""
        return {
            **self.world.model_dump(mode="json"),
            "start_ms": self.start_ms,
            "until_ms": self.until_ms,
            "events": self.events,
            "topics": list(self.topics),
            "faults": [f"{name}={rate!r}" for name, rate in self.faults],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave, again.

        Raises:
            UsageError: a key is unknown or missing, or a value out of range.
        """
        own = {field.name for field in fields(cls)} - {"world"}
        if unknown := set(values) - own - set(WorldParameters.model_fields):
            raise UsageError(
                f"The plan has an unknown {', '.join(sorted(unknown))}.",
                "Use the version of lensload that wrote it.",
            )
        try:
            return cls(
                start_ms=values["start_ms"],
                until_ms=values["until_ms"],
                events=values["events"],
                topics=tuple(values["topics"]),
                world=WorldParameters.model_validate(
                    {name: value for name, value in values.items() if name not in own}
                ),
                faults=rates_of(values["faults"]),
            )
        except (KeyError, TypeError, ValidationError) as error:
            raise UsageError(f"The plan is not whole: {error}.") from error

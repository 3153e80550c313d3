"""The plan: everything that decides what is seeded, byte for byte."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from lensload.errors import UsageError
from lensload.world import rng
from lensload.world.history import Chronicle, told_per_session
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
        seed: decides everything that is left to chance.
        start_ms: where the history begins, Unix ms.
        until_ms: where it ends; every event is earlier.
        events: exactly so many, all topics together; None for as many as people make.
        topics: the topics that are told, by their LENS names, in causal order.
        audience_size: how many people there are.
        catalogue_size: how many items.
        zipf_exponent: how popularity falls off over the items.
        lift: what the treatment of ranking-v2 adds to conversions.
        experiment: other effects than the default, as `RunConfig.experiment` has them.
        faults: what befalls records, and how often, as `fault_kinds.rates_of` gives it.
    """

    seed: int
    start_ms: int
    until_ms: int
    events: int | None = None
    topics: tuple[str, ...] = TOPICS
    audience_size: int = 10_000
    catalogue_size: int = 5_000
    zipf_exponent: float = 1.0
    lift: float = 0.1
    experiment: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

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
        return int(rng.root(self.seed, "seeding")[0]) % _RUN_TAGS

    @property
    def _sessions(self) -> float:
        if self.events is not None:
            return self.events / told_per_session(self.topics)
        return self.audience_size * SESSIONS_A_DAY * self.span_s / _DAY_S

    def setting(self) -> Setting:
        """The world that the history happens in; takes a few tenths of a second.

        Raises:
            UsageError: a size is too small.
        """
        setting = made(
            seed=self.seed,
            audience_size=self.audience_size,
            catalogue_size=self.catalogue_size,
            zipf_exponent=self.zipf_exponent,
            conversion_lift=self.lift,
            effects=self.experiment,
        )
        return setting.over(self.span_s)

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
        """The fields by name, fit for JSON and msgpack."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave, again.

        Raises:
            UsageError: a key is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        if unknown := set(values) - known:
            raise UsageError(
                f"The plan has an unknown {', '.join(sorted(unknown))}.",
                "Use the version of lensload that wrote it.",
            )
        try:
            # JSON and msgpack know no tuples.
            arguments: dict[str, Any] = {
                name: tuple(each) if isinstance(each, list) else each for name, each in values.items()
            }
            return cls(**arguments)
        except TypeError as error:
            raise UsageError(f"The plan is not whole: {error}.") from error

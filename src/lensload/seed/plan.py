"""The plan: everything that decides what is seeded, byte for byte."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter
from pydantic.dataclasses import dataclass

from lensload.config.model import told
from lensload.config.types import OptionalWorkload
from lensload.errors import UsageError
from lensload.seed.faults.kinds import Rates, rates_of
from lensload.world import rng
from lensload.world.history import History, told_per_session
from lensload.world.options import DEFAULTS, WorldOptions
from lensload.world.scenario import Scenario
from lensload.world.world import TOPICS, made

DAYS: Final = 14.0
"""How long a history is if nobody says."""

SESSIONS_A_DAY: Final = 0.5
"""How many sessions a person has in a day, on average, if no number of events is given."""

LANES: Final = tuple(range(64))
"""The lanes that a history has, whoever writes it."""

_RUN_TAGS: Final = 1 << 14
_DAY_S: Final = 86_400.0


def _rates(value: Any) -> Rates:  # noqa: ANN401 - rates, or their texts
    return rates_of(each if isinstance(each, str) else f"{each[0]}={each[1]!r}" for each in value)


def _texts(faults: Rates) -> list[str]:
    return [f"{name}={rate!r}" for name, rate in faults]


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
        workload: what makes the events in place of the world, which then has no part in it.
    """

    start_ms: int
    until_ms: int
    events: int | None = None
    topics: tuple[str, ...] = TOPICS
    world: WorldOptions = DEFAULTS
    faults: Annotated[Rates, BeforeValidator(_rates), PlainSerializer(_texts)] = ()
    workload: OptionalWorkload = None

    @property
    def span_s(self) -> float:
        """How long the history is, in seconds."""
        return (self.until_ms - self.start_ms) / 1000

    @property
    def expected_events(self) -> int:
        """How many events there will be: exactly, or about."""
        if self.events is not None:
            return self.events
        return round(self._sessions * told_per_session(self.topics, self.world.ordinary))

    @property
    def seed(self) -> int:
        """The seed of all chance."""
        return self.workload.file.seed if self.workload else self.world.seed

    @property
    def run_tag(self) -> int:
        """What stands in every id: a function of the seed."""
        return int(rng.root(self.seed, "seeding")[0]) % _RUN_TAGS

    @property
    def _sessions(self) -> float:
        if self.events is not None:
            return self.events / told_per_session(self.topics, self.world.ordinary)
        return self.world.audience_size * SESSIONS_A_DAY * self.span_s / _DAY_S

    def scenario(self) -> Scenario:
        """The world that the history happens in; takes a few tenths of a second."""
        return made(self.world).over(self.span_s, self.until_ms)

    def history(self, scenario: Scenario | None = None) -> History:
        """The history itself, to be told once, portion by portion.

        Args:
            scenario: what `scenario` gave, for who has it already.
        """
        return History(
            scenario or self.scenario(),
            start_ms=self.start_ms,
            until_ms=self.until_ms,
            sessions_a_lane=self._sessions / len(LANES),
            events=self.events,
            run_tag=self.run_tag,
            topics=self.topics,
        )

    def as_dict(self) -> dict[str, Any]:
        """The plan with its world's parameters by name, or with its workload, whole; fit for JSON and msgpack."""
        own = _PLANS.dump_python(self, mode="json", exclude={"world", "workload"})
        if self.workload is None:
            return {**self.world.model_dump(mode="json"), **own}
        # Where the file lay is nobody's concern.
        named = replace(self.workload, name=Path(self.workload.name).name)
        return {"seed": self.seed, **own, "workload": {**told(named), "whole": json.loads(named.packed())}}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Plan":
        """What `as_dict` gave, again.

        Raises:
            UsageError: a key is unknown or missing, or a value out of range.
        """
        own = {field.name for field in fields(cls)} - {"world", "workload"}
        made_by = {name: value for name, value in values.items() if name not in own}
        try:
            planned = {name: values[name] for name in own}
            if "workload" in made_by:
                planned["workload"] = _workload(made_by["workload"])
            else:
                planned["world"] = made_by
            return _PLANS.validate_python(planned)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"The plan is not whole, or of another version: {error}.",
                "Use the version of lensload that wrote it.",
            ) from error


_PLANS: Final = TypeAdapter(Plan)


def _workload(values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a workload, whose model is slow to import
    """The workload that a manifest holds.

    Raises:
        ValueError: it is not the one that the digest is of.
    """
    from lensload.workload.model import Workload  # noqa: PLC0415 - slow to import, and seldom wanted

    workload = Workload.unpacked(json.dumps(values["whole"]))
    if told(workload)["digest"] != values["digest"]:
        raise ValueError("its workload is not the one that its digest is of")
    return workload

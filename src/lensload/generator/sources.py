"""Where a generator's events come from: LENS's world, or a workload."""

import time
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from lensload.batches.source import Source
from lensload.batches.topic_batch import TopicBatch
from lensload.processes.messages import ConfigureGenerator
from lensload.world.scenario import Scenario
from lensload.world.world import World, made

_REHEARSAL: Final = 2_000  # events, enough for some of nearly every topic


@dataclass(frozen=True, slots=True)
class Sources:
    """The source of a generator's events.

    Attributes:
        source: makes them.
        rehearsal: makes others like them, which nobody is sent.
        scenario: the people and goods of LENS's world; None: the events are of a workload.
    """

    source: Source
    rehearsal: Source
    scenario: Scenario | None = None

    @classmethod
    def of(cls, order: ConfigureGenerator) -> Self:
        """The source that the configuration names; takes a few tenths of a second."""
        config, lanes = order.config, tuple(order.lanes)
        if config.load.workload is not None:
            from lensload.workload.source import WorkloadSource  # noqa: PLC0415 - slow to import, and seldom wanted

            topics = config.scheduled_topics
            source = WorkloadSource(config.load.workload, lanes, run_tag=order.run_tag, topics=topics)
            return cls(source, source.beside((0,)))
        scenario = made(config.world)
        topics = config.scheduled_topics
        world = World(scenario, lanes, run_tag=order.run_tag, topics=topics)
        return cls(world, World(scenario, (0,), topics=topics), scenario)

    def rehearsed(self) -> tuple[TopicBatch, ...]:
        """Events of now that nobody is sent."""
        return tuple(self.rehearsal.events_at(np.full(_REHEARSAL, time.time_ns())))

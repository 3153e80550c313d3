"""Small worlds for tests, and what it takes to encode what they tell."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensload.batches.topic_batch import TopicBatch
from lensload.schema import definitions
from lensload.world.options import WorldOptions
from lensload.world.scenario import Scenario
from lensload.world.world import TOPICS, World, made

START_NS = 1_795_000_000_000_000_000
PARSED: dict[str, dict[str, Any]] = {topic: schema.parsed for topic, schema in definitions.load().items()}
SCHEMA_IDS = {topic: number for number, topic in enumerate(PARSED, start=1)}
TOPICS_BY_SCHEMA = {number: topic for topic, number in SCHEMA_IDS.items()}
SMALL = made(WorldOptions(seed=7, audience_size=640, catalogue_size=240))


def evenly(count: int, gap_ns: int = 50_000, start_ns: int = START_NS) -> NDArray[np.int64]:
    """Due times with a constant gap."""
    return start_ns + gap_ns * np.arange(count, dtype=np.int64)


def batches_of(
    count: int,
    *,
    scenario: Scenario = SMALL,
    lanes: tuple[int, ...] = tuple(range(64)),
    topics: tuple[str, ...] = TOPICS,
    gap_ns: int = 50_000,
) -> tuple[TopicBatch, ...]:
    """The first `count` events of a world."""
    return tuple(World(scenario, lanes, topics=topics, run_tag=5).events_at(evenly(count, gap_ns)))


def records(count: int, **how: Any) -> dict[str, list[dict[str, Any]]]:
    """The first `count` events of a world, as dicts by topic."""
    return {batch.topic: list(batch.records()) for batch in batches_of(count, **how)}

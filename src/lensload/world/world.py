"""The world: give it the times at which events are due, and it says what happens then."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lensload import ids
from lensload.batches.topic_batch import TopicBatch
from lensload.world import audience, catalogue, experiments
from lensload.world.behaviour import Behaviour
from lensload.world.behaviour_mix import Mix
from lensload.world.event_rows import ROW, TOPIC_OF, TOPICS, Rows, joined
from lensload.world.options import DEFAULTS, WorldOptions
from lensload.world.scenario import Scenario
from lensload.world.timeline import Timeline
from lensload.world.topic_batches import TopicBatches

__all__ = ["TOPICS", "World", "made"]

# Events ready, above which none are made ahead: more would let a change of the mix wait longer.
_PLENTY: Final = 4_000


def made(parameters: WorldOptions = DEFAULTS) -> Scenario:
    """The people, goods and experiments of a world; takes a few tenths of a second, and none for the same world again."""
    return _made(parameters)  # pyright: ignore[reportArgumentType]  # frozen models hash


@lru_cache(1)
def _made(parameters: WorldOptions) -> Scenario:
    goods = catalogue.stocked(parameters.seed, parameters.catalogue_size, parameters.zipf_exponent)
    people = audience.gathered(parameters.seed, parameters.audience_size, goods)
    running = experiments.running(parameters.lift, dict(parameters.experiment))
    scenario = Scenario.of(parameters.seed, people, goods, running)
    return replace(scenario, behaviour=parameters.ordinary)


class World:
    """People, items, a recommender and experiments, told as events.

    What happens is a pure function of the scenario and the mix of behaviours, lane by lane; ids depend on the run too,
    and ids and timestamps on when events are due.

    Args:
        scenario: what `made` gave.
        lanes: the lanes of the audience, each below 4096; lane l has the people of lane l % 64.
        run_tag: goes into every id, below 16384.
        topics: the topics wanted; the others happen, but become no batch.
    """

    def __init__(
        self,
        scenario: Scenario,
        lanes: tuple[int, ...],
        *,
        run_tag: int = 0,
        topics: tuple[str, ...] = TOPICS,
    ) -> None:
        self.scenario = scenario
        told = np.isin(TOPIC_OF, [place for place, topic in enumerate(TOPICS) if topic in topics])
        mix = Mix.of({scenario.behaviour: 1.0})
        self._timeline = Timeline(scenario, mix, np.array(lanes), told, run=1 + run_tag)
        self._topic_batches = TopicBatches(scenario, self._timeline.ring, run_tag, topics)
        self._parts: list[Rows] = [np.zeros(0, dtype=ROW)]
        self._ready = 0
        self._making = self._timeline.window()

    def set_audience(self, rates: dict[Behaviour, float]) -> None:
        """Let the audience behave so from the next sessions on, each kind making its share of the events."""
        self._timeline.change(Mix.of(rates))

    def outline(self) -> tuple[TopicBatch, ...]:
        """An empty batch of each topic: what an encoder can prepare for."""
        return self._topic_batches.outline()

    def events_at(self, due_ns: NDArray[np.int64]) -> Iterator[TopicBatch]:
        """The next `len(due_ns)` events, due at those times, as a batch a topic in causal order; each is made when asked for.

        Ask for all of them before anything else. `due_ns` never goes back, from call to call too. Responses move within their millisecond (see
        `lensload.ids`), so a call should end where a millisecond does.
        """
        due_ns = ids.on_the_grid(due_ns)
        rows = self._next(len(due_ns))
        if len(due_ns):
            self._topic_batches.begin(int(due_ns[0]))
        return self._topic_batches.batches(rows, due_ns)

    def advance(self, count: int | None = None) -> bool:
        """Do one step of making events ahead; gives whether there was anything to do.

        What `events_at` would otherwise do all at once, when it runs out.

        Args:
            count: how many events are wanted next; None: as many as are worth while.
        """
        if self._ready >= (_PLENTY if count is None else count):
            return False
        self._step()
        return True

    def _next(self, count: int) -> Rows:
        while self._ready < count:
            self._step()
        rows = self._parts[0] if len(self._parts) == 1 else joined(self._parts)
        self._parts = [rows[count:]]
        self._ready = len(rows) - count
        return rows[:count]

    def _step(self) -> None:
        try:
            next(self._making)
        except StopIteration as done:
            self._parts.append(done.value)
            self._ready += len(done.value)
            self._making = self._timeline.window()

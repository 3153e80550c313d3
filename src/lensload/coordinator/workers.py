"""Which workers take part in a run, which part of it each has, and how far each is."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from lensload.errors import RefusedError
from lensload.ids import MAX_LANES
from lensload.processes.envelope import ProcessName

LANES: Final = 64


@dataclass(slots=True, eq=False)
class WorkerState:
    """One worker of a run, as the coordinator knows it.

    Attributes:
        index: its place among the workers.
        lanes: its part of the audience.
        share: (index, count) of its observer's part of the partitions; None: it has no observer.
        monotonic_s: the clock for `silent_s`.
        conditions: what each of its processes that is ready found out about its surroundings.
        ended: its processes that have sent their last message.
        begun: it has been told when the run begins.
        scheduled: its generator has produced everything that was due.
        left: its processes have ended, and all they sent has arrived.
        lost: the worker itself cannot be reached any more.
        silent: that it does not report has been told.
    """

    index: int
    lanes: Sequence[int]
    share: tuple[int, int] | None
    monotonic_s: Callable[[], float] = time.monotonic
    conditions: dict[ProcessName, Mapping[str, Any]] = field(
        default_factory=dict[ProcessName, Mapping[str, Any]]
    )
    ended: set[ProcessName] = field(default_factory=set[ProcessName])
    begun: bool = False
    scheduled: bool = False
    left: bool = False
    lost: bool = False
    silent: bool = False
    _received: int = 0
    _heard_s: float = 0.0

    def __post_init__(self) -> None:
        """It was heard of now."""
        self._heard_s = self.monotonic_s()

    @property
    def processes(self) -> tuple[ProcessName, ...]:
        """The processes that it has."""
        return ("generator", "observer") if self.share else ("generator",)

    @property
    def unready(self) -> list[ProcessName]:
        """Its processes that are not ready yet."""
        return [process for process in self.processes if process not in self.conditions]

    @property
    def gone(self) -> bool:
        """Nothing more will come from it."""
        return self.left or self.lost

    @property
    def silent_s(self) -> float:
        """How long ago it last sent anything."""
        return self.monotonic_s() - self._heard_s

    def received(self, number: int) -> int:
        """Note that its parcel of this number has come; returns how many before it are missing."""
        self._heard_s = self.monotonic_s()
        missing, self._received = number - self._received - 1, number
        return missing

    def has_ended(self, process: ProcessName) -> bool:
        """Whether nothing more is to be expected of its generator, or observer."""
        return self.gone or process not in self.processes or process in self.ended

    def is_scheduled(self) -> bool:
        """Whether its generator will produce nothing more."""
        return self.scheduled or self.has_ended("generator")


class Workers:
    """The workers of a run. The audience's lanes are divided among those present at its start.

    Where these are more than the lanes, each has one of its own, and some people are played by several. A worker that
    comes later makes load with a bank of lanes of its own, and observes nothing: the partitions are divided already.

    Args:
        ids: of those present at the start.
        monotonic_s: the clock for silence.

    Raises:
        RefusedError: there are more workers than ids have lanes for.
    """

    def __init__(self, ids: Sequence[str], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.count = len(ids)
        if self.count > MAX_LANES:
            raise RefusedError(f"{self.count} workers are more than the {MAX_LANES} that a run can have.")
        self._monotonic_s = monotonic_s
        self._late = 0
        lanes = max(LANES, self.count)
        self._free = -(-lanes // LANES) * LANES  # the first lane of the next bank
        self._states = {
            worker: WorkerState(
                index, list(range(index, lanes, self.count)), (index, self.count), monotonic_s
            )
            for index, worker in enumerate(ids)
        }

    def join(self, worker: str) -> WorkerState:
        """The part of a worker, which may be a new one.

        Raises:
            RefusedError: there are no lanes left for one more.
        """
        if worker not in self._states:
            if self._free == MAX_LANES:
                raise RefusedError(f"More than {self._late} workers joined while the test was running.")
            bank = list(range(self._free, self._free + LANES))
            self._states[worker] = WorkerState(self.count + self._late, bank, None, self._monotonic_s)
            self._late, self._free = self._late + 1, self._free + LANES
        return self._states[worker]

    def get(self, worker: str) -> WorkerState | None:
        """The worker's part, if it has one."""
        return self._states.get(worker)

    @property
    def present(self) -> dict[str, WorkerState]:
        """Those that are not gone, by id."""
        return {worker: state for worker, state in self._states.items() if not state.gone}

    @property
    def states(self) -> list[WorkerState]:
        """All that ever took part."""
        return list(self._states.values())

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each worker that ever took part, by id."""
        return {worker: state.index for worker, state in self._states.items()}

    def unready(self) -> list[WorkerState]:
        """Those that are present, and not ready."""
        return [state for state in self.present.values() if state.unready]

    def all_scheduled(self) -> bool:
        """Whether no generator will produce anything more."""
        return all(state.is_scheduled() for state in self.states)

    def all_lost(self) -> bool:
        """Whether there were workers, and none of them can be reached any more."""
        return bool(self._states) and all(state.lost for state in self.states)

    def waiting_for(self, process: ProcessName) -> list[WorkerState]:
        """Those whose generator, or observer, has yet to send its last message."""
        return [state for state in self.states if not state.has_ended(process)]

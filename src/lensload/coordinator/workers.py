"""Who takes part in a run, which part of it each worker has, and how far each has got."""

import time
from typing import Any

from lensload.errors import RefusedError

LANES = 64
_LATE_BANKS = 63


class Member:
    """One worker of a run, as the master knows it.

    Args:
        index: its place among the workers.
        lanes: its part of the audience.
        share: (index, count) of its observer's part of the partitions; None: it has no observer.

    Attributes:
        conditions: what its crew said of its surroundings; None until that is ready.
        scheduled: its engine has produced everything that was due.
        left: its crew is gone, and all it said has arrived.
        lost: Locust has lost the worker itself.
    """

    def __init__(self, index: int, lanes: list[int], share: tuple[int, int] | None) -> None:
        self.index = index
        self.lanes = lanes
        self.share = share
        self.conditions: dict[str, Any] | None = None
        self.scheduled = False
        self.left = False
        self.lost = False
        self.silent = False
        self._ended: set[str] = set() if share else {"observer"}
        self._reports = 0
        self._heard_s = time.monotonic()

    @property
    def gone(self) -> bool:
        """Nothing more will come from it."""
        return self.left or self.lost

    @property
    def silent_s(self) -> float:
        """How long ago it last reported."""
        return time.monotonic() - self._heard_s

    def reported(self, n: int) -> int:
        """Note that its n-th report has come; how many before it have not."""
        self._heard_s = time.monotonic()
        missing, self._reports = n - self._reports - 1, n
        return missing

    def end(self, process: str) -> None:
        """Note that its engine, or observer, has said its last word."""
        self._ended.add(process)

    def has_ended(self, process: str) -> bool:
        """Whether nothing more is to be expected of its engine, or observer."""
        return self.gone or process in self._ended

    def is_scheduled(self) -> bool:
        """Whether its engine will produce nothing more."""
        return self.scheduled or self.has_ended("engine")


class Roster:
    """The workers of a run. The audience's lanes are dealt out to those there at its start.

    Who comes later makes load with a bank of lanes of its own, and observes nothing: the partitions are dealt
    out already.

    Args:
        workers: Locust's ids of those there at the start.
    """

    def __init__(self, workers: list[str]) -> None:
        self.count = len(workers)
        self._late = 0
        self._members = {
            worker: Member(index, list(range(index, LANES, self.count)), (index, self.count))
            for index, worker in enumerate(workers)
        }

    def join(self, worker: str) -> Member:
        """The part of a worker, which may be a new one.

        Raises:
            RefusedError: there are no lanes left for one more.
        """
        if worker not in self._members:
            if self._late == _LATE_BANKS:
                raise RefusedError(f"More than {_LATE_BANKS} workers joined while the test was running.")
            self._late += 1
            bank = list(range(LANES * self._late, LANES * (self._late + 1)))
            self._members[worker] = Member(self.count + self._late - 1, bank, None)
        return self._members[worker]

    def get(self, worker: str) -> Member | None:
        """The worker's part, if it has one."""
        return self._members.get(worker)

    @property
    def present(self) -> dict[str, Member]:
        """Those that are not gone, by Locust's id."""
        return {worker: member for worker, member in self._members.items() if not member.gone}

    @property
    def members(self) -> list[Member]:
        """All that ever took part."""
        return list(self._members.values())

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each worker that ever took part, by Locust's id."""
        return {worker: member.index for worker, member in self._members.items()}

    def unready(self) -> list[Member]:
        """Those that are present, and not ready."""
        return [member for member in self.present.values() if member.conditions is None]

    def all_scheduled(self) -> bool:
        """Whether no engine will produce anything more."""
        return all(member.is_scheduled() for member in self.members)

    def waiting_for(self, process: str) -> list[Member]:
        """Those whose engine, or observer, has yet to say its last word."""
        return [member for member in self.members if not member.has_ended(process)]

"""The rate of a run as it is set by hand while the run is on: shared by the generators, and noted with how long it took."""

from collections.abc import Callable

from lensload.coordinator.recorder import Recorder
from lensload.coordinator.workers import Workers
from lensload.processes.messages import RateSet, SetRate
from lensload.results.run import RateChange

Tell = Callable[[str, SetRate], None]
"""Sends a message to the generator of a worker."""


class HandRate:
    """Shares a rate among the generators of a run, and again whenever there are more or fewer of them.

    Args:
        recorder: notes the changes.
        workers: who takes part.
        tell: sends the generators their parts.

    Attributes:
        rate_per_s: what was set last; None: nothing, or it was given back.
    """

    def __init__(self, recorder: Recorder, workers: Workers, tell: Tell) -> None:
        self.rate_per_s: float | None = None
        self._recorder = recorder
        self._workers = workers
        self._tell = tell
        self._told: list[str] = []
        self._number = 0
        self._change: RateChange | None = None
        self._waits: set[str] = set()
        self._took_s = 0.0

    def change(self, rate_per_s: float | None) -> None:
        """Make the rate another one from now on; None gives it back."""
        if self._recorder.draining:
            return
        self.rate_per_s = rate_per_s
        self._change = self._recorder.change_rate(rate_per_s)
        if not self._recorder.times:
            self._change["took_s"] = 0.0  # all schedules will begin with it
            return
        self._number += 1
        self._waits, self._took_s = set(self._generators()), 0.0
        self._share(self._number)

    def reshare(self) -> None:
        """Share the rate anew if there are other generators than it was shared among."""
        on = self._recorder.times and not self._recorder.draining and self._recorder.rate_changes
        if on and self._generators() != self._told:
            self._share(0)

    def heard(self, worker: str, message: RateSet) -> None:
        """Note when the schedule of a generator has followed a change, and how long it took all of them."""
        change, times = self._change, self._recorder.times
        if change is None or times is None or message.number != self._number or worker not in self._waits:
            return  # an answer to an earlier change, which the latest has overtaken
        self._waits.discard(worker)
        self._took_s = max(self._took_s, times.elapsed_s(message.from_ns) - change["at_s"])
        if not self._waits:
            change["took_s"] = round(self._took_s, 4)

    def _share(self, number: int) -> None:
        self._told = self._generators()
        rate_per_s = self.rate_per_s
        part_per_s = None if rate_per_s is None else rate_per_s / max(1, len(self._told))
        for worker in self._told:
            self._tell(worker, SetRate(number, part_per_s))

    def _generators(self) -> list[str]:
        """The workers whose generators have begun: a process takes its configuration and its schedule first."""
        return [worker for worker, state in self._workers.present.items() if state.begun]

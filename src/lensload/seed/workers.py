"""The workers of a seed, held as one: started, told, listened to, ended."""

from dataclasses import replace
from typing import Final, Self

from lensload.errors import ClusterError
from lensload.processes import fork
from lensload.processes.child_process import ChildProcess, poll_all
from lensload.processes.envelope import Envelope
from lensload.processes.messages import Drain, Notice, Refused
from lensload.seed.messages import Progress, SeedDrained, SeedOrder

_MODULE: Final = "lensload.seed.worker"
_RESUME: Final = "What has been sent stays: continue with --resume."


class _WorkerProcess(ChildProcess):
    """A worker, and what it has reported.

    Attributes:
        acked: how much of what it has handed to its client the cluster has by now; nearly.
        notices: what a person should see, and nobody has taken yet.
        drained: its last message; None before.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"worker {number}", _MODULE)
        self.acked = 0
        self.notices: list[str] = []
        self.drained: SeedDrained | None = None

    def _receive(self, envelope: Envelope) -> None:
        match envelope.opened():
            case Progress(acked):
                self.acked = acked
            case Notice(text):
                self.notices.append(text)
            case SeedDrained() as drained:
                self.drained = drained
            case Refused() as refused:
                raise refused.error
            case _:
                pass


class Workers:
    """So many worker processes; a context manager that starts them, and ends those that are left.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._processes = [_WorkerProcess(number) for number in range(count)]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.launch(forked=fork.is_safe())
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.close()

    def configure(self, order: SeedOrder) -> None:
        """Give all of them an order; each also learns which of them it is."""
        for number, process in enumerate(self._processes):
            process.send(replace(order, worker=number, workers=len(self._processes)))

    def stop(self) -> None:
        """Have all of them stop, and finish what is under way."""
        for process in self._processes:
            process.send(Drain())

    @property
    def writing(self) -> bool:
        """One of them has begun to write."""
        return any(process.ready for process in self._processes)

    @property
    def done(self) -> bool:
        """All have said their last words."""
        return all(process.drained for process in self._processes)

    @property
    def complete(self) -> bool:
        """All have written everything."""
        return all(process.drained and process.drained.complete for process in self._processes)

    @property
    def last_words(self) -> list[SeedDrained]:
        """What each has said when it had finished."""
        return [process.drained for process in self._processes if process.drained]

    def acked(self) -> int:
        """How many events the cluster has by the workers' latest reports; nearly."""
        return sum(process.acked for process in self._processes)

    def take_notices(self) -> list[str]:
        """What they have complained of since the last call."""
        notices = [text for process in self._processes for text in process.notices]
        for process in self._processes:
            process.notices.clear()
        return notices

    def listen(self, timeout_s: float) -> None:
        """Take in what they say, waiting at most so long for the first of it.

        Raises:
            LensloadError: one of them cannot go on, or has ended.
        """
        poll_all(self._processes, timeout_s)
        for process in self._processes:
            if process.died:
                raise ClusterError(process.died, _RESUME)

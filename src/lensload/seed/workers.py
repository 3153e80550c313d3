"""The workers of a seed, held as one: started, told, listened to, ended."""

from types import TracebackType
from typing import Final, Self

from lensload.errors import ClusterError
from lensload.processes.child_process import ChildProcess, poll_all
from lensload.processes.link import Message

_MODULE: Final = "lensload.seed.worker"
_RESUME: Final = "What has been sent stays: continue with --resume."


class _WorkerProcess(ChildProcess):
    """A worker, and how much of what it has handed to its client the cluster has by now; nearly."""

    acked = 0

    def _hear(self, kind: str, message: Message) -> None:
        if kind == "report":
            self.acked = max(0, sum(message["written"].values()) - message["waiting"])
        else:
            super()._hear(kind, message)


class Workers:
    """So many worker processes; a context manager that starts them, and ends those that are left.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._processes = [_WorkerProcess(f"worker {number}", _MODULE) for number in range(count)]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.launch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.close()

    def tell(self, message: Message) -> None:
        """Tell all of them the same; each also learns which of them it is."""
        for number, process in enumerate(self._processes):
            process.send({**message, "worker": number, "workers": len(self._processes)})

    @property
    def ready(self) -> bool:
        """All have said that they can begin, or that they are done."""
        return all(process.ready or process.drained for process in self._processes)

    @property
    def done(self) -> bool:
        """All have said their last words."""
        return all(process.drained for process in self._processes)

    @property
    def complete(self) -> bool:
        """All have written everything."""
        return all(process.drained and process.drained["complete"] for process in self._processes)

    @property
    def last_words(self) -> list[Message]:
        """What each has said when it had finished."""
        return [process.drained for process in self._processes if process.drained]

    def acked(self) -> int:
        """How many events the cluster has by the workers' latest reports; nearly."""
        return sum(process.acked for process in self._processes)

    def take_notices(self) -> list[str]:
        """What they have complained of since the last call."""
        return [text for process in self._processes for text in process.take_notices()]

    def listen(self, timeout_s: float) -> None:
        """Take in what they say, waiting at most so long for the first of it.

        Raises:
            LensloadError: one of them cannot go on, or has ended.
        """
        poll_all(self._processes, timeout_s)
        for process in self._processes:
            if process.refusal:
                raise process.refusal
            if process.died:
                raise ClusterError(process.died, _RESUME)

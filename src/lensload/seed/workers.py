"""The workers of a seed, held as one: started, told, listened to, ended."""

import contextlib
import select
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from lensload.errors import ClusterError, LensloadError, RefusedError, UsageError
from lensload.processes import interpreter
from lensload.processes.link import Link, LinkClosed, Message

_END_S: Final = 3.0
_RESUME: Final = "What has been sent stays: go on with --resume."


class Workers:
    """So many worker processes; a context manager that starts them, and ends those that are left.

    Args:
        count: how many.

    Attributes:
        notices: what they complained of and nobody has taken yet.
        last_words: what each said when it had finished, by number.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.notices: list[str] = []
        self.last_words: dict[int, Message] = {}
        self._links: list[Link] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._reports: dict[int, Message] = {}
        self._ready: set[int] = set()

    def __enter__(self) -> Self:
        for _ in range(self.count):
            link, theirs = Link.pair()
            with contextlib.closing(theirs):
                command = interpreter.command("lensload.seed.worker", str(theirs.fileno()))
                process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
                    command,
                    env=interpreter.environ(),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # Ctrl-C in a terminal reaches us alone
                )
            self._links.append(link)
            self._processes.append(process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for link in self._links:
            link.close()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def tell(self, message: Message) -> None:
        """Tell all of them the same; each also learns which of them it is."""
        for number, link in enumerate(self._links):
            with contextlib.suppress(LinkClosed):
                link.send({**message, "worker": number, "workers": self.count})

    @property
    def ready(self) -> bool:
        """All have said that they can begin, or that they are done."""
        return len(self._ready | set(self.last_words)) == self.count

    @property
    def done(self) -> bool:
        """All have said their last words."""
        return len(self.last_words) == self.count

    @property
    def complete(self) -> bool:
        """All have written everything."""
        return self.done and all(words["complete"] for words in self.last_words.values())

    def written(self) -> int:
        """How many events have been acknowledged so far, by their latest reports; nearly."""
        return sum(
            max(0, sum(report["written"].values()) - report["waiting"]) for report in self._reports.values()
        )

    def listen(self, timeout_s: float) -> None:
        """Take in what they say, waiting at most so long for the first of it.

        Raises:
            LensloadError: one of them cannot go on, or has ended.
        """
        links = {link.fileno(): number for number, link in enumerate(self._links)}
        talking = [fd for fd, number in links.items() if number not in self.last_words]
        ready, _, _ = select.select(talking, [], [], timeout_s)
        for fd in ready:
            number = links[fd]
            try:
                while (message := self._links[number].receive(0)) is not None:
                    self._hear(number, message)
            except LinkClosed as gone:
                if number in self.last_words:
                    continue
                code = self._processes[number].wait(_END_S)
                raise ClusterError(f"A worker process has ended (exit code {code}).", _RESUME) from gone

    def _hear(self, number: int, message: Message) -> None:
        match message["type"]:
            case "ready":
                self._ready.add(number)
            case "report":
                self._reports[number] = message
            case "notice":
                self.notices.append(message["text"])
            case "drained":
                self.last_words[number] = message
            case _:
                raise _refusal(message)


def _refusal(message: Mapping[str, Any]) -> LensloadError:
    kinds: Sequence[type[LensloadError]] = (UsageError, RefusedError)
    kind = next((each for each in kinds if each.exit_code == message["exit_code"]), LensloadError)
    return kind(message["message"], message["hint"])

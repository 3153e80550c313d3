"""A child process of control: born on a link, told what to do, and gone when the link closes."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from lensload.config.model import RunConfig
from lensload.errors import LensloadError
from lensload.ids import NS_PER_MS
from lensload.processes.link import Link, LinkClosed, Message


@dataclass(frozen=True, slots=True)
class Orders:
    """What the `configure` message says.

    Attributes:
        config: the run's configuration.
        bootstrap_servers: where the cluster is, the embedded one's address filled in.
        registry_url: where the registry is, or mock://.
        embedded: whether the cluster is the embedded one.
        run_tag: goes into every id of the run.
        message: all of it, for what only one kind of process needs.
    """

    config: RunConfig
    bootstrap_servers: str
    registry_url: str
    embedded: bool
    run_tag: int
    message: dict[str, Any]

    @classmethod
    def of(cls, message: Message) -> Self:
        """Read a `configure` message.

        Raises:
            UsageError: the configuration in it is not fit.
        """
        return cls(
            RunConfig.from_dict(message["config"]),
            message["bootstrap_servers"],
            message["registry_url"],
            message["embedded"],
            message["run_tag"],
            message,
        )

    def named(self) -> dict[str, str]:
        """Each topic's name in the cluster, the prefix included."""
        return {topic: self.config.cluster.topic_prefix + topic for topic in self.config.load.topics}


def whole_ms(at_ns: int) -> int:
    """`at_ns` rounded down to the millisecond, where due times (which ids round down) cannot fall behind it."""
    return at_ns - at_ns % NS_PER_MS


def live(work: Callable[[Link, Orders], None]) -> None:
    """Be a process of a run: `serve`, with the orders read."""
    serve(lambda link, message: work(link, Orders.of(message)))


def serve(work: Callable[[Link, Message], None]) -> None:
    """Be a child process: await `configure` on the link whose descriptor is the first argument, and `work`.

    A LensloadError is told to the parent as a refusal. When the link closes the process ends at once, whatever it is
    doing: its parent is gone.
    """
    # Ctrl-C is the parent's to handle; it says drain.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = Link.of_child(int(sys.argv[1]))
    try:
        message = link.receive()
        if message is None or message["type"] != "configure":
            return
        try:
            work(link, message)
        except LensloadError as error:
            link.send({"type": "refused", "exit_code": error.exit_code, "text": str(error)})
    except LinkClosed as closed:
        with contextlib.suppress(OSError):
            os.write(2, f"The link to the parent is closed: {closed}.\n".encode())
        # At once: a client that is taken down in order would go on sending.
        os._exit(1)

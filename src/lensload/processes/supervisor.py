"""The processes of one worker: a generator that makes and sends events, and an observer that reads them back.

Messages between them and the coordinator are forwarded unopened. No gevent here: whoever owns the processes polls them.
"""

import time
from collections.abc import Callable
from typing import Final

from lensload.config.model import RunConfig
from lensload.processes import messages
from lensload.processes.child_process import ChildProcess, poll_all
from lensload.processes.envelope import Envelope, Message, ProcessName

_SILENT_S: Final = 3.0  # each reports once a second

Forward = Callable[[ProcessName, Envelope], None]
"""Takes a message from a process on its way to the coordinator."""


class RunProcess(ChildProcess):
    """A generator or an observer, whose messages are forwarded.

    Args:
        name: which of the two.
        module: what runs in it, with the link's descriptor as its argument.
        forward: takes each of its messages.
    """

    def __init__(self, name: ProcessName, module: str, forward: Forward) -> None:
        super().__init__(name, module)
        self._process_name: ProcessName = name
        self._forward = forward
        self._received_s = 0.0
        self._silent = False

    def poll(self) -> None:
        """Forward what it has sent, without waiting; notice its end, and that it is silent."""
        died = self.died
        super().poll()
        if not self.ended and self.ready:
            self._note_silence()
        if self.died and not died:
            self._forward(self._process_name, messages.Died(self.died).sealed())

    def _receive(self, envelope: Envelope) -> None:
        self._received_s = time.monotonic()
        self._forward(self._process_name, envelope)

    def _note_silence(self) -> None:
        """Report a process that hangs, and its return: it has neither died nor sent anything."""
        silent = time.monotonic() - self._received_s > _SILENT_S
        if silent != self._silent:
            self._silent = silent
            text = f"nothing heard for {_SILENT_S:g} s" if silent else "heard again"
            self._forward(self._process_name, messages.Notice(text).sealed())


class Supervisor:
    """One generator and, if one is configured, one observer.

    Args:
        forward: takes the messages of both.
        generator_module: what the generator's process runs.
        observer_module: what the observer's process runs.
    """

    def __init__(
        self,
        forward: Forward,
        generator_module: str = "lensload.generator.process",
        observer_module: str = "lensload.observer.process",
    ) -> None:
        self.processes: dict[ProcessName, RunProcess] = {
            "generator": RunProcess("generator", generator_module, forward),
            "observer": RunProcess("observer", observer_module, forward),
        }

    @property
    def ended(self) -> bool:
        """Nothing more will come from them."""
        return all(process.ended for process in self.processes.values())

    def launch(self, expected: RunConfig | None = None, *, forked: bool = False) -> None:
        """Start both processes ahead of time, perhaps as forks: they import what they need, and wait to be configured.

        Args:
            expected: of the run that will come, as far as is known: they prepare for it.
            forked: they are forks of this process.
        """
        for process in self.processes.values():
            process.launch(forked=forked)
            if expected:
                process.send(messages.Expect(expected))

    def send(self, process: ProcessName, message: Message | Envelope) -> None:
        """Send a message to a process, which is started if the message configures it."""
        envelope = message if isinstance(message, Envelope) else message.sealed()
        if envelope.holds(messages.ConfigureGenerator, messages.ConfigureObserver):
            self.processes[process].launch()
        self.processes[process].send(envelope)

    def poll(self, timeout_s: float = 0.0) -> None:
        """Forward what the processes send, waiting at most `timeout_s` for the first of it; notice deaths."""
        poll_all(list(self.processes.values()), timeout_s)

    def kill(self) -> None:
        """End the processes now, whatever they are doing."""
        for process in self.processes.values():
            process.kill()

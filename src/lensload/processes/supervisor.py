"""The crew of one worker: an engine process that makes and sends events, an observer that reads them back.

Neither knows gevent, nor does this module: its processes are polled by whoever owns the crew.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lensload.errors import InvalidRunError, RefusedError
from lensload.metrics.stats import Tally
from lensload.processes.child_process import ChildProcess, poll_all
from lensload.processes.link import Message

READY_BUDGET_S = 30.0  # a child is refused after 10 s; the rest is for a busy machine to start processes
_SILENT_S = 3.0  # each reports once a second


class CrewProcess(ChildProcess):
    """One process of a crew, and what it has said so far.

    Args:
        name: "engine" or "observer"; what it is called in messages.
        module: what `python -m` runs, with the link's descriptor as its argument.

    Attributes:
        conditions: what it said of its surroundings when it was ready and when it had drained; None before.
        gauges: the numbers of its latest report.
        scheduled: everything due was produced (engine).
        drained: its last word, without the tally; None before.
    """

    def __init__(self, name: str, module: str) -> None:
        super().__init__(name, module)
        self.conditions: dict[str, Any] | None = None
        self.gauges: dict[str, Any] = {}
        self.scheduled = False
        self._tally = Tally()
        self._pages: list[list[Any]] = []
        self._heard_s = 0.0
        self._silent = False

    def configure(self, message: Message) -> None:
        """Tell it what it is to do; it answers ready, or refuses."""
        self.launch()
        self.send({**message, "type": "configure"})

    def poll(self) -> None:
        """Take in whatever it has said since, without waiting; notice its end, and that it says nothing."""
        super().poll()
        if not self.ended and self.conditions is not None:
            self._note_silence()

    def take(self) -> tuple[Tally, list[str]]:
        """The tally and the notices since the last take."""
        return self._tally.take(), self.take_notices()

    def take_pages(self) -> list[list[Any]]:
        """The pages of its account since the last take: [kind, pages as in pages.to_wire]."""
        pages, self._pages = self._pages, []
        return pages

    def _hear(self, kind: str, message: Message) -> None:
        self._heard_s = time.monotonic()
        if "tally" in message:
            self._tally.add(Tally.from_wire(message.pop("tally")))
        if "conditions" in message:
            self.conditions = {**(self.conditions or {}), **message["conditions"]}
        match kind:
            case "ready":
                self.conditions = self.conditions or {}
            case "report":
                self.gauges = message
            case "pages":
                self._pages.append([message["kind"], message["pages"]])
            case "scheduled":
                self.scheduled = True
            case _:
                super()._hear(kind, message)

    def _note_silence(self) -> None:
        """Tell of a process that hangs, and of its return: it has neither died nor said anything."""
        silent = time.monotonic() - self._heard_s > _SILENT_S
        if silent != self._silent:
            self._silent = silent
            self._notices.append(f"nothing heard for {_SILENT_S:g} s" if silent else "heard again")


@dataclass(frozen=True, slots=True)
class CrewReport:
    """What a crew has said since its last report.

    Attributes:
        tally: everything counted and measured since.
        gauges: process name to the numbers of its latest report.
        notices: what a person should see now.
        pages: process name to what it has said of which events; see `CrewProcess.take_pages`.
    """

    tally: Tally = field(default_factory=Tally)
    gauges: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    notices: list[str] = field(default_factory=list[str])
    pages: dict[str, list[list[Any]]] = field(default_factory=dict[str, list[list[Any]]])


class Crew:
    """One engine and, unless told otherwise, one observer.

    Args:
        engine_module: what the engine process runs.
        observer_module: what the observer process runs.
    """

    def __init__(
        self,
        engine_module: str = "lensload.generator.process",
        observer_module: str = "lensload.observer.process",
    ) -> None:
        self.engine = CrewProcess("engine", engine_module)
        self.observer: CrewProcess | None = CrewProcess("observer", observer_module)
        self._addresses = ""

    @property
    def processes(self) -> list[CrewProcess]:
        """The engine, and the observer if there is one."""
        return [self.engine, self.observer] if self.observer else [self.engine]

    @property
    def conditions(self) -> dict[str, Any]:
        """What the processes said of their surroundings, by process name."""
        return {process.name: process.conditions or {} for process in self.processes}

    def launch(self) -> None:
        """Start the processes ahead of time, to spare `start` the time that their imports take."""
        for process in self.processes:
            process.launch()

    def start(self, engine: Message, observer: Message | None) -> None:
        """Start the processes with their configure messages; without one for the observer there is none."""
        self._addresses = f"Kafka: {engine.get('bootstrap_servers')}, registry: {engine.get('registry_url')}"
        if observer is None and self.observer:
            self.observer.kill()
            self.observer = None
        self.engine.configure(engine)
        if self.observer and observer is not None:
            self.observer.configure(observer)

    def await_ready(self, timeout_s: float = READY_BUDGET_S) -> dict[str, Any]:
        """Wait until all are ready; the conditions they give, by process name.

        Raises:
            LensloadError: one refused (its own error), died, or was not ready in time.
        """
        deadline = time.monotonic() + timeout_s
        while any(process.conditions is None for process in self.processes):
            self.poll(0.1)
            self.check()
            if time.monotonic() > deadline:
                late = " and ".join(process.name for process in self.processes if process.conditions is None)
                raise RefusedError(
                    f"The {late} could not get ready within {timeout_s:g} s ({self._addresses}).",
                    "Check that both addresses answer from here.",
                )
        return self.conditions

    def check(self) -> None:
        """Raise the refusal of a process, or that one died.

        Raises:
            LensloadError: the refusal; or InvalidRunError, for a death.
        """
        for process in self.processes:
            if process.refusal:
                raise process.refusal
            if process.died:
                raise InvalidRunError(process.died)

    def begin(self, start_ns: int, measure_from_ns: int, end_ns: int = 0) -> None:
        """Let the schedule start at `start_ns`; see the protocol in link.py for the others."""
        times = {"start_ns": start_ns, "measure_from_ns": measure_from_ns, "end_ns": end_ns}
        for process in self.processes:
            process.send({"type": "begin", **times})

    def audience(self, slices: list[dict[str, Any]]) -> None:
        """Tell the engine what its audience is from now on: behaviours and their rates."""
        self.engine.send({"type": "audience", "slices": slices})

    def settle(self, keys: list[list[int]]) -> None:
        """Tell the observer which pages ([stream, number]) nobody needs to remember any more."""
        if self.observer:
            self.observer.send({"type": "settled", "pages": keys})

    def poll(self, timeout_s: float = 0.0) -> None:
        """Take in what the processes say, waiting at most `timeout_s` for the first of it; notice deaths."""
        poll_all(self.processes, timeout_s)

    def take(self) -> CrewReport:
        """What was said since the last take."""
        report = CrewReport(gauges={process.name: process.gauges for process in self.processes})
        for process in self.processes:
            tally, notices = process.take()
            report.tally.add(tally)
            report.pages[process.name] = process.take_pages()
            report.notices.extend(f"{process.name}: {text}" for text in notices)
        return report

    def drain_engine(self, timeout_s: float) -> bool:
        """Stop the schedule and flush; False when that took longer, or the engine ended without a last word."""
        return self._drain(self.engine, timeout_s)

    def drain_observer(self, timeout_s: float) -> bool:
        """Read to the partitions' ends, once all engines are drained; False as for the engine."""
        return self.observer is None or self._drain(self.observer, timeout_s)

    def close(self) -> None:
        """Close the links, upon which the processes end; whatever has not after 2 s is killed."""
        for process in self.processes:
            process.close()

    def kill(self) -> None:
        """End the processes now, whatever they are doing."""
        for process in self.processes:
            process.kill()

    def _drain(self, process: CrewProcess, timeout_s: float) -> bool:
        process.send({"type": "drain"})
        self._wait(lambda: process.drained is not None or process.ended, timeout_s)
        return process.drained is not None

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < deadline:
            self.poll(0.1)

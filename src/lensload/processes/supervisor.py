"""The crew of one worker: an engine process that makes and sends events, an observer that reads them back.

Neither knows gevent, nor does this module: plain sockets, pipes and `subprocess`, polled by whoever owns the
crew. The processes lead their own sessions, so that Ctrl-C in a terminal reaches control alone, which drains
them; and they end by themselves when their link closes, so that none outlives a dead control.
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lensload.errors import InvalidRunError, LensloadError, RefusedError, UsageError
from lensload.metrics.stats import Tally
from lensload.processes import interpreter
from lensload.processes.link import Link, LinkClosed, Message

READY_BUDGET_S = 10.0
_LAST_WORDS_LINES = 12
_END_BUDGET_S = 2.0
_SILENT_S = 3.0  # each reports once a second


class CrewProcess:
    """One process of a crew, and what it has said so far.

    Args:
        name: "engine" or "observer"; what it is called in messages.
        module: what `python -m` runs, with the link's descriptor as its argument.

    Attributes:
        conditions: what it said of its surroundings when it was ready and when it had drained; None before.
        gauges: the numbers of its latest report.
        scheduled: everything due was produced (engine).
        drained: its last word, without the tally; None before.
        refusal: why it cannot go on; None while it can.
        died: that it ended without a last word, with the reason as far as known; None while it lives.
    """

    def __init__(self, name: str, module: str) -> None:
        self.name = name
        self.conditions: dict[str, Any] | None = None
        self.gauges: dict[str, Any] = {}
        self.scheduled = False
        self.drained: dict[str, Any] | None = None
        self.refusal: LensloadError | None = None
        self.died: str | None = None
        self._module = module
        self._tally = Tally()
        self._pages: list[list[Any]] = []
        self._notices: list[str] = []
        self._heard_s = 0.0
        self._silent = False
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS_LINES)
        self._link: Link | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr = -1
        self._partial_line = b""

    @property
    def pid(self) -> int | None:
        """Of the operating system; None before `start`."""
        return self._process.pid if self._process else None

    @property
    def ended(self) -> bool:
        """Nothing more will come from it."""
        return self._link is None

    def launch(self) -> None:
        """Start the process, which imports what it needs and waits for `configure`. Once is enough."""
        if self._process:
            return
        self._link, theirs = Link.pair()
        self._stderr, stderr = os.pipe()
        os.set_blocking(self._stderr, False)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # our own module, our own interpreter
                interpreter.command(self._module, str(theirs.fileno())),
                env=interpreter.environ(),
                stdin=subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(stderr)

    def configure(self, message: Message) -> None:
        """Tell it what it is to do; it answers ready, or refuses."""
        self.launch()
        self.send({**message, "type": "configure"})

    def send(self, message: Message) -> None:
        """Send a message; to a process that has ended this does nothing, as `poll` will tell of its end."""
        if self._link:
            with contextlib.suppress(LinkClosed):
                self._link.send(message)

    def fileno(self) -> int:
        """The link's descriptor, to wait on; -1 once it has ended."""
        return self._link.fileno() if self._link else -1

    def poll(self) -> None:
        """Take in whatever it has said since, without waiting; notice its end."""
        if not self._link:
            return
        gone = self._process is not None and self._process.poll() is not None
        try:
            while (message := self._link.receive(0)) is not None:
                self._hear(message)
                self._heard_s = time.monotonic()
        except LinkClosed:
            gone = True
        self._hear_stderr()
        if gone:
            self._end()
        elif self.conditions is not None:
            self._note_silence()

    def take(self) -> tuple[Tally, list[str]]:
        """The tally and the notices since the last take."""
        notices, self._notices = self._notices, []
        return self._tally.take(), notices

    def take_pages(self) -> list[list[Any]]:
        """The pages of its account since the last take: [kind, pages as in pages.to_wire]."""
        pages, self._pages = self._pages, []
        return pages

    def close(self) -> None:
        """Close the link, upon which the process ends; after 2 s it is killed."""
        if self._link:
            self._link.close()
            self._link = None
        if self._process and self._process.poll() is None:
            try:
                self._process.wait(_END_BUDGET_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def kill(self) -> None:
        """End it now, whatever it is doing."""
        if self._process and self._process.poll() is None:
            self._process.kill()
        self.close()

    def _hear(self, message: Message) -> None:
        kind = message.pop("type")
        if "tally" in message:
            self._tally.add(Tally.from_wire(message.pop("tally")))
        if "conditions" in message:
            self.conditions = {**(self.conditions or {}), **message["conditions"]}
        if kind == "ready":
            self.conditions = self.conditions or {}
        elif kind == "report":
            self.gauges = message
        elif kind == "pages":
            self._pages.append([message["kind"], message["pages"]])
        elif kind == "notice":
            self._notices.append(message["text"])
        elif kind == "scheduled":
            self.scheduled = True
        elif kind == "drained":
            self.drained = message
        elif kind == "refused":
            self.refusal = error_of(message["exit_code"], message["text"])

    def _note_silence(self) -> None:
        """Tell of a process that hangs, and of its return: it has neither died nor said anything."""
        silent = time.monotonic() - self._heard_s > _SILENT_S
        if silent != self._silent:
            self._silent = silent
            self._notices.append(f"nothing heard for {_SILENT_S:g} s" if silent else "heard again")

    def _hear_stderr(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._stderr, 1 << 16):
                *lines, self._partial_line = (self._partial_line + chunk).split(b"\n")
                for line in lines:
                    self._last_words.append(line.decode(errors="replace"))
                    logging.getLogger(f"lensload.{self.name}").info("%s", self._last_words[-1])

    def _end(self) -> None:
        """The link is closed or the process gone: see that both are, and say why if it was not to be."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process:
                self._process.wait(_END_BUDGET_S)
        self._hear_stderr()
        code = self._process.poll() if self._process else None
        self.kill()
        if self.drained is None and self.refusal is None:
            words = "\n  ".join(self._last_words)
            self.died = f"The {self.name} process {_cause(code)}" + (
                f"; its last words:\n  {words}" if words else "."
            )


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
        waiting = select.poll()
        for process in self.processes:
            if not process.ended:
                waiting.register(process.fileno(), select.POLLIN)
        waiting.poll(timeout_s * 1000)
        for process in self.processes:
            process.poll()

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


def error_of(exit_code: int, text: str) -> LensloadError:
    """The error of the tree that ends with this exit code: how a refusal travels between processes."""
    kinds: dict[int, type[LensloadError]] = {kind.exit_code: kind for kind in (UsageError, InvalidRunError)}
    return kinds.get(exit_code, RefusedError)(text)


def _cause(code: int | None) -> str:
    if code is None:
        return "closed its link"
    if code < 0:
        return f"was killed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"

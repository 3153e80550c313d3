"""Many Locust workers in one process, whose generators and observers repeat a recording; `benchmarks/scaling.py` starts it.

    python benchmarks/standin_workers.py RECORDING WORKERS PARTITIONS PORT

When the master has told all to end, it prints what was on the wire as JSON.
"""

import dataclasses
import json
import sys
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, TypeAlias

import gevent
import msgpack
import numpy as np
from locust import argument_parser
from locust.env import Environment
from locust.event import Events
from locust.rpc.protocol import Message as LocustMessage
from locust.runners import STATE_RUNNING, STATE_SPAWNING
from numpy.typing import NDArray

from lensload.config.model import RunConfig
from lensload.delivery.bitmap import PAGE, Page, PageKey
from lensload.delivery.streams import LENS
from lensload.locust import options
from lensload.locust.audience import OrdinaryAudience
from lensload.locust.worker import LocustWorker
from lensload.observer.observer import shares
from lensload.processes import messages
from lensload.processes.envelope import PROCESSES, Envelope, Message, Parcel, ProcessName
from lensload.processes.supervisor import Forward, Supervisor
from lensload.schema.definitions import TOPIC_NAMES

Flags: TypeAlias = NDArray[np.bool_]

TIMES = ("now_ns", "from_ns", "produced_until_ns", "asked_until_ns")


class Wire:
    """Counts what this process sends to the master, and receives from it."""

    def __init__(self) -> None:
        self._counts = {"in": [0, 0], "out": [0, 0]}
        self._marks: dict[str, tuple[float, dict[str, tuple[int, ...]]]] = {}
        pack, unpack = LocustMessage.serialize, LocustMessage.unserialize

        def serialize(message: LocustMessage) -> bytes:
            packed = bytes(pack(message) or b"")
            self._count("in", packed)  # as the master sees it
            return packed

        def unserialize(packed: bytes) -> LocustMessage:
            self._count("out", packed)
            return unpack(packed)

        LocustMessage.serialize, LocustMessage.unserialize = serialize, staticmethod(unserialize)  # pyright: ignore[reportAttributeAccessIssue]

    def mark(self, name: str) -> None:
        """Remember the time, and the counts so far."""
        if name not in self._marks:
            self._marks[name] = time.time(), {way: tuple(counts) for way, counts in self._counts.items()}

    def figures(self, seconds: float) -> dict[str, float]:
        """What was sent between the marks `begin` and `drain`, for each of so many seconds, and what since; the marks' times."""
        (begin_s, before), (drain_s, after) = self._marks["begin"], self._marks["drain"]
        found = {"begin_s": begin_s, "drain_s": drain_s}
        for way, (_, all_bytes) in self._counts.items():
            (n0, b0), (n1, b1) = before[way], after[way]
            found[f"{way}_per_s"] = (n1 - n0) / seconds
            found[f"{way}_mb_per_s"] = (b1 - b0) / seconds / 1e6
            found[f"drain_{way}_mb"] = (all_bytes - b1) / 1e6
        return found

    def _count(self, way: str, packed: bytes) -> None:
        self._counts[way][0] += 1
        self._counts[way][1] += len(packed)


class Recording:
    """What one generator and one observer sent; times in it are moved to when a run begins."""

    def __init__(self, path: Path) -> None:
        start_ns, lanes, sent = msgpack.unpackb(path.read_bytes(), use_list=False)
        self.lanes: list[int] = list(lanes)
        self.timed: dict[ProcessName, list[tuple[int, Message]]] = {name: [] for name in PROCESSES}
        self.last: dict[ProcessName, list[Message]] = {name: [] for name in PROCESSES}
        self.ready: dict[ProcessName, Envelope] = {}
        self._start_ns: int = start_ns
        self._moved: dict[int, Envelope] = {}
        for at_ns, process, kind, body in sent:
            envelope = Envelope(kind, body)
            if envelope.holds(messages.Ready):
                self.ready[process] = envelope
            elif at_ns is None:
                self.last[process].append(envelope.opened())
            else:
                self.timed[process].append((at_ns - start_ns, envelope.opened()))

    def moved(self, message: Message, start_ns: int) -> Envelope:
        """A message as of a run that begins then; the same for all workers."""
        if id(message) not in self._moved:
            later_ns = start_ns - self._start_ns
            changed: dict[str, Any] = {
                name: getattr(message, name) + later_ns for name in TIMES if getattr(message, name, 0)
            }
            if isinstance(message, (messages.Report, messages.Drained)) and message.stats.origin_ns:
                origin_ns = message.stats.origin_ns + later_ns
                changed["stats"] = dataclasses.replace(message.stats, origin_ns=origin_ns)
            self._moved[id(message)] = dataclasses.replace(message, **changed).sealed()  # pyright: ignore[reportArgumentType]
        return self._moved[id(message)]


class Cast:
    """All stand-ins of a run.

    Args:
        recording: what they repeat.
        workers: how many there are.
        partitions: of each topic.
        wire: is told when the run begins, and when it is drained.

    Attributes:
        members: by the number of the worker.
        wire: the same.
        scheduled_s: how long the schedule is; 0 until that is known.
    """

    def __init__(self, recording: Recording, workers: int, partitions: int, wire: Wire) -> None:
        self.recording = recording
        self.members: dict[int, StandIn] = {}
        self.workers = workers
        self.wire = wire
        self.scheduled_s = 0.0
        self._parts: dict[tuple[int, int], Page] = {}
        self._last_seen: dict[PageKey, Page] = {}
        for message in recording.last["observer"]:
            if isinstance(message, messages.Pages):
                self._last_seen.update(message.pages)
        of = np.random.default_rng(1).integers(0, partitions, PAGE)  # the partition of each event of a page
        found = dict.fromkeys(TOPIC_NAMES, partitions)
        self._readers: dict[str, dict[int, Flags]] = defaultdict(dict)
        for index in range(workers):
            for topic, numbers in shares(found, index, workers).items():
                if numbers:
                    self._readers[topic][index] = np.isin(of, numbers)

    def show(self, pages: Mapping[PageKey, Page], lanes: dict[int, int]) -> None:
        """Let the observers see pages of a worker, each its part."""
        for key, page in pages.items():
            for reader in self._readers[LENS.topic(key[0])]:
                self.members[reader].seen[renamed(key, lanes)] = self._part(key, page, reader)

    def last_seen(self, reader: int) -> dict[PageKey, Page]:
        """What an observer has at hand at the end, of all workers' events."""
        mine = {
            key: self._part(key, page, reader)
            for key, page in self._last_seen.items()
            if reader in self._readers[LENS.topic(key[0])]
        }
        return {
            renamed(key, each.lanes): page for each in self.members.values() for key, page in mine.items()
        }

    def _part(self, key: PageKey, page: Page, reader: int) -> Page:
        """What an observer sees of a page; the same whoever wrote it."""
        place = (id(page), reader)
        if place not in self._parts:
            mine = self._readers[LENS.topic(key[0])][reader]
            bits = page.bits & np.packbits(mine, bitorder="little")
            self._parts[place] = Page(bits, np.where(mine, page.seals, np.uint32(0)))
        return self._parts[place]


class StandIn(Supervisor):
    """A generator and an observer that repeat the recording.

    Attributes:
        lanes: the lane of this worker in place of each lane of the recording.
        seen: pages that the observer has yet to tell of.
    """

    def __init__(self, forward: Forward, cast: Cast) -> None:
        self.processes = {}
        self.lanes: dict[int, int] = {}
        self.seen: dict[PageKey, Page] = {}
        self._forward = forward
        self._cast = cast
        self._number = 0
        self._start_ns = 0
        self._left: dict[ProcessName, deque[tuple[int, Message]]] = {}

    def launch(self, expected: RunConfig | None = None, *, forked: bool = False) -> None:
        """There is nothing to start."""

    def kill(self) -> None:
        """There is nothing to end."""

    def send(self, process: ProcessName, message: Message | Envelope) -> None:
        """Do what a process would."""
        recording = self._cast.recording
        match message.opened() if isinstance(message, Envelope) else message:
            case messages.ConfigureGenerator(lanes=lanes, worker=number):
                self._number = number
                self._cast.members[number] = self
                self.lanes = dict(zip(recording.lanes, lanes, strict=False))
                self._forward(process, recording.ready[process])
            case messages.ConfigureObserver():
                self._forward(process, recording.ready[process])
            case messages.Begin() as order:
                self._cast.wire.mark("begin")
                self._cast.scheduled_s = (order.end_ns - order.start_ns) / 1e9
                self._start_ns = order.start_ns
                self._left[process] = deque(recording.timed[process])
            case messages.Drain():
                self._cast.wire.mark("drain")
                self._drain(process)
            case _:
                pass

    def poll(self, timeout_s: float = 0.0) -> None:
        """Send what was sent by now; workers do so one after another within each second."""
        gevent.sleep(timeout_s)
        now_ns = time.time_ns() - self._start_ns - self._number * 1_000_000_000 // self._cast.workers
        for process, left in self._left.items():
            while left and left[0][0] <= now_ns:
                self._say(process, left.popleft()[1])

    def _drain(self, process: ProcessName) -> None:
        for _, message in self._left.pop(process, ()):
            self._say(process, message)
        if process == "observer":
            self.seen.update(self._cast.last_seen(self._number))
        for message in self._cast.recording.last[process]:
            if process == "generator" or not isinstance(message, messages.Pages):
                self._say(process, message)

    def _say(self, process: ProcessName, message: Message) -> None:
        """Send a message of the recording; pages are renamed, or seen by those who read them."""
        if not isinstance(message, messages.Pages):
            if self.seen and process == "observer":
                self._forward(process, messages.Pages("seen", self.seen).sealed())
                self.seen = {}
            self._forward(process, self._cast.recording.moved(message, self._start_ns))
        elif process == "observer":
            self._cast.show(message.pages, self.lanes)
        else:
            pages = {renamed(key, self.lanes): page for key, page in message.pages.items()}
            self._forward(process, messages.Pages(message.kind, pages).sealed())


class OnItsOwnHost(LocustWorker):
    """A worker whose clock the master has to ask for."""

    host = ""

    def join(self) -> None:
        """Ask for a part, from a host that no other worker is on."""
        self._post(Parcel(0, 0, None, messages.Join(self.host).sealed()))


def renamed(key: PageKey, lanes: dict[int, int]) -> PageKey:
    """The page of the same topic and place of another lane."""
    lane, topic = divmod(key[0], len(LENS.topics))
    return lanes[lane] * len(LENS.topics) + topic, key[1]


def main(path: Path, workers: int, partitions: int, port: int) -> None:
    """Take part in one run, and print what was on the wire."""
    wire = Wire()
    cast = Cast(Recording(path), workers, partitions, wire)
    everybody: list[OnItsOwnHost] = []
    # Locust makes a parser for each option when a worker is told to spawn. Here one process would do that for all.
    options.keep_defaults()
    parser = argument_parser.get_empty_argument_parser()
    argument_parser.setup_parser_arguments(parser)
    parsed = parser.parse_args(args=[])
    for number in range(workers):
        environment = Environment(
            user_classes=[OrdinaryAudience], events=Events(), parsed_options=copy(parsed)
        )
        runner = environment.create_worker_runner("127.0.0.1", port)
        worker = OnItsOwnHost(environment, lambda forward: StandIn(forward, cast))
        worker.host = f"host {number}"
        environment.events.test_start.add_listener(lambda worker=worker, **_: worker.join())
        if runner.worker_state in (STATE_SPAWNING, STATE_RUNNING):
            worker.join()
        everybody.append(worker)
    while not cast.scheduled_s or not all(worker.over for worker in everybody):
        gevent.sleep(0.2)
    gevent.sleep(1)  # until what was sent last is on its way
    print(json.dumps(wire.figures(cast.scheduled_s)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]))

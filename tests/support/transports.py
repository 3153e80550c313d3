"""A transport without processes, whose workers do what a test says, by a clock that moves only while somebody waits."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from lensload.config.model import RunConfig
from lensload.coordinator.coordinator import Coordinator
from lensload.coordinator.listeners import Listener
from lensload.coordinator.run_result import Cluster
from lensload.ids import NS_PER_S
from lensload.metrics.by_second import ASKED, StatsBySecond
from lensload.processes.envelope import Message, Parcel, ProcessName
from lensload.processes.messages import (
    AskClock,
    Begin,
    ClockReading,
    ConfigureGenerator,
    ConfigureObserver,
    Drain,
    End,
    Ended,
    GeneratorDrained,
    GeneratorReport,
    Join,
    ObserverDrained,
    ObserverReport,
    Playing,
    RateSet,
    Ready,
    Scheduled,
    SetRate,
)
from lensload.world.behaviour import Behaviour

TOPIC = "user-interactions"
SECOND_NS = 1_000_000_000
START_NS = 1_772_600_000 * SECOND_NS


class FakeWorker:
    """A worker that does its part without fault, unless told to leave something out.

    Attributes:
        received: what it was sent, with the process each message was for.
        mute: kinds of messages that it never sends.
        silent: it sends nothing at all.
        clock_ahead_ns: by how much its clock is ahead of the coordinator's.
        seen_per_s: how many events its observer sees in a second.
        acked_per_s: how many of the ten that it produces in a second are acknowledged.
    """

    def __init__(self, transport: "FakeTransport", name: str) -> None:
        self.name = name
        self.received: list[tuple[ProcessName | None, Message]] = []
        self.mute: set[type[Message]] = set()
        self.silent = False
        self.clock_ahead_ns = 0
        self.seen_per_s = 10
        self.acked_per_s = 0
        self._transport = transport
        self._run = 0
        self._sent = 0
        self._schedule: Begin | None = None
        self._has_observer = False
        self._rate_per_s: float | None = None

    def join(self, host: str = "here") -> None:
        """Ask for a part in the run."""
        self._transport.deliver(self.name, Parcel(0, 0, None, Join(host).sealed()))

    def say(self, message: Message, process: ProcessName | None = None, *, skipped: int = 0) -> None:
        """Send a message; `skipped` before it got lost."""
        if self.silent or type(message) in self.mute:
            return
        self._sent += 1 + skipped
        self._transport.deliver(self.name, Parcel(self._run, self._sent, process, message.sealed()))

    def receive(self, parcel: Parcel) -> None:  # noqa: C901 - a case a message
        """Do what a good worker does."""
        if parcel.run != self._run:
            self._run, self._sent = parcel.run, 0
        message = parcel.envelope.opened()
        self.received.append((parcel.process, message))
        match message:
            case ConfigureGenerator():
                self._rate_per_s = message.rate_per_s
                self.say(Ready({"schema_ids": {}}), "generator")
            case ConfigureObserver():
                self._has_observer = True
                self.say(Ready({}), "observer")
            case Begin():
                self._schedule = message
                users = {} if self._rate_per_s else {Behaviour(): 1}
                if parcel.process == "generator":
                    rates = {Behaviour(): self._rate_per_s or 7.0}
                    self.say(Playing(message.start_ns, rates, users), "generator")
            case Drain() if parcel.process == "generator":
                stats = self.counted("produced", 1)
                self._schedule = None
                self.say(
                    GeneratorDrained(stats, 0, self._transport.now_ns(), self._transport.now_ns()),
                    "generator",
                )
            case Drain():
                self.say(ObserverDrained(StatsBySecond(), complete=True), "observer")
            case SetRate(number):
                self.say(RateSet(number, self._transport.now_ns() + 40_000_000), "generator")
            case AskClock(asked_ns):
                self.answer_clock(asked_ns)
            case End():
                self.say(Ended())
            case _:
                pass

    def answer_clock(self, asked_ns: int) -> None:
        """Tell the time by its own clock."""
        self.say(ClockReading(asked_ns, self._transport.now_ns() + self.clock_ahead_ns))

    def second(self) -> None:
        """A second has passed: report ten events, and that all is done once it is."""
        now_ns = self._transport.now_ns()
        if self._schedule is None:
            return
        if self._has_observer:
            self.say(ObserverReport(self.counted("observed", self.seen_per_s), now_ns, 0), "observer")
        if now_ns >= self._schedule.start_ns:
            stats = self.counted("produced", 10)
            stats.add(self.counted("acked", self.acked_per_s))
            stats.of(self._second()).add_total(ASKED, 10.0)
            self.say(GeneratorReport(stats, now_ns, 0, 10.0, 10.0, 0, 0, 1), "generator")
        if 0 < self._schedule.end_ns <= now_ns:
            self.say(Scheduled(), "generator")

    def counted(self, name: str, events: int) -> StatsBySecond:
        """A report of so many events that were due half a second ago."""
        return counted(name, events, self._second())

    def _second(self) -> int:
        schedule = self._schedule
        due_ns = self._transport.now_ns() - NS_PER_S // 2
        return (due_ns - schedule.measure_from_ns) // NS_PER_S if schedule else 0


class FakeTransport:
    """Carries parcels between a coordinator and fake workers.

    Args:
        names: of the workers that are present at the start.
    """

    def __init__(self, *names: str) -> None:
        self.fakes = {name: FakeWorker(self, name) for name in names}
        self.lost: set[str] = set()
        self.receive: Callable[[str, Parcel], None] | None = None
        self._at: dict[int, list[Callable[[], None]]] = defaultdict(list)
        self._now_ns = START_NS

    @property
    def workers(self) -> Sequence[str]:
        """Those that are present at the start."""
        return list(self.fakes)

    def is_lost(self, worker: str) -> bool:
        """Whether the test has lost it."""
        return worker in self.lost

    def send(self, worker: str, parcel: Parcel) -> None:
        """At once."""
        self.fakes[worker].receive(parcel)

    def wait(self, timeout_s: float) -> None:
        """Let a tenth of a second pass, and what happens in it."""
        del timeout_s
        self._now_ns += SECOND_NS // 10
        tenths = (self._now_ns - START_NS) * 10 // SECOND_NS
        for action in self._at.pop(tenths, []):
            action()
        if tenths % 10 == 0:
            for worker in list(self.fakes.values()):
                if worker.name not in self.lost:
                    worker.second()

    def wake(self) -> None:
        """Nobody sleeps."""

    def deliver(self, worker: str, parcel: Parcel) -> None:
        """A worker's parcel arrives."""
        assert self.receive is not None
        self.receive(worker, parcel)

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something when so many seconds have passed."""
        self._at[round(seconds * 10)].append(action)

    def late(self, name: str) -> FakeWorker:
        """A worker that was not there at the start."""
        self.fakes[name] = FakeWorker(self, name)
        return self.fakes[name]

    def now_ns(self) -> int:
        """The wall clock."""
        return self._now_ns

    def monotonic_s(self) -> float:
        """The other clock."""
        return (self._now_ns - START_NS) / SECOND_NS


def counted(name: str, events: int, second: int = 0) -> StatsBySecond:
    """A report of so many events that were due in a second."""
    by_second = StatsBySecond()
    by_second.of(second).count(TOPIC, name, events)
    return by_second


def coordinated(
    transport: FakeTransport, *listeners: Listener, rate_per_s: float | None = 40.0, **config: object
) -> Coordinator:
    """A coordinator of a run of three seconds on this transport, whose workers have yet to join."""
    settings = RunConfig().changed(**{"duration_s": 3, "warmup_s": 1, "drain_timeout_s": 2, **config})
    coordinator = Coordinator(
        transport,
        settings,
        listeners,
        cluster=Cluster("127.0.0.1:1", embedded=True),
        rate_per_s=rate_per_s,
        open_ended=settings.load.duration_s is None,
        now_ns=transport.now_ns,
        monotonic_s=transport.monotonic_s,
    )
    transport.receive = coordinator.receive
    return coordinator

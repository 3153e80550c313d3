"""Every message between the processes of a run: from the coordinator through a worker to its processes, and back.

Each kind is a frozen dataclass. In transit a message is an `Envelope`: its kind in plain sight, its content packed.
A worker forwards the envelopes between the coordinator and its processes unopened; it opens only its own.

    coordinator -> generator, observer    Configure…, Begin, Drain; Audience, SetRate (generator), Settled (observer)
    generator, observer -> coordinator    Ready, …Report, Used, Pages, Replies and Groups (observer), Notice, RateSet, Scheduled (generator), …Drained, Refused
    coordinator -> worker                 Assign, AskClock, End
    worker -> coordinator                 Join, ClockReading, Died, Ended, Notice

Who receives them: `obey` of generator and observer (`*/process.py`), `worker.py`, and `coordinator/intake.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Literal, NamedTuple, Self

import msgpack

from lensload.config.model import RunConfig
from lensload.delivery.bitmap import Page, PageKey
from lensload.delivery.reconcile import Kind
from lensload.errors import InvalidRunError, LensloadError, RefusedError, UsageError
from lensload.metrics.cost import Cost
from lensload.metrics.stats import Tally
from lensload.world.behaviour import Behaviour

ProcessName = Literal["generator", "observer"]
PROCESSES: Final[tuple[ProcessName, ...]] = ("generator", "observer")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message in transit.

    Attributes:
        kind: the name of the message's class.
        body: its packed fields.
    """

    kind: str
    body: bytes

    def holds(self, *kinds: "type[Message]") -> bool:
        """Whether the message is of one of these kinds."""
        return any(self.kind == kind.__name__ for kind in kinds)

    def opened(self) -> "Message":
        """The message.

        Raises:
            ValueError: there is no such kind of message.
            UsageError: it holds a configuration with a value out of range.
        """
        kind = Message.kinds.get(self.kind)
        if kind is None:
            raise ValueError(f"There is no kind of message {self.kind!r}.")
        return kind(*_unpacked(self.body))


class Message:
    """The base of all messages; subclasses are frozen dataclasses. NumPy scalars in them become plain numbers.

    Tuples arrive as tuples, and so do lists.
    """

    kinds: ClassVar[dict[str, type["Message"]]] = {}
    is_last: ClassVar[bool] = False
    """Whether a process sends nothing more after it."""

    def __init_subclass__(cls) -> None:
        Message.kinds[cls.__name__] = cls

    def __init__(self, *values: object) -> None:  # a dataclass makes its own
        raise NotImplementedError

    def sealed(self) -> Envelope:
        """The message, packed.

        Raises:
            TypeError: a field holds what cannot be packed.
        """
        values = [getattr(self, field.name) for field in fields(self)]  # pyright: ignore[reportArgumentType]
        return Envelope(type(self).__name__, _packed(values))


@dataclass(frozen=True, slots=True)
class Parcel:
    """An envelope between the coordinator and a worker.

    Attributes:
        run: the number of the run it belongs to; 0 for a worker that joins.
        number: its place among the parcels that a worker sent in this run, from 1; 0 from the coordinator.
        process: which process of the worker sends or receives the message; None: the worker itself.
        envelope: the message.
    """

    run: int
    number: int
    process: ProcessName | None
    envelope: Envelope

    def to_wire(self) -> list[Any]:
        """A list that msgpack can carry."""
        return [self.run, self.number, self.process, self.envelope.kind, self.envelope.body]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        """What `to_wire` gave, again."""
        run, number, process, kind, body = wire
        return cls(run, number, process, Envelope(kind, body))


@dataclass(frozen=True)
class Configure(Message):
    """What to do, for a process of a run.

    Attributes:
        config: the run's configuration.
        bootstrap_servers: where the cluster is, the embedded one's address filled in.
        registry_url: where the registry is, or mock://.
        embedded: whether the cluster is the embedded one.
        run_tag: goes into every id of the run.
    """

    config: RunConfig
    bootstrap_servers: str
    registry_url: str
    embedded: bool
    run_tag: int

    @property
    def names(self) -> dict[str, str]:
        """Each topic's name in the cluster, the prefix included."""
        return {topic: self.config.cluster.topic_prefix + topic for topic in self.config.written_topics}


@dataclass(frozen=True)
class ConfigureGenerator(Configure):
    """What a generator is to do.

    Attributes:
        lanes: its part of the audience.
        worker: the number of its worker.
        rate_per_s: the events it makes per second, by an ordinary audience; None: `Audience` messages say.
    """

    lanes: Sequence[int]
    worker: int
    rate_per_s: float | None


@dataclass(frozen=True)
class ConfigureObserver(Configure):
    """What an observer is to do: it reads share `share_index` of `share_count` of the partitions."""

    share_index: int
    share_count: int


@dataclass(frozen=True)
class Begin(Message):
    """The schedule, in Unix nanoseconds; `end_ns` is 0 for a run without an end."""

    start_ns: int
    measure_from_ns: int
    end_ns: int


@dataclass(frozen=True)
class Audience(Message):
    """Whom a generator plays from now on: how many events per second each behaviour makes, by how many Locust users."""

    rates_per_s: dict[Behaviour, float]
    users: dict[Behaviour, int]


@dataclass(frozen=True)
class Playing(Message):
    """Whom a generator plays from `from_ns` on (Unix nanoseconds): an `Audience`'s content; `users` is empty without Locust."""

    from_ns: int
    rates_per_s: dict[Behaviour, float]
    users: dict[Behaviour, int]


@dataclass(frozen=True)
class SetRate(Message):
    """A generator makes so many events per second, whatever its audience adds up to; None: what that adds up to.

    Attributes:
        number: of the change, for the answer.
        rate_per_s: the part of this generator.
    """

    number: int
    rate_per_s: float | None


@dataclass(frozen=True)
class RateSet(Message):
    """The answer to `SetRate`: events due from `from_ns` on (Unix nanoseconds) follow the new rate."""

    number: int
    from_ns: int


@dataclass(frozen=True)
class Settled(Message):
    """Pages of the ledger in which nothing is open: an observer may forget them."""

    pages: Sequence[PageKey]


@dataclass(frozen=True)
class Drain(Message):
    """Finish what is under way, report it, and end."""


@dataclass(frozen=True)
class Ready(Message):
    """A process can begin. `conditions`: what it found out about its surroundings."""

    conditions: Mapping[str, Any]


@dataclass(frozen=True)
class Report(Message):
    """What a process has measured since its last report.

    Attributes:
        stats: counts and latencies.
        now_ns: when, Unix nanoseconds.
        clock_step_ns: by how much the process's wall clock has been set since it started.
    """

    stats: Tally
    now_ns: int
    clock_step_ns: int


@dataclass(frozen=True)
class GeneratorReport(Report):
    """A generator's report.

    Attributes:
        target_per_s: the rate asked for now.
        achieved_per_s: events produced per second since the last report.
        queue: events in the producer's queue.
        behind_ns: how late the most overdue event is.
        rss_bytes: the process's resident memory.
        cpu_ns: the processor time that the process has used since it started.
        due: how many measured events were due by now.
    """

    target_per_s: float
    achieved_per_s: float
    queue: int
    behind_ns: int
    rss_bytes: int
    cpu_ns: int = 0
    due: float = 0.0


@dataclass(frozen=True)
class ObserverReport(Report):
    """An observer's report; `rss_bytes` and `cpu_ns` as of a generator."""

    rss_bytes: int = 0
    cpu_ns: int = 0


@dataclass(frozen=True)
class Pages(Message):
    """Pages of a process's ledger, each replacing what the process sent of that page before.

    Attributes:
        kind: what the pages are of.
        pages: the pages.
    """

    kind: Kind
    pages: Mapping[PageKey, Page]


@dataclass(frozen=True)
class Replies(Message):
    """Requests and answers of a service under test that an observer has read since its last such message.

    Attributes:
        requests: rows of `lensload.service.records.REQUEST`.
        answers: rows of `lensload.service.records.ANSWER`.
        totals: what else was met on the topic of the answers, by name: see `lensload.service.records.STRANGE`.
    """

    requests: bytes
    answers: bytes
    totals: Mapping[str, int]


@dataclass(frozen=True)
class Groups(Message):
    """What an observer has seen of the watched consumer groups: see `lensload.service.group_watch.Sample`."""

    samples: Sequence[Any]


@dataclass(frozen=True)
class Used(Message):
    """What the measured time has cost a process so far; each replaces the one before."""

    cost: Cost


@dataclass(frozen=True)
class Notice(Message):
    """A text that a person should see now."""

    text: str


@dataclass(frozen=True)
class Scheduled(Message):
    """A generator has produced everything that was due."""


@dataclass(frozen=True)
class Drained(Message):
    """The last message of a process that was drained: what it measured since its last report."""

    is_last = True
    stats: Tally


@dataclass(frozen=True)
class GeneratorDrained(Drained):
    """A generator's last message.

    Attributes:
        unflushed: events without a delivery report.
        produced_until_ns: when the last event was handed to the producer, Unix nanoseconds.
    """

    unflushed: int
    produced_until_ns: int


@dataclass(frozen=True)
class ObserverDrained(Drained):
    """An observer's last message. `complete`: it has read to where the partitions end."""

    complete: bool


@dataclass(frozen=True)
class Refused(Message):
    """A process cannot go on; its last message."""

    is_last = True
    exit_code: int
    text: str

    @property
    def error(self) -> LensloadError:
        """The error that ends with this exit code."""
        kinds: dict[int, type[LensloadError]] = {
            kind.exit_code: kind for kind in (UsageError, InvalidRunError)
        }
        return kinds.get(self.exit_code, RefusedError)(self.text)


@dataclass(frozen=True)
class Died(Message):
    """A process ended without a last message; `text` says how, as far as its worker knows."""

    text: str


@dataclass(frozen=True)
class Join(Message):
    """A worker takes part, and asks for its part. `host`: which clock it goes by."""

    host: str


@dataclass(frozen=True)
class Assign(Message):
    """A worker takes part in a new run.

    Attributes:
        user_rate_per_s: events per second of a Locust user that sets no rate.
        drain_timeout_s: how long its processes may take to drain.
    """

    user_rate_per_s: float
    drain_timeout_s: float


@dataclass(frozen=True)
class AskClock(Message):
    """What does the worker's clock say? `asked_ns`: what the coordinator's says, Unix nanoseconds."""

    asked_ns: int


@dataclass(frozen=True)
class ClockReading(Message):
    """The answer to `AskClock`."""

    asked_ns: int
    worker_ns: int


@dataclass(frozen=True)
class End(Message):
    """A worker ends its processes, drained or not."""


@dataclass(frozen=True)
class Ended(Message):
    """A worker's processes have ended, and everything they sent has been forwarded."""


class _Sent(NamedTuple):
    """A class whose objects messages hold: what one is sent as, and how it is made of that again."""

    kind: type[Any]
    to_plain: Callable[[Any], object]
    of_plain: Callable[[Any], object]


_SENT: Final = (
    _Sent(Tally, Tally.to_wire, Tally.from_wire),
    _Sent(Behaviour, Behaviour.as_dict, Behaviour.from_dict),
    _Sent(RunConfig, RunConfig.as_dict, lambda values: RunConfig.of(**values)),
    _Sent(Page, Page.to_wire, Page.from_wire),
)


def _packed(value: object) -> bytes:
    return bytes(msgpack.packb(value, default=_pack_object) or b"")


def _pack_object(value: object) -> object:
    for code, sent in enumerate(_SENT):
        if isinstance(value, sent.kind):
            return msgpack.ExtType(code, _packed(sent.to_plain(value)))
    item = getattr(value, "item", None)
    if item is None:
        raise TypeError(f"A message cannot hold a {type(value).__name__}: {value!r}")
    return item()


def _unpacked(packed: bytes) -> Any:  # noqa: ANN401 - whatever was packed
    return msgpack.unpackb(
        packed,
        use_list=False,
        strict_map_key=False,
        ext_hook=lambda code, inner: _SENT[code].of_plain(_unpacked(inner)),
    )

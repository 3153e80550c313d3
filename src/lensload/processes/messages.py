"""Every message between the processes of a run: from the coordinator through a worker to its processes, and back.

Each kind is a frozen dataclass; `envelope.py` packs it. A worker forwards the envelopes between the coordinator and its
processes unopened; it opens only its own.

    worker -> generator, observer         Expect
    coordinator -> generator, observer    Configure…, Begin, Drain; Audience, SetRate (generator), Settled (observer)
    generator, observer -> coordinator    Ready, …Report, Used, Pages, Notice, …Drained, Refused
    generator -> coordinator              Playing, RateSet, Scheduled
    observer -> coordinator               Replies, Groups
    coordinator -> worker                 Assign, AskClock, End
    worker -> coordinator                 Join, ClockReading, Died, Ended, Notice

Who receives them: `obey` of generator and observer (`*/process.py`), `worker.py`, and `coordinator/inbox.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from lensload.config.model import RunConfig
from lensload.delivery.bitmap import Page, PageKey
from lensload.delivery.reconcile import Kind
from lensload.delivery.streams import Streams
from lensload.encoding import stopwatch
from lensload.errors import InvalidRunError, LensloadError, RefusedError, UsageError
from lensload.metrics.by_second import StatsBySecond
from lensload.metrics.cost import Cost
from lensload.processes.envelope import Message
from lensload.world.behaviour import Behaviour


@dataclass(frozen=True)
class Expect(Message):
    """A run of this configuration is sure to come: what depends on nothing else can be made meanwhile."""

    config: RunConfig


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

    @property
    def streams(self) -> Streams:
        """How the run's events are numbered."""
        workload = self.config.load.workload
        return Streams.of(
            self.config.known_topics, stopwatch.readers(workload), stopwatch.id_headers(workload)
        )


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
        stats: counts and latencies, by the second in which events were due.
        now_ns: when, Unix nanoseconds.
        clock_step_ns: by how much the process's wall clock has been set since it started.
    """

    stats: StatsBySecond
    now_ns: int
    clock_step_ns: int

    def without_stats(self) -> Self:
        """The same without its stats, whose histograms take some megabytes: what may be kept."""
        return replace(self, stats=StatsBySecond())


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
    stats: StatsBySecond


@dataclass(frozen=True)
class GeneratorDrained(Drained):
    """A generator's last message.

    Attributes:
        unflushed: events without a delivery report.
        produced_until_ns: when the last event was handed to the producer, Unix nanoseconds.
        asked_until_ns: when its schedule ended, or was stopped, Unix nanoseconds.
    """

    unflushed: int
    produced_until_ns: int
    asked_until_ns: int


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

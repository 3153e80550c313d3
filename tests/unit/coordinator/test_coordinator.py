"""A run as its coordinator conducts it, with workers that do what each test says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensload import clock
from lensload.coordinator.coordinator import Coordinator
from lensload.coordinator.listeners import Listener
from lensload.coordinator.recorder import Recorder
from lensload.errors import InvalidRunError, RefusedError, UsageError
from lensload.processes.envelope import Message, ProcessName
from lensload.processes.messages import (
    Begin,
    ConfigureGenerator,
    ConfigureObserver,
    Died,
    Drain,
    End,
    Ended,
    GeneratorDrained,
    GeneratorReport,
    Notice,
    ObserverDrained,
    Ready,
    Refused,
    Scheduled,
    SetRate,
)
from lensload.results.run import Run, total
from lensload.results.snapshot import Snapshot
from lensload.verdict.verdict import codes
from lensload.world.behaviour import Behaviour
from tests.support.locusts import check_accounts
from tests.support.transports import START_NS, TOPIC, FakeTransport, FakeWorker, coordinated, counted


class Heard(Listener):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.seconds: list[Snapshot] = []
        self.produced = 0
        self.results: list[Run] = []

    def started(self, recorder: Recorder) -> None:
        """Count what is in it."""
        self.recorder = recorder

    def second(self, snapshot: Snapshot) -> None:
        """Keep it."""
        self.seconds.append(snapshot)
        self.produced += self.recorder.came.counts.get(TOPIC, {}).get("produced", 0)

    def result(self, result: Run) -> None:
        """Keep it."""
        self.results.append(result)


def join(transport: FakeTransport) -> None:
    for worker in transport.fakes.values():
        worker.join(clock.host())


def through(coordinator: Coordinator) -> Run:
    """The whole run, from when its workers have joined."""
    coordinator.await_ready()
    coordinator.begin()
    coordinator.await_end()
    coordinator.drain()
    return coordinator.conclude()


def sent_to(worker: FakeWorker, kind: type[Message]) -> list[ProcessName | None]:
    return [process for process, message in worker.received if isinstance(message, kind)]


def test_a_run_goes_from_ready_to_its_result_and_listeners_follow_it() -> None:
    """Everything that any process reports is counted once, in the result and for each listener, the drain included."""
    transport, heard = FakeTransport("a", "b"), Heard()
    coordinator = coordinated(transport, heard)
    join(transport)
    run = through(coordinator)
    produced = run["topics"][TOPIC]["produced"]
    assert produced == heard.produced
    assert produced == heard.seconds[-1].produced
    assert produced % 10 == 2, "the drain's events count too"
    assert not run["cut_short"]
    assert run["measured_s"] == 3.0
    assert heard.results == [run]
    assert {snapshot.phase for snapshot in heard.seconds} >= {"warm-up", "measuring", "draining"}
    assert len(run["conditions"]["workers"]) == 2
    assert run["conditions"]["workers"][0]["generator"] == {"schema_ids": {}}


def test_every_worker_has_its_part_of_the_rate_and_the_schedule() -> None:
    """The rate is divided evenly, lanes and partitions exactly once, and all start together after a lead."""
    transport = FakeTransport("a", "b")
    coordinator = coordinated(transport)
    join(transport)
    coordinator.await_ready()
    coordinator.begin()
    orders = [message for fake in transport.fakes.values() for _, message in fake.received]
    generators = [order for order in orders if isinstance(order, ConfigureGenerator)]
    assert [order.rate_per_s for order in generators] == [20.0, 20.0]
    assert sorted(lane for order in generators for lane in order.lanes) == list(range(64))
    shares = [
        (order.share_index, order.share_count) for order in orders if isinstance(order, ConfigureObserver)
    ]
    assert shares == [(0, 2), (1, 2)]
    begins = [order for order in orders if isinstance(order, Begin)]
    assert len(begins) == 4
    assert len(set(begins)) == 1
    assert begins[0].start_ns > START_NS
    assert begins[0].measure_from_ns - begins[0].start_ns == 10**9


def test_a_rate_set_by_hand_is_shared_noted_and_given_back() -> None:
    """Each generator present has its part, also of what a lost one had; the run file says when, and how fast it took."""
    transport = FakeTransport("a", "b")
    coordinator = coordinated(transport)
    join(transport)
    transport.at(1.5, lambda: coordinator.set_rate(80.0))
    transport.at(2.5, lambda: transport.lost.add("b"))
    transport.at(3.5, lambda: coordinator.set_rate(None))
    run = through(coordinator)
    parts = [m.rate_per_s for _, m in transport.fakes["a"].received if isinstance(m, SetRate)]
    assert parts == [40.0, 80.0, None]
    changes = run.get("rate_changes", [])
    assert [(change["rate_per_s"], change["took_s"]) for change in changes] == [(80.0, 0.04), (None, 0.04)]
    assert 1.0 < changes[0]["at_s"] < 1.6
    assert "rate_changed" in codes(run["reasons"])


def test_a_rate_set_before_the_start_is_what_the_run_begins_with() -> None:
    """A generator is told only once it is configured, and no change is remarked on where there was none to see."""
    transport = FakeTransport("a")
    coordinator = coordinated(transport, rate_per_s=None)
    coordinator.set_rate(30.0)
    join(transport)
    run = through(coordinator)
    received = [message for _, message in transport.fakes["a"].received]
    (told,) = (message for message in received if isinstance(message, SetRate))
    assert told.rate_per_s == 30.0
    assert received.index(told) > next(i for i, m in enumerate(received) if isinstance(m, ConfigureGenerator))
    assert run.get("rate_changes") == [{"at_s": 0.0, "rate_per_s": 30.0, "took_s": 0.0}]
    assert "rate_changed" not in codes(run["reasons"])


def test_without_a_rate_the_users_of_each_worker_decide() -> None:
    """Locust's users are the source of the rate where none was given."""
    transport = FakeTransport("a")
    coordinated(transport, rate_per_s=None, user_rate=7)
    join(transport)
    (order,) = (m for _, m in transport.fakes["a"].received if isinstance(m, ConfigureGenerator))
    assert order.rate_per_s is None


@pytest.mark.parametrize(
    ("rate_per_s", "kind", "unused"),
    [
        (40.0, {"users": None, "events_per_s": 40.0}, "user_rate"),
        (None, {"users": 2, "events_per_s": 14.0}, "rate"),
    ],
)
def test_the_conditions_say_who_the_audience_was(
    rate_per_s: float | None, kind: dict[str, object], unused: str
) -> None:
    """All workers' kinds with parameters, users and rate; the rate that decided nothing is not there."""
    transport = FakeTransport("a", "b")
    coordinator = coordinated(transport, rate_per_s=rate_per_s, user_rate=7)
    join(transport)
    conditions = through(coordinator)["conditions"]
    (gathering,) = conditions["audience"]
    assert gathering["kinds"] == [{"behaviour": Behaviour().as_dict(), **kind}]
    assert (gathering["from_s"], unused in conditions["configuration"]) == (1.0, False)


def test_generators_are_drained_before_observers() -> None:
    """An observer is asked for its last message only when no generator can send any more."""
    transport = FakeTransport("a", "b")
    transport.fakes["b"].mute.add(GeneratorDrained)
    coordinator = coordinated(transport)
    join(transport)
    coordinator.await_ready()
    coordinator.begin()
    asked: list[int] = []

    def answer() -> None:
        asked.append(len(sent_to(transport.fakes["a"], Drain)))
        transport.fakes["b"].mute.clear()
        transport.fakes["b"].say(GeneratorDrained(counted("produced", 1), 0, 0, 0), "generator")

    transport.at(1.5, answer)
    coordinator.drain()
    assert asked == [1]
    assert [sent_to(fake, Drain) for fake in transport.fakes.values()] == [["generator", "observer"]] * 2
    assert sent_to(transport.fakes["a"], End) == [None]
    assert coordinator.conclude()["cut_short"]


def test_a_process_that_is_never_ready_is_named_with_the_addresses() -> None:
    """Nobody waits longer than the budget, and the message names who is late and both addresses."""
    transport = FakeTransport("a", "b")
    transport.fakes["b"].mute.add(Ready)
    coordinator = coordinated(transport)
    join(transport)
    with pytest.raises(RefusedError, match=r"worker 1 .*127\.0\.0\.1:1.*mock:"):
        coordinator.await_ready()


@pytest.mark.parametrize(("code", "error"), [(2, UsageError), (4, RefusedError), (3, InvalidRunError)])
def test_a_refusal_before_the_run_is_raised_with_its_code(code: int, error: type[Exception]) -> None:
    """What a process cannot have reaches a person with the exit code it asked for, and the run has no schedule."""
    transport = FakeTransport("a")
    transport.fakes["a"].mute.add(Ready)
    coordinator = coordinated(transport)
    join(transport)
    transport.at(1, lambda: transport.fakes["a"].say(Refused(code, "no broker at nowhere:1"), "observer"))
    with pytest.raises(error, match="no broker at nowhere:1"):
        coordinator.await_ready()
    coordinator.drain()
    assert coordinator.recorder.times is None
    assert sent_to(transport.fakes["a"], Drain) == [], "nothing to drain"
    assert sent_to(transport.fakes["a"], End) == [None]


def test_a_process_that_dies_before_the_run_ends_it() -> None:
    """A worker that cannot start its processes is no run, and not one that waits out its budget."""
    transport = FakeTransport("a")
    transport.fakes["a"].mute.add(Ready)
    coordinator = coordinated(transport)
    join(transport)
    transport.at(1, lambda: transport.fakes["a"].say(Died("The generator was killed."), "generator"))
    with pytest.raises(InvalidRunError, match=r"The generator was killed\."):
        coordinator.await_ready()
    assert transport.monotonic_s() < 2


def test_a_process_that_dies_invalidates_the_run_and_the_rest_is_kept() -> None:
    """Figures with a hole in them are marked; the other process is drained, and nobody waits for the dead one."""
    transport, heard = FakeTransport("a"), Heard()
    transport.fakes["a"].mute.add(GeneratorDrained)
    coordinator = coordinated(transport, heard)
    join(transport)
    text = "The generator process was killed (SIGKILL)."
    transport.at(2, lambda: transport.fakes["a"].say(Died(text), "generator"))
    run = through(coordinator)
    assert run["verdict"] == "invalid"
    assert run["topics"][TOPIC]["observed"] > 0
    assert any(text in snapshot.notices for snapshot in heard.seconds[:-1]), "told while the run goes on"
    assert transport.monotonic_s() < 6


def test_a_lost_worker_is_told_of_and_the_others_drain() -> None:
    """A worker that is lost takes its part with it; nobody waits for it, and the run says what is missing."""
    transport = FakeTransport("a", "b")
    coordinator = coordinated(transport)
    join(transport)
    transport.at(2, lambda: transport.lost.add("b"))
    run = through(coordinator)
    assert run["verdict"] == "invalid"
    assert [(each.code, "Worker 1 " in each.text) for each in coordinator.recorder.missing] == [
        ("worker_lost", True)
    ]
    assert sent_to(transport.fakes["b"], Drain) == []
    assert sent_to(transport.fakes["b"], End) == [None], "it may come back"
    assert not coordinator.workers.all_lost()
    assert sent_to(transport.fakes["a"], Drain) == ["generator", "observer"]
    assert coordinator.recorder.target_per_s == 0, "its last rate no longer counts, nor that of who has left"


def test_a_silent_worker_is_told_of_and_so_is_its_return() -> None:
    """A worker that hangs is noticed while the run goes on, once."""
    transport, heard = FakeTransport("a", "b"), Heard()
    coordinator = coordinated(transport, heard, duration_s=12)
    join(transport)

    def set_silent(silent: bool) -> None:
        transport.fakes["b"].silent = silent

    transport.at(2, lambda: set_silent(True))
    transport.at(7, lambda: set_silent(False))
    through(coordinator)
    notices = [text for snapshot in heard.seconds for text in snapshot.notices]
    assert ["Worker 1 " in text for text in notices] == [True, True]


def test_a_drain_that_takes_too_long_ends_and_names_who_is_missing() -> None:
    """The drain has a budget of its own; what has been reported is kept."""
    transport = FakeTransport("a")
    transport.fakes["a"].mute |= {GeneratorDrained, ObserverDrained}
    coordinator = coordinated(transport)
    join(transport)
    run = through(coordinator)
    missing = coordinator.recorder.missing
    assert [each.code for each in missing] == ["drain_timeout"] * 2
    assert ["generator" in missing[0].text, "observer" in missing[1].text] == [True, True]
    assert run["topics"][TOPIC]["produced"] > 0


def test_a_drain_can_be_given_up_but_not_the_result() -> None:
    """Whoever is in a hurry has the result at once, marked as what it is."""
    transport = FakeTransport("a")
    transport.fakes["a"].mute.add(GeneratorDrained)
    coordinator = coordinated(transport, drain_timeout_s=600)
    join(transport)
    coordinator.await_ready()
    coordinator.begin()
    transport.at(2, lambda: coordinator.stop(cut_short=True))
    transport.at(3, coordinator.give_up)
    coordinator.await_end()
    coordinator.drain()
    run = coordinator.conclude()
    assert transport.monotonic_s() < 5
    assert (run["verdict"], run["cut_short"]) == ("invalid", True)
    assert run["topics"][TOPIC]["produced"] > 0


@settings(max_examples=30)
@given(
    mute=st.sets(st.sampled_from((GeneratorDrained, ObserverDrained))),
    dies=st.sampled_from((None, "generator", "observer", "worker")),
    rates=st.tuples(st.integers(0, 10), st.integers(0, 10)),
    gives_up=st.booleans(),
)
def test_every_event_has_one_fate_however_a_run_ends(
    mute: set[type[Message]], dies: str | None, rates: tuple[int, int], gives_up: bool
) -> None:
    """Observed, lost and unknown are what was acknowledged, whoever dies, hangs or gives up; no guess is called a loss."""
    transport = FakeTransport("a", "b")
    one = transport.fakes["b"]
    one.mute |= mute
    one.acked_per_s, one.seen_per_s = rates
    coordinator = coordinated(transport)
    join(transport)
    if dies == "worker":
        transport.at(2, lambda: transport.lost.add("b"))
    elif dies:
        process: ProcessName = "generator" if dies == "generator" else "observer"
        transport.at(2, lambda: one.say(Died("It was killed."), process))
    if gives_up:
        transport.at(6, coordinator.give_up)
    run = through(coordinator)
    if mute or dies:
        check_accounts(run)
        assert total(run, "lost") == 0


def test_a_run_without_an_end_goes_on_until_it_is_stopped() -> None:
    """Its generators are never done by themselves, and stopping it is no cut."""
    transport = FakeTransport("a")
    coordinator = coordinated(transport, duration_s=None)
    join(transport)
    transport.at(30, coordinator.stop)
    run = through(coordinator)
    assert run["measured_s"] == pytest.approx(29, abs=0.5)
    assert not run["cut_short"]


def test_a_late_worker_makes_load_of_its_own_lanes_and_one_that_leaves_is_told_of() -> None:
    """It gets lanes that nobody has, no partitions, and a start of its own; whoever leaves early is a reason."""
    transport, heard = FakeTransport("a"), Heard()
    coordinator = coordinated(transport, heard, duration_s=6)
    join(transport)
    transport.at(2, lambda: transport.late("b").join(clock.host()))
    transport.at(5, lambda: transport.fakes["b"].say(Ended()))
    run = through(coordinator)
    late = transport.fakes["b"].received
    (order,) = (message for _, message in late if isinstance(message, ConfigureGenerator))
    assert set(order.lanes).isdisjoint(range(64))
    assert not any(isinstance(message, ConfigureObserver) for _, message in late)
    (begin,) = (message for _, message in late if isinstance(message, Begin))
    assert begin.start_ns >= START_NS + 2 * 10**9
    assert begin.end_ns == START_NS + 7 * 10**9 + 150_000_000
    assert [(each.code, "Worker 1 " in each.text) for each in coordinator.recorder.missing] == [
        ("worker_left", True)
    ]
    assert len(run["conditions"]["workers"]) == 2


def test_a_worker_that_joins_a_drain_gets_nothing_to_do() -> None:
    """Who comes when the run is over is not sent a part of it."""
    transport = FakeTransport("a")
    coordinator = coordinated(transport)
    join(transport)
    coordinator.await_ready()
    coordinator.begin()
    coordinator.drain()
    transport.late("b").join()
    assert transport.fakes["b"].received == []


def test_messages_that_never_arrive_are_a_reason() -> None:
    """Parcels are numbered, so that a gap in what was counted is known."""
    transport = FakeTransport("a")
    coordinator = coordinated(transport)
    join(transport)
    transport.at(2, lambda: transport.fakes["a"].say(Notice("look"), "generator", skipped=2))
    through(coordinator)
    assert [(each.code, each.text.partition(" ")[0]) for each in coordinator.recorder.missing] == [
        ("messages_lost", "2")
    ]


def test_parcels_of_another_run_are_ignored() -> None:
    """What an earlier run's worker still sends counts in no other run."""
    transport = FakeTransport("a")
    first = coordinated(transport)
    join(transport)
    first.await_ready()
    stale = transport.fakes["a"]
    second = coordinated(transport)
    stale.say(GeneratorReport(counted("produced", 5), 0, 0, 1.0, 1.0, 0, 0, 1), "generator")
    stale.say(Scheduled(), "generator")
    assert not second.workers.all_scheduled()
    assert second.recorder.second().produced == 0


def test_clocks_of_other_hosts_are_compared() -> None:
    """A worker whose clock is 20 ms ahead is found out, and the doubt is part of the result."""
    transport = FakeTransport("a", "b")
    coordinator = coordinated(transport)
    transport.fakes["a"].join(clock.host())
    transport.fakes["b"].clock_ahead_ns = 20_000_000
    transport.fakes["b"].join("another host")
    run = through(coordinator)
    clocks = run["conditions"]["clocks"]
    ours, theirs = clocks["workers"]
    assert clocks["hosts"] == 2
    assert (ours["offset_us"], theirs["offset_us"]) == (0, 20_000)
    assert clocks["doubt_us"] >= 20_000

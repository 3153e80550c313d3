"""The processes of one worker: started, sent messages, forwarded, drained and never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lensload.config.model import RunConfig
from lensload.metrics.stats import Stats
from lensload.processes.envelope import Envelope, Message, Parcel, ProcessName
from lensload.processes.messages import (
    AskClock,
    Assign,
    Audience,
    Begin,
    ClockReading,
    ConfigureGenerator,
    ConfigureObserver,
    Died,
    Drain,
    Drained,
    End,
    Ended,
    Join,
    Notice,
    Ready,
    Refused,
    Report,
    Scheduled,
)
from lensload.processes.supervisor import Forward, Supervisor
from lensload.processes.worker import Worker
from lensload.world.behaviour import Behaviour
from tests.support.locusts import wait_until

STANDINS = Path(__file__).parents[1] / "support" / "standins"
TOPIC = "user-interactions"
COMMON = (RunConfig(), "127.0.0.1:1", "mock://x", True, 1)
GENERATOR = ConfigureGenerator(*COMMON, [0, 1], 0, None)
OBSERVER = ConfigureObserver(*COMMON, 0, 1)
STANDIN = "lensload_standin"


def stand_ins(forward: Forward) -> Supervisor:
    return Supervisor(forward, STANDIN, STANDIN)


class Hand:
    """The processes of a worker, and what they have sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[ProcessName, Message]] = []
        self.supervisor = stand_ins(self._receive)

    def configure(self) -> None:
        """Start both."""
        self.supervisor.send("generator", GENERATOR)
        self.supervisor.send("observer", OBSERVER)

    def begin(self, start_ns: int, end_ns: int = 0) -> None:
        """Give both the schedule."""
        for process in self.supervisor.processes:
            self.supervisor.send(process, Begin(start_ns, start_ns, end_ns))

    def of(self, kind: type[Message], process: ProcessName) -> list[Message]:
        """What a process has sent of a kind."""
        return [message for of, message in self.sent if of == process and isinstance(message, kind)]

    def until(self, kind: type[Message], *processes: ProcessName) -> None:
        """Wait until each of the processes has sent a message of a kind."""

        def is_there() -> bool:
            self.supervisor.poll(0.05)
            return all(self.of(kind, process) for process in processes)

        wait_until(is_there)

    def _receive(self, process: ProcessName, envelope: Envelope) -> None:
        self.sent.append((process, envelope.opened()))


MakeHand = Callable[..., Hand]


@pytest.fixture
def make_hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeHand]:
    hands: list[Hand] = []
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STANDINS), *sys.path]))

    def make(**faults: object) -> Hand:
        monkeypatch.setenv("STANDIN", json.dumps(faults))
        hands.append(Hand())
        hands[-1].configure()
        return hands[-1]

    yield make
    for hand in hands:
        hand.supervisor.kill()


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_message_is_forwarded_once(make_hand: MakeHand) -> None:
    """Reports and last messages add up to what the generator made: nothing twice, nothing lost."""
    hand = make_hand()
    hand.until(Ready, "generator", "observer")
    hand.supervisor.send("generator", Audience({Behaviour(): 700.0, Behaviour(name="other"): 300.0}, {}))
    start_ns = time.time_ns()
    hand.begin(start_ns, start_ns + 1_500_000_000)
    hand.until(Scheduled, "generator")
    for process in ("generator", "observer"):
        hand.supervisor.send(process, Drain())
        hand.until(Drained, process)
    total = Stats()
    for _, message in hand.sent:
        if isinstance(message, (Report, Drained)):
            total.add(message.stats.total())
    made = total.totals["made"]
    assert 1300 <= made <= 1500
    assert total.counts[TOPIC]["produced"] == made + 1
    assert hand.of(Notice, "generator") == [Notice("audience 2 1000")]
    assert total.totals["drained_generators"] == total.totals["drained_observers"] == 1


def test_drained_processes_end_by_themselves(make_hand: MakeHand) -> None:
    """After its last message a process is gone, and that is no death."""
    hand = make_hand()
    hand.until(Ready, "generator", "observer")
    for process in ("generator", "observer"):
        hand.supervisor.send(process, Drain())
    wait_until(lambda: hand.supervisor.poll(0.05) or hand.supervisor.ended)
    assert not any(isinstance(message, Died) for _, message in hand.sent)


def test_a_refusal_is_forwarded_and_is_no_death(make_hand: MakeHand) -> None:
    """What a process says when it cannot go on arrives with the exit code it asked for, and nothing besides."""
    hand = make_hand(observer={"refuse": [4, "no broker at nowhere:1"]})
    hand.until(Refused, "observer")
    wait_until(lambda: hand.supervisor.poll(0.05) or hand.supervisor.processes["observer"].ended)
    assert hand.of(Message, "observer") == [Refused(4, "no broker at nowhere:1")]


def test_a_death_is_noticed_with_its_last_words(make_hand: MakeHand) -> None:
    """A process that dies is reported once, with what it wrote to stderr; the other one can still be drained."""
    hand = make_hand(observer={"die_after_s": 0.2})
    hand.until(Ready, "generator", "observer")
    hand.begin(time.time_ns())
    hand.until(Died, "observer")
    (died,) = hand.of(Died, "observer")
    assert isinstance(died, Died)
    assert "exit code 9" in died.text
    assert "something broke in here" in died.text
    hand.supervisor.send("generator", Drain())
    hand.until(Drained, "generator")
    assert len(hand.of(Died, "observer")) == 1


def test_a_killed_process_is_named_by_its_signal(make_hand: MakeHand) -> None:
    """Being killed (by the OOM killer, say) is told apart from ending."""
    hand = make_hand()
    hand.until(Ready, "generator")
    pid = hand.supervisor.processes["generator"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    hand.until(Died, "generator")
    assert "SIGKILL" in str(hand.of(Died, "generator"))


def test_a_process_that_hangs_is_reported(make_hand: MakeHand) -> None:
    """One that has stopped without ending is noticed, and so is its return."""
    hand = make_hand()
    hand.until(Ready, "generator")
    pid = hand.supervisor.processes["generator"].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    hand.until(Notice, "generator")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: hand.supervisor.poll(0.05) or len(hand.of(Notice, "generator")) == 2)


def test_no_process_outlives_its_parent(make_hand: MakeHand, tmp_path: Path) -> None:
    """A parent that is killed leaves no process behind, however suddenly."""
    make_hand()  # for its environment
    program = tmp_path / "parent.py"
    program.write_text(
        "import time\nfrom tests.integration.test_supervisor import Hand\nfrom lensload.processes.messages import Ready\n"
        "hand = Hand()\nhand.configure()\nhand.until(Ready, 'generator', 'observer')\n"
        "print(*(each.pid for each in hand.supervisor.processes.values()), flush=True)\ntime.sleep(60)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ["PYTHONPATH"]])
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
        parent.kill()
    wait_until(lambda: not any(map(alive, pids)))


def test_ctrl_c_does_not_reach_the_processes(make_hand: MakeHand) -> None:
    """A terminal's Ctrl-C goes to the parent's process group alone: its processes lead their own sessions."""
    hand = make_hand()
    hand.until(Ready, "generator", "observer")
    for process in hand.supervisor.processes.values():
        assert process.pid is not None
        assert os.getsid(process.pid) == process.pid


def test_kill_ends_even_a_process_that_does_not_listen(make_hand: MakeHand) -> None:
    """A hanging process can be got rid of."""
    hand = make_hand(generator={"ready_s": 60})
    pid = hand.supervisor.processes["generator"].pid
    assert pid is not None
    hand.supervisor.kill()
    assert not alive(pid)


def test_a_worker_takes_part_in_one_run_after_another(make_hand: MakeHand) -> None:
    """Its parcels carry the run and are numbered from 1; it ignores other runs', and reports when all has ended."""
    make_hand()  # for its environment
    sent: list[Parcel] = []
    worker = Worker(sent.append, stand_ins)
    worker.join()
    assert isinstance(sent.pop().envelope.opened(), Join)
    for run in (5, 6):
        worker.receive(Parcel(run, 0, None, Assign(1.0, 30.0).sealed()))
        worker.receive(Parcel(run, 0, "generator", GENERATOR.sealed()))
        worker.receive(Parcel(run, 0, None, AskClock(7).sealed()))
        worker.receive(Parcel(run - 1, 0, None, End().sealed()))
        wait_until(lambda: worker.poll(0.05) or any(each.envelope.holds(Ready) for each in sent))
        assert not worker.over
        worker.receive(Parcel(run, 0, None, End().sealed()))
        wait_until(lambda: worker.poll(0.05) or worker.over)
        kinds = [type(each.envelope.opened()) for each in sent if each.process is None]
        assert kinds == [ClockReading, Ended], "an observer that was not configured is none that died"
        assert [each.number for each in sent] == list(range(1, len(sent) + 1))
        assert {each.run for each in sent} == {run}
        sent.clear()

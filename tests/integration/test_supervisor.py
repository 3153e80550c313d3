"""The crew of one worker: two processes, started, told, heard, drained and never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lensload.errors import InvalidRunError, RefusedError, UsageError
from lensload.processes.supervisor import Crew

STANDINS = Path(__file__).parents[1] / "support" / "standins"
TOPIC = "user-interactions"
ADDRESSES = {"bootstrap_servers": "127.0.0.1:1", "registry_url": "mock://x"}
ENGINE = {**ADDRESSES, "lanes": [0, 1]}
OBSERVER = {**ADDRESSES, "share_index": 0, "share_count": 1}

MakeCrew = Callable[..., Crew]


@pytest.fixture
def make_crew(monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeCrew]:
    crews: list[Crew] = []
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STANDINS), *sys.path]))

    def make(**faults: object) -> Crew:
        monkeypatch.setenv("STANDIN", json.dumps(faults))
        crew = Crew("lensload_standin", "lensload_standin")
        crews.append(crew)
        crew.start(ENGINE, OBSERVER)
        return crew

    yield make
    for crew in crews:
        crew.kill()


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> bool:
    """Poll the condition until it holds; whether it did in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_run_counts_every_event_once(make_crew: MakeCrew) -> None:
    """Reports and last words add up to what the engine made: nothing twice, nothing lost."""
    crew = make_crew()
    conditions = crew.await_ready()
    assert conditions["engine"]["lanes"] == [0, 1]
    start_ns = time.time_ns()
    crew.begin(start_ns, start_ns, start_ns + 1_500_000_000)
    crew.audience([{"behaviour": {}, "rate_per_s": 700.0}, {"behaviour": {}, "rate_per_s": 300.0}])
    total = crew.take().tally
    notices: list[str] = []
    while not crew.engine.scheduled:
        crew.poll(0.1)
        report = crew.take()
        total.add(report.tally)
        notices += report.notices
    assert crew.drain_engine(5)
    assert crew.drain_observer(5)
    total.add(crew.take().tally)
    made = total.totals["made"]
    assert 1300 <= made <= 1500
    assert total.counts[TOPIC]["produced"] == made + 1
    assert notices == ["engine: audience 2 1000"]
    assert total.totals["drained_engines"] == total.totals["drained_observers"] == 1
    assert crew.conditions["engine"]["drained"] is True


def test_drained_processes_end_by_themselves(make_crew: MakeCrew) -> None:
    """After its last word a process is gone, and that is no death."""
    crew = make_crew()
    crew.await_ready()
    assert crew.drain_engine(5)
    assert crew.drain_observer(5)
    assert wait_until(lambda: not crew.poll() and all(process.ended for process in crew.processes))
    crew.check()


@pytest.mark.parametrize(("code", "error"), [(2, UsageError), (4, RefusedError)])
def test_a_refusal_is_raised_with_its_text(make_crew: MakeCrew, code: int, error: type[Exception]) -> None:
    """What a process says when it cannot go on reaches a person, with the exit code it asked for."""
    with pytest.raises(error, match="no broker at nowhere:1") as refusal:
        make_crew(observer={"refuse": [code, "no broker at nowhere:1"]}).await_ready()
    assert refusal.value.exit_code == code  # pyright: ignore[reportAttributeAccessIssue]


def test_a_process_that_is_never_ready_is_an_error_in_time(make_crew: MakeCrew) -> None:
    """Nobody waits longer than the budget, and the message names who is late and the addresses."""
    crew = make_crew(engine={"ready_s": 30})
    started = time.monotonic()
    with pytest.raises(RefusedError, match=r"engine could not.*127\.0\.0\.1:1"):
        crew.await_ready(timeout_s=3)
    assert time.monotonic() - started < 20


def test_a_death_is_noticed_with_its_last_words(make_crew: MakeCrew) -> None:
    """A process that dies is noticed, and what it wrote to stderr is kept."""
    crew = make_crew(observer={"die_after_s": 0.2})
    crew.await_ready()
    crew.begin(time.time_ns(), time.time_ns())
    observer = crew.observer
    assert observer is not None
    assert wait_until(lambda: not crew.poll(0.1) and observer.died is not None)
    assert observer.died is not None
    assert "exit code 9" in observer.died
    assert "something broke in here" in observer.died
    with pytest.raises(InvalidRunError):
        crew.check()
    assert crew.drain_engine(5), "the other one can still be drained"
    assert not crew.drain_observer(5)


def test_a_killed_process_is_named_by_its_signal(make_crew: MakeCrew) -> None:
    """Being killed (by the OOM killer, say) is told apart from ending."""
    crew = make_crew()
    crew.await_ready()
    pid = crew.engine.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not crew.poll() and crew.engine.died is not None)
    assert "SIGKILL" in str(crew.engine.died)


def test_a_process_that_hangs_is_told_of(make_crew: MakeCrew) -> None:
    """One that has stopped without ending is noticed, and so is its return."""
    crew = make_crew()
    crew.await_ready()
    pid = crew.engine.pid
    assert pid is not None
    notices: list[str] = []

    def told(text: str) -> bool:
        crew.poll(0.1)
        notices.extend(crew.take().notices)
        return text in notices

    os.kill(pid, signal.SIGSTOP)
    assert wait_until(lambda: told("engine: nothing heard for 3 s"))
    os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: told("engine: heard again"))


def test_no_process_outlives_its_control(make_crew: MakeCrew, tmp_path: Path) -> None:
    """A control that is killed leaves no process behind, however suddenly."""
    make_crew()  # for its environment
    program = tmp_path / "control.py"
    program.write_text(
        "import time\nfrom lensload.processes.supervisor import Crew\ncrew = Crew('lensload_standin', 'lensload_standin')\n"
        f"crew.start({ENGINE!r}, {OBSERVER!r})\ncrew.await_ready()\n"
        "print(*(process.pid for process in crew.processes), flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as control:
        assert control.stdout is not None
        pids = [int(pid) for pid in control.stdout.readline().split()]
        assert all(map(alive, pids))
        control.kill()
    assert wait_until(lambda: not any(map(alive, pids)))


def test_ctrl_c_does_not_reach_the_processes(make_crew: MakeCrew) -> None:
    """A terminal's Ctrl-C goes to control's process group alone: its processes lead their own sessions."""
    crew = make_crew()
    crew.await_ready()
    for process in crew.processes:
        assert process.pid is not None
        assert os.getsid(process.pid) == process.pid


def test_kill_ends_even_a_process_that_does_not_listen(make_crew: MakeCrew) -> None:
    """A hanging process can be got rid of."""
    crew = make_crew(engine={"ready_s": 60})
    pid = crew.engine.pid
    assert pid is not None
    crew.kill()
    assert not alive(pid)


def test_a_crew_may_lack_an_observer(make_crew: MakeCrew) -> None:
    """A worker that joins late only makes load: the partitions are shared out already."""
    make_crew()
    crew = Crew("lensload_standin", "lensload_standin")
    crew.start(ENGINE, None)
    try:
        assert set(crew.await_ready()) == {"engine"}
        assert crew.drain_engine(5)
        assert crew.drain_observer(5)
    finally:
        crew.close()

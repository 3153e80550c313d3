"""What the system tells of this machine and this process."""

import time
from pathlib import Path

import pytest

from lensload import machine
from lensload.metrics.cost import between


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_thread_that_works_is_found_to_work():
    """Processor time that a thread has used is in the next reading, under its process and under its name."""
    before = machine.read()
    until_ns = time.process_time_ns() + 200_000_000
    while time.process_time_ns() < until_ns:
        pass
    resident_bytes = machine.resident_bytes()
    cost = between(before, machine.read())
    assert cost["cpu_s"] >= 0.2
    assert cost["busiest_thread"] == "main"
    assert cost["busiest_thread_cores"] * cost["measured_s"] >= 0.15
    # The kernel counts pages by processor, and adds them up exactly for the one and roughly for the other.
    assert cost["peak_bytes"] >= 0.99 * resident_bytes > 0


@pytest.mark.parametrize(
    ("files", "periods", "cpus"),
    [
        pytest.param(
            {
                "proc/self/cgroup": "0::/pod/app\n",
                "sys/fs/cgroup/cpu.stat": "usage_usec 5\n",
                "sys/fs/cgroup/pod/cpu.stat": "usage_usec 5\nnr_periods 90\nnr_throttled 30\nthrottled_usec 7\n",
                "sys/fs/cgroup/pod/cpu.max": "25000 100000\n",
                "sys/fs/cgroup/pod/app/cpu.stat": "nr_periods 0\nnr_throttled 0\n",
                "sys/fs/cgroup/pod/app/cpu.max": "max 100000\n",
            },
            {"sys/fs/cgroup/pod": (90, 30)},
            0.25,
            id="version 2, limited above its own",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.stat": "nr_periods 8\nnr_throttled 2\nthrottled_time 9\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            {"sys/fs/cgroup/cpu,cpuacct": (8, 2)},
            0.5,
            id="version 1, in a container that sees its own cgroup as the topmost",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            {},
            None,
            id="version 1, without a limit",
        ),
        pytest.param(
            {"proc/self/cgroup": "0::/../../host.slice\n", "sys/fs/cgroup/cpu.stat": "usage_usec 5\n"},
            {},
            None,
            id="version 2, moved out of what it sees",
        ),
        pytest.param({}, {}, None, id="no cgroups"),
    ],
)
def test_the_limits_of_cgroups_are_found(
    tmp_path: Path, files: dict[str, str], periods: dict[str, tuple[int, int]], cpus: float | None
):
    """Whichever version, and wherever the limit is set: how often it was met, and how many cores it leaves."""
    write(tmp_path, files)
    assert machine.periods(tmp_path) == {str(tmp_path / name): counts for name, counts in periods.items()}
    assert machine.usable_cpus(tmp_path) == (cpus or machine.usable_cpus(tmp_path / "nothing"))


def test_a_system_that_tells_nothing_is_read_all_the_same(tmp_path: Path):
    """Without /proc a reading still has processor time and memory, and no share that would be made up."""
    before = machine.read(tmp_path)
    cost = between(before, machine.read(tmp_path))
    assert (before.threads_ns, before.ticks, before.periods) == ({}, {}, {})
    assert before.cpu_ns > 0
    assert before.peak_bytes > 0
    assert (cost["busiest_thread"], cost["busy"], cost["stolen"], cost["throttled"]) == ("", None, None, None)


def test_names_of_threads_may_hold_anything(tmp_path: Path):
    """A thread's name with blanks and brackets shifts no field, and a thread that has just ended is left out."""
    write(
        tmp_path,
        {
            "proc/self/task/7/stat": "7 (rdk:broker) 1 (x) S 1 7 7 0 -1 0 37 0 0 0 3 4 0 0 20 0\n",
            "proc/self/task/8/stat": "",
        },
    )
    tick_ns = machine.threads_ns(tmp_path)[7, "rdk:broker) 1 (x"] // 7
    assert machine.threads_ns(tmp_path) == {(7, "rdk:broker) 1 (x"): 7 * tick_ns}
    assert tick_ns > 0

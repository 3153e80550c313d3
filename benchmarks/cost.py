"""What a run costs: the CPU of the generator, the observer, the coordinator and Kafka, at given rates on a real broker.

    python benchmarks/cost.py                              1,000 and 10,000 events/s, three rounds (Java 17)
    python benchmarks/cost.py --rates 100,50000 --rounds 5
    python benchmarks/cost.py --lensload ../old/.venv/bin/lensload --lensload .venv/bin/lensload

With several `--lensload` each rate is run with each in turns, in one session, so that their ratio holds on a machine
that others use too. CPU is the kernel's account of each process over the measured seconds, start-up and drain left
out; "threads" is the part of librdkafka's own threads. Linux only.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness belongs to the tests

from tests.harness.kafka import Kafka

SAMPLE_S = 0.25
WARMUP_S = 3
MODULES = {"lensload.generator.process": "generator", "lensload.observer.process": "observer"}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
Cpu = dict[str, float]


def cpu_s(pid: int, name: str) -> Cpu:
    """CPU seconds of a process so far, under its name, and of all threads but the first, under `name threads`."""
    by_thread: Cpu = {}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # a thread that has just ended
        by_thread[stat.parent.name] = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    total = sum(by_thread.values())
    return {name: total, f"{name} threads": total - by_thread.get(str(pid), 0.0)}


def children(pid: int) -> list[int]:
    """The processes that the threads of a process have started."""
    try:
        return [
            int(child)
            for each in Path(f"/proc/{pid}/task").glob("*/children")
            for child in each.read_text().split()
        ]
    except OSError:
        return []  # it has just ended


def family(pid: int) -> dict[int, str]:
    """The process and its descendants, by what they are."""
    members, waiting = dict[int, str](), [pid]
    while waiting:
        each = waiting.pop()
        waiting += children(each)
        try:
            words = Path(f"/proc/{each}/cmdline").read_text().split("\0")
        except OSError:
            continue
        members[each] = next((MODULES[word] for word in words if word in MODULES), "coordinator")
    return members


def sample(bench: int, kafka: int) -> Cpu:
    """CPU seconds so far of all that take part."""
    summed: defaultdict[str, float] = defaultdict(float)
    for pid, name in {**family(bench), kafka: "Kafka"}.items():
        for key, seconds in cpu_s(pid, name).items():
            summed[key] += seconds
    return dict(summed)


def measure(lensload: str, kafka: Kafka, rate: int, seconds: int) -> dict[str, float]:
    """One run: cores used on average over the measured time, and what the run file says of it; nothing if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        command = [
            lensload,
            "bench",
            "--bootstrap-servers",
            kafka.bootstrap_servers,
            "--registry-url",
            "mock://x",
        ]
        command += ["--rate", str(rate), "--duration", f"{seconds}s", "--warmup", f"{WARMUP_S}s"]
        command += ["--topic-prefix", f"cost{time.time_ns()}-", "--run-file", str(file)]
        samples: list[tuple[float, Cpu]] = []
        with (Path(folder) / "log").open("w+") as log:
            with subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as bench:
                while bench.poll() is None:
                    samples.append((time.time(), sample(bench.pid, kafka.pid)))
                    time.sleep(SAMPLE_S)
            if not file.exists():
                log.seek(0)
                print(f"A run failed and is left out:\n{log.read()[-2000:]}", file=sys.stderr)
                return {}
        run = json.loads(file.read_text())
    begins_s = datetime.fromisoformat(run["started_at"]).timestamp() + WARMUP_S
    within = [each for each in samples if begins_s <= each[0] <= begins_s + seconds]
    (first_s, before), (last_s, after) = within[0], within[-1]
    cores = {name: (spent - before.get(name, 0.0)) / (last_s - first_s) for name, spent in after.items()}
    return {**cores, **told(run)}


def told(run: dict[str, Any]) -> dict[str, float]:
    """Latencies in ms, and whether the run is valid, from a run file."""
    latencies = run["latency_us"]
    figures = {
        f"{short} {percentile}": (latencies[stage]["all"][percentile] or 0) / 1000
        for stage, short in (("schedule_lag", "lag"), ("ack", "ack"), ("end_to_end", "e2e"))
        for percentile in ("p50", "p99")
    }
    return {**figures, "valid": float(run["verdict"] != "invalid")}


def show(title: str, runs: list[dict[str, float]]) -> None:
    """A line of medians over the runs that did not fail."""
    runs = [run for run in runs if run]
    if not runs:
        return
    medians = {name: statistics.median(run.get(name, 0.0) for run in runs) for name in runs[0]}
    cores = "  ".join(
        f"{name} {medians[name]:.3f} ({medians[f'{name} threads']:.3f})" for name in ("generator", "observer")
    )
    cores += "".join(f"  {name} {medians[name]:.3f}" for name in ("coordinator", "Kafka"))
    latencies = "  ".join(f"{name} {medians[name]:.2f}" for name in medians if " p" in name)
    valid = sum(run["valid"] for run in runs)
    print(f"{title}  {cores}  |  {latencies}  |  valid {valid:.0f} of {len(runs)}", flush=True)


@click.command()
@click.option(
    "--rates", default="1000,10000", show_default=True, help="Events a second, with commas between."
)
@click.option("--seconds", default=15, show_default=True, help="How long each run is measured.")
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--lensload", multiple=True, help="The program to run; several are run in turns.")
def main(rates: str, seconds: int, rounds: int, lensload: tuple[str, ...]) -> None:
    """Print the cores that each process used, of all its threads (of its client's threads), and latencies in ms."""
    programs = [
        str(Path(each).absolute()) for each in lensload or (Path(sys.executable).with_name("lensload"),)
    ]
    with Kafka(quick=False) as kafka:
        for rate in map(int, rates.split(",")):
            runs: dict[str, list[dict[str, float]]] = {program: [] for program in programs}
            for number in range(rounds):
                for program in programs[:: -1 if number % 2 else 1]:
                    runs[program].append(measure(program, kafka, rate, seconds))
            for program in programs:
                show(f"{rate:>7,}/s  {program if len(programs) > 1 else ''}", runs[program])


if __name__ == "__main__":
    main()

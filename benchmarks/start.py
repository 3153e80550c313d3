"""What the start of a run costs: seconds and CPU seconds from the command to the first event due, on a real broker.

    python benchmarks/start.py                             five rounds, with a real registry too (Java 17)
    python benchmarks/start.py --lensload ../old/.venv/bin/lensload --lensload .venv/bin/lensload

With several `--lensload` each round runs each in turns, so that their ratio holds on a machine that others use too. CPU
is the kernel's account of each process at that moment; "run" is that of all processes from the start to the end of a
run of one measured second. Linux only.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with tests and other benchmarks

from benchmarks.cpu import NAMES, cpu_s, family
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

SAMPLE_S = 0.05


def measure(lensload: str, kafka: Kafka, registry: Registry) -> dict[str, float]:
    """One run: seconds to the first event due, and the CPU seconds of each process by then."""
    samples: list[tuple[float, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        command = [lensload, "bench", "--rate", "1000", "--duration", "1s", "--run-file", str(file)]
        command += ["--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url]
        command += ["--topic-prefix", f"start{time.time_ns()}-"]
        begun_s, before = time.time(), os.times()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
        ) as bench:
            while bench.poll() is None:
                spent = {
                    name: cpu_s(pid, name)[name]
                    for pid, name in family(bench.pid, NAMES, "coordinator").items()
                }
                samples.append((time.time(), spent))
                time.sleep(SAMPLE_S)
        after = os.times()
        started_s = datetime.fromisoformat(json.loads(file.read_text())["started_at"]).timestamp()
    spent = max(sample for sample in samples if sample[0] <= started_s)[1]
    run_s = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": started_s - begun_s, "CPU": sum(spent.values()), **spent, "run": run_s}


@click.command()
@click.option("--rounds", default=5, show_default=True, help="How often each program is run.")
@click.option("--lensload", multiple=True, help="The program to run; several are run in turns.")
def main(rounds: int, lensload: tuple[str, ...]) -> None:
    """Print medians: seconds to the first event due, CPU seconds by then in all and by process, and of the whole run."""
    programs = [
        str(Path(each).absolute()) for each in lensload or (Path(sys.executable).with_name("lensload"),)
    ]
    runs: dict[str, list[dict[str, float]]] = {program: [] for program in programs}
    with Kafka() as kafka, Registry() as registry:
        for number in range(rounds):
            for program in programs[:: -1 if number % 2 else 1]:
                runs[program].append(measure(program, kafka, registry))
    for program, measured in runs.items():
        medians = {name: statistics.median(run[name] for run in measured) for name in measured[0]}
        print(program, "  ".join(f"{name} {median:.2f}" for name, median in medians.items()))


if __name__ == "__main__":
    main()

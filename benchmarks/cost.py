"""What a run costs: the CPU of the generator, the observer, the coordinator and Kafka, at given rates on a real broker.

    python benchmarks/cost.py                              1,000 and 10,000 events/s, three rounds (Java 17)
    python benchmarks/cost.py --rates 100,50000 --rounds 5
    python benchmarks/cost.py --lensload ../old/.venv/bin/lensload --lensload .venv/bin/lensload
    python benchmarks/cost.py --kafka-tools --seconds 30   beside ProducerPerformance and ConsumerPerformance

With several `--lensload` each rate is run with each in turns, in one session, so that their ratio holds on a machine
that others use too. CPU is the kernel's account of each process over the measured seconds, start-up and drain left
out; "threads" is the part of librdkafka's own threads. Linux only.

Kafka's own tools take their turn at the same rate, with records of the same mean size, the same number of partitions and
the same linger.ms and acks. They make no data and measure whole milliseconds; Java compiles in their first seconds.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with tests and other benchmarks

from benchmarks.cpu import NAMES, SAMPLE_S, cores, family, samples
from lensload.kafka.topics import ensure_topics
from tests.harness.kafka import Kafka

WARMUP_S = 3
PRODUCER, CONSUMER = (
    "org.apache.kafka.tools.ProducerPerformance",
    "org.apache.kafka.tools.ConsumerPerformance",
)
TOOLS = {PRODUCER: "producer", CONSUMER: "consumer"}
PARTITIONS = 20  # as many as lensload's five topics have by default, in one
LINGER_MS = 5
TYPICAL_BYTES = 230


def measure(lensload: str, kafka: Kafka, rate: int, seconds: int) -> dict[str, float]:
    """One run: cores used on average over the measured time, and what the run file says of it; nothing if it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.json"
        command = [lensload, "bench", "--bootstrap-servers", kafka.bootstrap_servers]
        command += ["--registry-url", "mock://x", "--topic-prefix", f"cost{time.time_ns()}-"]
        command += ["--rate", str(rate), "--duration", f"{seconds}s", "--warmup", f"{WARMUP_S}s"]
        command += ["--run-file", str(file)]
        with (Path(folder) / "log").open("w+") as log:
            with subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as bench:
                taken = samples(
                    lambda: {**family(bench.pid, NAMES, "coordinator"), kafka.pid: "Kafka"},
                    lambda: bench.poll() is None,
                )
            if not file.exists():
                log.seek(0)
                print(f"A run failed and is left out:\n{log.read()[-2000:]}", file=sys.stderr)
                return {}
        run = json.loads(file.read_text())
    begins_s = datetime.fromisoformat(run["started_at"]).timestamp() + WARMUP_S
    return {**cores(taken, begins_s, begins_s + seconds), **told(run)}


def measure_tools(kafka: Kafka, rate: int, seconds: int, size: int) -> dict[str, float]:
    """Kafka's own producer and consumer at once: cores used on average over the last seconds of the producer's."""
    topic, count = f"cost{time.time_ns()}", rate * (WARMUP_S + seconds)
    address = ("--bootstrap-server", kafka.bootstrap_servers)
    ensure_topics({"bootstrap.servers": kafka.bootstrap_servers}, [topic], PARTITIONS, 1, embedded=False)
    properties = (f"bootstrap.servers={kafka.bootstrap_servers}", f"linger.ms={LINGER_MS}", "acks=all")
    records = ("--topic", topic, "--num-records", str(count))
    sent = ("--record-size", str(size), "--throughput", str(rate), "--producer-props", *properties)

    def members() -> dict[int, str]:
        found = {pid: name for pid, name in family(os.getpid(), TOOLS, "").items() if name}
        return {**found, kafka.pid: "Kafka"}

    with ThreadPoolExecutor(2) as pool:
        pool.submit(kafka.tool, CONSUMER, *address, *records, "--timeout", "20000")
        producer = pool.submit(kafka.tool, PRODUCER, *records, *sent)
        taken = samples(members, lambda: not producer.done())
    producer.result()
    ended_s = taken[-1][0] - 2 * SAMPLE_S  # by then it has ended, and its CPU with it
    return cores(taken, ended_s - seconds, ended_s)


def told(run: dict[str, Any]) -> dict[str, float]:
    """Latencies in ms, and whether the run is valid, from a run file."""
    latencies = run["latency_us"]
    figures = {
        f"{short} {percentile}": (latencies[stage]["all"][percentile] or 0) / 1000
        for stage, short in (("schedule_lag", "lag"), ("ack", "ack"), ("end_to_end", "e2e"))
        for percentile in ("p50", "p99")
    }
    return {**figures, "valid": float(run["verdict"] != "invalid"), "bytes": float(run["load"]["mean_bytes"])}


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure, over the runs that did not fail."""
    runs = [run for run in runs if run]
    return {name: statistics.median(run.get(name, 0.0) for run in runs) for name in runs[0]} if runs else {}


def show(title: str, runs: list[dict[str, float]]) -> None:
    """A line of medians."""
    middle = medians(runs)
    if not middle:
        return
    used = "  ".join(
        f"{name} {middle[name]:.3f} ({middle[f'{name} threads']:.3f})" for name in ("generator", "observer")
    )
    used += "".join(f"  {name} {middle[name]:.3f}" for name in ("coordinator", "Kafka"))
    latencies = "  ".join(f"{name} {middle[name]:.2f}" for name in middle if " p" in name)
    valid = sum(run.get("valid", 0.0) for run in runs)
    print(f"{title}  {used}  |  {latencies}  |  valid {valid:.0f} of {len(runs)}", flush=True)


def show_tools(title: str, runs: list[dict[str, float]], ours: dict[str, float], rate: int) -> None:
    """A line of medians of Kafka's own tools, and what an event costs on either side."""
    theirs = medians(runs)
    used = "".join(f"  {name} {theirs[name]:.3f}" for name in (*TOOLS.values(), "Kafka"))
    own, other = (
        sum(figures[name] for name in names) / rate * 1e6
        for figures, names in ((ours, ("generator", "observer", "coordinator")), (theirs, TOOLS.values()))
    )
    print(
        f"{title}{used}  |  an event: {own:.1f} us, theirs {other:.1f} us, ratio {own / other:.2f}",
        flush=True,
    )


@click.command()
@click.option(
    "--rates", default="1000,10000", show_default=True, help="Events a second, with commas between."
)
@click.option("--seconds", default=15, show_default=True, help="How long each run is measured.")
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--lensload", multiple=True, help="The program to run; several are run in turns.")
@click.option("--kafka-tools", is_flag=True, help="Kafka's own producer and consumer take their turn.")
def main(rates: str, seconds: int, rounds: int, lensload: tuple[str, ...], kafka_tools: bool) -> None:
    """Print the cores that each process used, of all its threads (of its client's threads), and latencies in ms."""
    programs = [
        str(Path(each).absolute()) for each in lensload or (Path(sys.executable).with_name("lensload"),)
    ]
    with Kafka(quick=False) as kafka:
        for rate in map(int, rates.split(",")):
            runs: dict[str, list[dict[str, float]]] = {program: [] for program in programs}
            theirs = list[dict[str, float]]()
            for number in range(rounds):
                for program in programs[:: -1 if number % 2 else 1]:
                    runs[program].append(measure(program, kafka, rate, seconds))
                size = round(medians(runs[programs[0]]).get("bytes", TYPICAL_BYTES))
                if kafka_tools:
                    theirs.append(measure_tools(kafka, rate, seconds, size))
            for program in programs:
                show(f"{rate:>7,}/s  {program if len(programs) > 1 else ''}", runs[program])
            ours = medians(runs[programs[-1]])
            if theirs and ours:
                show_tools(f"{rate:>7,}/s  Kafka's tools", theirs, ours, rate)


if __name__ == "__main__":
    main()

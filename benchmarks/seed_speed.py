"""How fast a cluster is seeded, against Kafka's own ProducerPerformance, alternately in one run.

    python benchmarks/seed_speed.py                       starts a Kafka and a registry of its own (Java 17)
    python benchmarks/seed_speed.py --events 2000000 --rounds 5

Broker and clients share this machine. Both write as many records, of the same mean size of key and value, into as many
partitions, with acks=all, idempotence, the same batch.size, linger.ms and no compression. The rates are each one's own
account, from when it was ready to when all was acknowledged; the seconds are of whole processes, Java's and Python's
start included; CPU seconds are the process's and its children's.
"""

import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness belongs to the tests

from lensload.kafka.admin import TopicAdmin
from lensload.kafka.producing import BATCH_BYTES
from lensload.kafka.topics import ensure_topics
from lensload.seed import manifest as manifests
from lensload.seed.writer import LINGER_MS
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

LENSLOAD = [sys.executable, "-c", "from lensload.cli.main import main; main()"]
UNTIL = "2026-09-21T00:00:00Z"
SENT = re.compile(r"events sent in ([\d.]+) s")
JAVA = re.compile(r"([\d.]+) records/sec")
TOPICS = 5


@dataclass
class Figure:
    """What one round of one of them took."""

    per_s: float
    whole_s: float
    cpu_s: float


def seeded(kafka: Kafka, books: Registry, folder: Path, prefix: str, events: int, *more: str) -> Figure:
    """Seed under a prefix; the topics are deleted afterwards."""
    path = folder / f"{prefix}.json"
    command = [*LENSLOAD, "seed", "--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", books.url]
    command += [
        "--topic-prefix",
        prefix,
        "--events",
        str(events),
        "--until",
        UNTIL,
        "--manifest",
        str(path),
        *more,
    ]
    begun_s, cpu_s = time.monotonic(), children_cpu_s()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    whole_s = time.monotonic() - begun_s
    match = SENT.search(done.stdout)
    if done.returncode or not match:
        raise SystemExit(done.stdout + done.stderr)
    return Figure(events / float(match[1]), whole_s, children_cpu_s() - cpu_s)


def performed(kafka: Kafka, topic: str, events: int, size: int) -> Figure:
    """Kafka's own, into a topic that is there."""
    own = [f"bootstrap.servers={kafka.bootstrap_servers}", "acks=all", "enable.idempotence=true"]
    own += [f"batch.size={BATCH_BYTES}", f"linger.ms={LINGER_MS}", "buffer.memory=134217728"]
    arguments = [
        "--topic",
        topic,
        "--num-records",
        str(events),
        "--record-size",
        str(size),
        "--throughput",
        "-1",
    ]
    begun_s, cpu_s = time.monotonic(), children_cpu_s()
    told = kafka.tool(
        "org.apache.kafka.tools.ProducerPerformance", *arguments, "--producer-props", *own, timeout_s=600
    )
    rate = JAVA.findall(told)[-1]
    return Figure(float(rate), time.monotonic() - begun_s, children_cpu_s() - cpu_s)


def children_cpu_s() -> float:
    """The CPU seconds of all children that have ended, theirs included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def mean_size(path: Path) -> int:
    """Bytes of key and value of an event, on average."""
    entries = [entry for _, entry in manifests.partitions(manifests.read(path))]
    return round(sum(entry["bytes"] for entry in entries) / sum(entry["count"] for entry in entries))


@click.command()
@click.option("--events", default=1_000_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--partitions", default=4, show_default=True, help="Of each of the five topics.")
@click.option("--workers", default=1, show_default=True)
def main(events: int, rounds: int, partitions: int, workers: int) -> None:
    """Seed and perform by turns."""
    with Kafka(quick=False) as kafka, Registry() as books, tempfile.TemporaryDirectory() as temporary:
        folder, topics = Path(temporary), TopicAdmin({"bootstrap.servers": kafka.bootstrap_servers})
        more = ("--partitions", str(partitions), "--workers", str(workers))
        seeded(kafka, books, folder, "warm-", 50_000, *more)
        size = mean_size(folder / "warm-.json")
        print(
            f"{events:,} records of {size} bytes (mean), {TOPICS * partitions} partitions, {workers} workers"
        )
        found: dict[str, list[Figure]] = {"lensload seed": [], "ProducerPerformance": []}
        for number in range(rounds):
            settings = {"bootstrap.servers": kafka.bootstrap_servers}
            ensure_topics(settings, [f"perf-{number}"], TOPICS * partitions, 1, embedded=False)
            found["ProducerPerformance"].append(performed(kafka, f"perf-{number}", events, size))
            found["lensload seed"].append(seeded(kafka, books, folder, f"r{number}-", events, *more))
            topics.delete([f"perf-{number}"])
            told = manifests.read(folder / f"r{number}-.json")["topics"]
            topics.delete([each["name"] for each in told.values()])
        for name, figures in found.items():
            rate, whole, cpu = (
                statistics.median(getattr(figure, key) for figure in figures)
                for key in ("per_s", "whole_s", "cpu_s")
            )
            print(f"{name:20} {rate:>10,.0f} records/s   {whole:6.1f} s as a whole   {cpu:6.1f} s of CPU")
        ratios = [
            ours.per_s / theirs.per_s
            for ours, theirs in zip(found["lensload seed"], found["ProducerPerformance"], strict=True)
        ]
        print(
            f"ratio of rates       {statistics.median(ratios):.2f} (by round: {', '.join(f'{r:.2f}' for r in ratios)})"
        )
        print(json.dumps({"ratio": round(statistics.median(ratios), 3)}))


if __name__ == "__main__":
    main()

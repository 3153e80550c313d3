"""How fast history is replayed: counted by headers, decoded, and produced into another topic.

    python benchmarks/replay_count.py                           starts a Kafka and a registry of its own (Java 17)
    python benchmarks/replay_count.py --messages 5000000

Broker, registry and `lensload replay` share this machine; each figure is of a whole process, by its own account,
from taking up the partitions to their ends. Memory is the process's peak (on Linux).
"""

import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
from confluent_kafka import Producer

sys.path.insert(0, str(Path(__file__).parents[1]))  # the harness belongs to the tests

from lensload.encoding.encoders import FragmentEncoder
from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions, registry
from lensload.world.world import World, made
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

TOPIC = "user-interactions"
PARTITIONS = 4
# The process tells its own peak: what wait4 tells begins with that of the process it was forked from.
LENSLOAD = """
import atexit, pathlib, sys
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(status.read_text() if status.exists() else "", file=sys.stderr))
from lensload.cli import main
main()
"""
TOLD = re.compile(r"([\d,]+) messages in [\d,.]+ s \(([\d,]+)/s\)")
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def values(schema_ids: dict[str, int], count: int = 20_000) -> list[bytes]:
    """Events of the topic as they are on the wire, enough of them not to be all alike."""
    parsed = {topic: schema.parsed for topic, schema in definitions.load().items()}
    world, encoder = World(made(), tuple(range(64)), topics=(TOPIC,)), FragmentEncoder(parsed, schema_ids)
    for outline in world.outline():
        encoder.encode(outline)
    due_ns = time.time_ns() + np.arange(count) * 1000
    return [value for part in world.events_at(due_ns) for value in encoder.encode(part).values]


def fill(bootstrap: str, registry_url: str, messages: int) -> float:
    """Write so many events, and give their mean size in bytes."""
    settings = {"bootstrap.servers": bootstrap}
    ensure_topics(settings, [TOPIC], PARTITIONS, 1, embedded=False)
    with registry.connect(registry_url, {}) as books:
        made_up = values(registry.schema_ids(books.register(definitions.load())))
    producer = Producer(
        {**settings, "linger.ms": 20, "batch.size": 1_000_000, "queue.buffering.max.messages": 1_000_000}
    )
    for number in range(messages):
        while True:
            try:
                producer.produce(TOPIC, made_up[number % len(made_up)], b"user-%d" % (number % 5000))
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise SystemExit("the topic could not be filled")
    return statistics.mean(map(len, made_up))


def replayed(where: list[str], *more: str) -> tuple[int, float, float]:
    """Messages, messages a second and peak MB of one replay."""
    command = [sys.executable, "-c", LENSLOAD, "replay", TOPIC, *where, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match, peak = TOLD.search(done.stderr), PEAK.search(done.stderr)
    if done.returncode or not match:
        raise SystemExit(done.stderr)
    count, rate = (int(figure.replace(",", "")) for figure in match.groups())
    return count, rate, int(peak[1]) / 1024 if peak else 0.0


@click.command()
@click.option("--messages", default=2_000_000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(messages: int, rounds: int) -> None:
    """Fill a topic and replay it."""
    with Kafka(quick=False) as kafka, Registry() as books:
        size = fill(kafka.bootstrap_servers, books.url, messages)
        print(f"{messages:,} messages of {size:.0f} bytes (mean) in {PARTITIONS} partitions")
        where = ["--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", books.url]
        jobs = {
            "count": (),
            "count and decode": ("--decode",),
            "into another topic": ("--into-topic", "copy"),
        }
        found: dict[str, float] = {}
        for name, job in jobs.items():
            results = [replayed(where, *job) for _ in range(rounds)]
            if any(count != messages for count, _, _ in results):
                raise SystemExit(f"{name}: not every message was replayed")
            found[name] = statistics.median(rate for _, rate, _ in results)
            memory = max(mb for _, _, mb in results)
            print(f"{name:20} {found[name]:>12,.0f} messages/s   {memory:6,.0f} MB at most")
    print(json.dumps({name: round(rate) for name, rate in found.items()}))


if __name__ == "__main__":
    main()

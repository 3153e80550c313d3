"""How fast others write to the same broker, and what an event costs them: all in turns, flat out, in one run.

    python benchmarks/peers.py              three rounds (Java 17)
    pip install locust-plugins              adds its KafkaUser
    go install github.com/IBM/sarama/tools/kafka-producer-performance@latest
                                            adds sarama's, if it is on the PATH

What is written is the broker's account (how far the ends of the partitions moved) and CPU the kernel's, over the same
seconds of each run; so no peer's own words count. lensload and the plain locustfile make and encode events of LENS; the
others send the same bytes again and again, as many. Only lensload also reads back what it wrote. Linux only.
"""

import shutil
import statistics
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with tests and other benchmarks

from benchmarks.flat_out import measured
from lensload.schema.definitions import TOPIC_NAMES
from tests.harness.kafka import Kafka

HERE = Path(__file__).parent
BYTES = 230
"""The mean size of an event of LENS, key and value."""


def peers(kafka: Kafka, topic: str) -> dict[str, list[str]]:
    """The commands of those that are here; each would write for longer than it is let to."""
    servers, many = kafka.bootstrap_servers, "1000000000"
    locust = [sys.executable, "-m", "locust", "--headless", "-u", "10", "-r", "10", "--only-summary"]
    found = {
        "lensload": [
            *(str(Path(sys.executable).with_name("lensload")), "bench", "--rate", "max", "--duration", "60s"),
            *("--bootstrap-servers", servers, "--registry-url", "mock://x", "--topic-prefix", f"{topic}-"),
        ],
        "ProducerPerformance": kafka.tool_command(
            "org.apache.kafka.tools.ProducerPerformance",
            *("--topic", topic, "--num-records", many, "--record-size", str(BYTES), "--throughput", "-1"),
            *("--producer-props", f"bootstrap.servers={servers}", "linger.ms=5", "acks=all"),
        ),
        "plain locustfile": [*locust, "-f", str(HERE / "plain_locustfile.py")],
    }
    if find_spec("locust_plugins"):
        found["locust-plugins"] = [*locust, "-f", str(HERE / "plugin_locustfile.py")]
    if tool := shutil.which("kafka-producer-performance"):
        found["sarama"] = [
            # It makes all messages before it sends the first.
            *(tool, "-brokers", servers, "-topic", topic, "-message-load", "3000000"),
            *("-message-size", str(BYTES), "-required-acks", "-1", "-version", "2.8.0"),
        ]
    return found


def measure(kafka: Kafka, name: str, number: int, seconds: float) -> dict[str, float]:
    """Events a second of one of them, what an event costs, and the cores that are its reader's."""
    topic = f"peer-{number}-{time.time_ns()}"
    topics = [f"{topic}-{each}" for each in TOPIC_NAMES] if name == "lensload" else [topic]
    told = {"PEER_BOOTSTRAP": kafka.bootstrap_servers, "PEER_TOPIC": topic, "PEER_BYTES": str(BYTES)}
    return measured(kafka.bootstrap_servers, topics, peers(kafka, topic)[name], told, seconds)


@click.command()
@click.option("--rounds", default=3, show_default=True, help="How often each is run.")
@click.option("--seconds", default=6.0, show_default=True, help="How long each is measured.")
def main(rounds: int, seconds: float) -> None:
    """Print medians: events a second, and the CPU that an event costs those that write it."""
    with Kafka(quick=False) as kafka:
        names = list(peers(kafka, ""))
        found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
        for number in range(rounds):
            for name in names:
                found[name].append(measure(kafka, name, number, seconds))
        ours = statistics.median(run["us/event"] for run in found["lensload"])
        for name, runs in found.items():
            rate, cost, reader = (statistics.median(run[key] for run in runs) for key in runs[0])
            note = f"; its reader {reader:.2f} us more" if reader else f", {cost / ours:.2f} of lensload's"
            print(f"{name:20} {rate:>10,.0f} events/s   {cost:7.2f} us of CPU an event{note}", flush=True)


if __name__ == "__main__":
    main()

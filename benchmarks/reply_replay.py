"""Whether one observer keeps up with answers that are replayed into the topic of a real broker at a rate.

    python benchmarks/reply_replay.py                  20,000 answers/s for 15 s (Java 17)
    python benchmarks/reply_replay.py --rate 10000

The answers are made before: ten items each, in LENS's schema, and only their requestId is filled in when they are sent, with
the moment at which they are due. So the time from then until an observer has each in hand says whether it falls behind:
the second half of the run must not be later than the first.
"""

import os
import sys
import time
from pathlib import Path

import click
import numpy as np
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

sys.path.insert(0, str(Path(__file__).parents[1]))  # what it shares with tests and other benchmarks

from benchmarks.cpu import NAMES, Cpu, family, sample
from benchmarks.reply_speed import ITEMS, LANES, RUN_TAG, value
from lensload import ids
from lensload.config.model import RESPONSES, RunConfig
from lensload.encoding.wire import header
from lensload.processes import messages
from lensload.processes.envelope import Envelope, Message, ProcessName
from lensload.processes.supervisor import Supervisor
from lensload.schema import definitions
from lensload.service.records import ANSWER
from lensload.world.catalogue import item_ids
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry

TICK_MS = 5
NS_PER_MS, NS_PER_S = 1_000_000, 1_000_000_000
ID = slice(6, 42)
"""Where the requestId is in a message: behind the schema's id and its own length."""


class Observing:
    """One observer process, as a coordinator drives it, and the answers that it has had in hand."""

    def __init__(self, config: RunConfig, kafka: Kafka, registry: Registry) -> None:
        self.answers: list[bytes] = []
        self.last: Message | None = None
        self._supervisor = Supervisor(self._receive)
        order = (config, kafka.bootstrap_servers, registry.url, False, RUN_TAG, 0, 1)
        self._supervisor.send("observer", messages.ConfigureObserver(*order))
        self.await_last(messages.Ready)

    def tell(self, message: Message) -> None:
        """Send it a message."""
        self._supervisor.send("observer", message)

    def poll(self) -> None:
        """Take in what it has sent."""
        self._supervisor.poll()

    def await_last(self, kind: type[Message]) -> None:
        """Take in what it sends until it has sent such a message."""
        deadline_s = time.monotonic() + 120
        while not isinstance(self.last, kind):
            self._supervisor.poll(0.05)
            if time.monotonic() > deadline_s:
                raise SystemExit(f"no {kind.__name__} within 120 s")

    def _receive(self, _: ProcessName, envelope: Envelope) -> None:
        message = envelope.opened()
        if isinstance(message, (messages.Refused, messages.Died)):
            raise SystemExit(message.text)
        if isinstance(message, messages.Replies):
            self.answers.append(message.answers)
        else:
            self.last = message


def replay(
    producer: Producer, values: list[bytes], rate: int, start_ns: int, seconds: int, observing: Observing
) -> int:
    """Send answers at a rate, each with a requestId that says when; gives how many."""
    ticks, each = seconds * 1000 // TICK_MS, rate * TICK_MS // 1000
    number = np.arange(each)
    for tick in range(ticks):
        due_ns = start_ns + tick * TICK_MS * NS_PER_MS
        sequence = (tick * each + number) // LANES
        texts = ids.texts(ids.words(np.full(each, due_ns), RUN_TAG, (tick * each + number) % LANES, sequence))
        while (left_ns := due_ns - time.time_ns()) > 0:
            producer.poll(left_ns / NS_PER_S)
        for place, text in enumerate(texts):
            made = values[(tick * each + place) % len(values)]
            producer.produce(RESPONSES, made[: ID.start] + bytes(text) + made[ID.stop :])
        producer.poll(0)
        observing.poll()
    producer.flush(30)
    return ticks * each


@click.command()
@click.option("--rate", default=20_000, show_default=True, help="Answers a second.")
@click.option("--seconds", default=15, show_default=True, help="For how long.")
def main(rate: int, seconds: int) -> None:
    """Print how late answers were in hand in either half, and the observer's cores."""
    with Kafka(quick=False) as kafka, Registry() as registry:
        servers = kafka.bootstrap_servers
        config = RunConfig.of(
            recommender="external", bootstrap_servers=servers, registry_url=registry.url, catalogue_size=ITEMS
        )
        client = SchemaRegistryClient({"url": registry.url})
        text = definitions.load()[RESPONSES].text
        schema_id = client.register_schema(f"{RESPONSES}-value", Schema(text, schema_type="AVRO"))
        names = item_ids(ITEMS)
        values = [value("0" * 36, number, names) for number in range(5_000)]
        values = [header(schema_id) + made[ID.start - 1 :] for made in values]
        observing = Observing(config, kafka, registry)
        start_ns = time.time_ns() // NS_PER_MS * NS_PER_MS + NS_PER_S
        observing.tell(messages.Begin(start_ns, start_ns, 0))
        before = used()
        producer = Producer({"bootstrap.servers": servers, "linger.ms": 5})
        sent = replay(producer, values, rate, start_ns, seconds, observing)
        spent = used()["observer"] - before["observer"]
        observing.tell(messages.Drain())
        observing.await_last(messages.ObserverDrained)
    answers = np.frombuffer(b"".join(observing.answers), ANSWER)
    late_ms = (answers["came_ns"] - answers["due_ns"]) / NS_PER_MS
    second_half = answers["due_ns"] >= start_ns + seconds * NS_PER_S // 2
    print(
        f"{sent:,} answers replayed at {rate:,}/s, {len(answers):,} in hand; observer {spent / seconds:.2f} cores"
    )
    for title, which in (("first half", ~second_half), ("second half", second_half)):
        p50, p99 = np.percentile(late_ms[which], [50, 99])
        print(f"{title}: in hand {p50:.1f} ms after it was due at p50, {p99:.1f} ms at p99")


def used() -> Cpu:
    """CPU seconds so far of this process and its children."""
    return sample(family(os.getpid(), NAMES, "replay"))


if __name__ == "__main__":
    main()

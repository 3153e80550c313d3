"""The bare loop: `produce()` over constant bytes, as fast as confluent-kafka goes from Python.

Run by `side_by_side.py` in a process of its own: BOOTSTRAP TOPIC BYTES EVENTS REPORTS, where REPORTS says
whether delivery reports are counted (1) or not asked for (0). Prints events per second, flushed, and the CPU time
of all its threads for an event, in us.
"""

import sys
import time
from typing import Any

from confluent_kafka import KafkaError, Message, Producer


def main() -> None:
    """Produce, flush and print the rate."""
    bootstrap, topic, size, events, reports = sys.argv[1:]
    counted = 0

    def delivered(error: KafkaError | None, _message: Message) -> None:
        nonlocal counted
        counted += error is None

    settings: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 5,
        "queue.buffering.max.messages": 1_000_000,
        "queue.buffering.max.kbytes": 524_288,
        "log_level": 2,
    }
    if reports == "1":
        settings["on_delivery"] = delivered
    producer = Producer(settings)
    producer.list_topics(topic, timeout=10)
    value, number = bytes(int(size)), int(events)
    started, cpu = time.perf_counter(), time.process_time()
    for place in range(number):
        while True:
            try:
                producer.produce(topic, value)
                break
            except BufferError:
                producer.poll(0.001)
        if place % 1000 == 0:
            producer.poll(0)
    producer.flush()
    took = time.perf_counter() - started
    if reports == "1" and counted != number:
        raise SystemExit(f"{counted} of {number} events were delivered")
    print(number / took, (time.process_time() - cpu) / number * 1e6)


if __name__ == "__main__":
    main()

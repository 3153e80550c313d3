"""What a program that writes to a broker as fast as it can gets there, and what an event costs it.

What is written is the broker's account (how far the ends of the partitions moved) and CPU the kernel's, over the same
seconds; so no program's own words count.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from confluent_kafka import Consumer, TopicPartition

from benchmarks.cpu import NAMES, SAMPLE_S, cores, family, samples
from lensload.kafka.topics import ensure_topics

PARTITIONS = 4
SETTLE_S = 3.0
"""From the first record until it is at full speed: Java compiles meanwhile."""
START_TIMEOUT_S = 180.0


class Ends:
    """Where the partitions of topics end."""

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        self._client = Consumer(
            {"bootstrap.servers": bootstrap_servers, "group.id": "unused", "log_level": 0}
        )
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]

    def total(self) -> int:
        """How many records were ever written."""
        ends = [self._client.get_watermark_offsets(partition, timeout=10) for partition in self._partitions]
        return sum(end[1] for end in ends if end)


def measured(
    bootstrap_servers: str,
    topics: Sequence[str],
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
) -> dict[str, float]:
    """Start a program that writes to these new topics; its events a second, what an event costs it, and its reader.

    Raises:
        SystemExit: it writes nothing.
    """
    ensure_topics({"bootstrap.servers": bootstrap_servers}, topics, PARTITIONS, 1, embedded=False)
    ends = Ends(bootstrap_servers, topics)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=folder
        )
        try:
            _await_first(process, ends, log)
            from_s, before = time.time(), ends.total()
            taken = samples(
                lambda: family(process.pid, NAMES, "writer"), lambda: time.time() < from_s + seconds
            )
            written, took_s = ends.total() - before, time.time() - from_s
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
    used, rate_per_s = cores(taken, from_s, from_s + seconds), written / took_s
    return {
        "events/s": rate_per_s,
        "us/event": (used["writer"] + used.get("generator", 0.0)) / rate_per_s * 1e6,
        "reader us/event": used.get("observer", 0.0) / rate_per_s * 1e6,
    }


def _await_first(process: subprocess.Popen[bytes], ends: Ends, log: TextIO) -> None:
    """Return when it has been writing for a while."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while not ends.total():
        if process.poll() is not None or time.monotonic() > deadline_s:
            log.seek(0)
            raise SystemExit(f"{process.args} writes nothing:\n{log.read()[-2000:]}")
        time.sleep(SAMPLE_S)
    time.sleep(SETTLE_S)

"""The reference recommender of examples/ as a process, beside a run: a service under test with planted faults."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions
from lensload.schema import registry as doors
from lensload.schema.registration import publish
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import PATIENCE_S, REPOSITORY, wait_until

TOPICS = ("recommendation-requests", "recommendation-responses")


class Recommender:
    """The service, from when it is assigned its partitions on.

    Args:
        folder: where its log goes.
        kafka: the cluster.
        registry: the registry, in which all schemas are then registered.
        prefix: of topics, subjects and its group.
        faults: its options.
    """

    def __init__(self, folder: Path, kafka: Kafka, registry: Registry, prefix: str, *faults: str) -> None:
        self.group = prefix + "recommendation-service"
        self._log = folder / "recommender.log"
        with doors.connect(registry.url, {}) as books:
            publish(books, definitions.load(), prefix)
        settings = {"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0}
        ensure_topics(settings, [prefix + topic for topic in TOPICS], 4, 1, embedded=False)
        environ = {
            "BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "SCHEMA_REGISTRY_URL": registry.url,
            "TOPIC_PREFIX": prefix,
        }
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(REPOSITORY / "examples" / "recommender.py"), *faults],
                env={**os.environ, **environ},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def __enter__(self) -> Self:
        wait_until(lambda: "assigned" in self._log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self._log.read_text()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.communicate()

    def stop(self) -> dict[str, int]:
        """End it, and get what it says it did."""
        self.process.send_signal(signal.SIGTERM)
        told, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, self._log.read_text()
        did: dict[str, int] = json.loads(told)
        return did


def beside(kafka: Kafka, registry: Registry, prefix: str) -> tuple[str, ...]:
    """The options of a run whose requests a service of that prefix answers."""
    return (
        *("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url),
        *("--topic-prefix", prefix, "--recommender", "external"),
    )

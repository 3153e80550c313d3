"""A service under test on a real cluster: answers on another topic and with other keys, of unknown versions, and its capacity."""

import contextlib
import io
import json
import sys
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from fastavro import schemaless_reader, schemaless_writer

from lensload.encoding import wire
from lensload.kafka.topics import ensure_topics
from lensload.schema import definitions, registration
from lensload.schema import registry as registries
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, Command
from tests.support.recommenders import Recommender, beside

pytestmark = pytest.mark.native

REQUESTS, RESPONSES = "recommendation-requests", "recommendation-responses"
SMALL = ("--audience-size", "500", "--catalogue-size", "2000", "--partitions", "1", "--warmup", "0s")
PATIENT = ("--min-achieved", "1%", "--response-timeout", "30s", "--drain-timeout", "60s")  # of a busy machine
UNKNOWN_ID, EVERY = 4_000_000, 5
LENSLOAD = [sys.executable, "-m", "lensload"]


class Echo:
    """A service that answers on a topic of its own choice, without keys.

    Of five answers one has an id that no registry has, and one has bytes that do not fit its id. Of the three others the id
    is before the value, in Confluent's header and in Apicurio's.

    Attributes:
        did: how many answers of each kind it has written.
    """

    def __init__(self, kafka: Kafka, registry: Registry, prefix: str, topic: str) -> None:
        self.did: Counter[str] = Counter()
        self._topic = prefix + topic
        schemas = definitions.load()
        self._asked, self._answered = schemas[REQUESTS].parsed, schemas[RESPONSES].parsed
        with registries.connect(registry.url, {}) as books:
            registration.publish(books, schemas, prefix)
            self._id = registries.schema_ids(books.register(schemas, prefix))[RESPONSES]
        settings = {"bootstrap.servers": kafka.bootstrap_servers, "log_level": 0}
        ensure_topics(settings, [prefix + REQUESTS, self._topic], 1, 1, embedded=False)
        self._consumer = Consumer({**settings, "group.id": f"{prefix}echo", "auto.offset.reset": "earliest"})
        self._consumer.assign([TopicPartition(prefix + REQUESTS, 0, 0)])
        self._producer = Producer({**settings, "linger.ms": 1})
        self._over = threading.Event()

    def serve(self) -> None:
        """Answer until told to stop."""
        while not self._over.is_set():
            message = self._consumer.poll(0.05)
            if message is not None and message.error() is None:
                stream = io.BytesIO((message.value() or b"")[5:])
                request: Any = schemaless_reader(stream, self._asked, None)
                value, headers = self._answer(request)
                self._producer.produce(self._topic, value, headers=list(headers.items()))
            self._producer.poll(0)
        self._producer.flush(20)
        self._consumer.close()

    def stop(self) -> None:
        """End `serve`."""
        self._over.set()

    def _answer(self, request: dict[str, Any]) -> tuple[bytes, dict[str, bytes]]:
        kind = ("unknown", "unfit", "good", "confluent", "apicurio")[self.did.total() % EVERY]
        self.did[kind] += 1
        shown = [
            {"itemId": f"item-{place:05d}", "score": 1 / (place + 1), "rank": place + 1, "explanation": None}
            for place in range(request["numRecommendations"])
        ]
        record = {
            **{name: request[name] for name in ("requestId", "timestamp", "userId", "modelName")},
            "modelVersion": "1",
            "recommendations": shown,
            "processingTime": 1,
            "status": "success",
            "errorMessage": None,
        }
        stream = io.BytesIO()
        schemaless_writer(stream, self._answered, record)
        body = stream.getvalue()
        match kind:
            case "confluent":
                return body, {"__value_schema_id": wire.header(self._id)}
            case "apicurio":
                return body, {"apicurio.value.contentId": self._id.to_bytes(8, "big")}
            case "unfit":
                return wire.header(self._id) + body[: len(body) // 2], {}
            case _:
                return wire.header(UNKNOWN_ID if kind == "unknown" else self._id) + body, {}


@contextlib.contextmanager
def echoing(echo: Echo) -> Generator[Echo]:
    """The service in a thread."""
    thread = threading.Thread(target=echo.serve)
    thread.start()
    try:
        yield echo
    finally:
        echo.stop()
        thread.join(30)


def test_answers_on_another_topic_without_keys_with_headers_and_of_unknown_versions_are_counted(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """All are answers, wherever the schema's id is; what cannot be decoded is counted as that, exactly, and stops nothing."""
    where = (*beside(kafka, registry, topic_prefix), "--responses-topic", "answers", "--rate", "100")
    with echoing(Echo(kafka, registry, topic_prefix, "answers")) as echo:
        slo = ("--slo", "answered == 100%", "--slo", "response.p50 < 1m", "--slo", "unknown_schema >= 1%")
        with Bench(tmp_path.resolve(), *where, *SMALL, *PATIENT, *slo, "--duration", "3s") as bench:
            code, run = bench.ended(), bench.run()
    found: Any = run.get("responses")
    assert code == 0, bench.log
    assert found["requests"] == found["answered"] == echo.did.total()
    assert found["unknown_schema"] == echo.did["unknown"] + echo.did["unfit"]
    assert run["latency_us"]["response"]["all"]["count"] == found["answered"]
    assert [found[name] for name in ("unanswered", "corrupt", "foreign", "unasked", "misdirected")] == [0] * 5
    assert min(echo.did[kind] for kind in ("good", "confluent", "apicurio")) > 0
    assert found["reception"]["pages"] > echo.did["good"], "people see what can be read"


@pytest.mark.parametrize(("slo", "outcome"), [("1m", "at_least"), ("1ms", "none")])
def test_the_capacity_of_a_service_is_searched_for(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, slo: str, outcome: str
):
    """A search makes its runs against the service, whose response latency decides: here it takes 50 ms or more."""
    search = ("--start-rate", "40", "--max-rate", "80", "--step-duration", "2s", "--settle", "0s")
    objective = ("--slo", f"response.p50 < {slo}", "--slo", "answered == 100%")
    where = (*beside(kafka, registry, topic_prefix), *SMALL, *PATIENT)
    with Recommender(tmp_path, kafka, registry, topic_prefix, "--delay", "50ms"):
        command = [*LENSLOAD, "capacity", *search, *objective, *where]
        with Command(tmp_path.resolve(), command, name="capacity") as capacity:
            assert capacity.ended(240) == (0 if outcome == "at_least" else 1), capacity.log
    made = json.loads((tmp_path / "capacity.json").read_text())
    assert made["outcome"] == outcome
    assert made["held_per_s"] == (80 if outcome == "at_least" else None)
    tried = json.loads(next((tmp_path / "capacity-runs").glob("*.json")).read_text())
    assert tried["responses"]["answered"] == tried["responses"]["requests"] > 0

"""The reference recommender under test: what it is told to do wrong is found, exactly, and so is its absence."""

from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from lensload.results.run import Run
from lensload.verdict.verdict import codes
from tests.calibration.benches import SMALL, options
from tests.calibration.table import ROUNDS, Table
from tests.harness.kafka import Kafka
from tests.harness.registry import Registry
from tests.support.locusts import Bench, check_good, check_whole
from tests.support.recommenders import Recommender, beside

REQUESTS_PER_S = 1_000
FAULTS = ("--drop", "0.01", "--double", "0.02", "--misdirect", "0.03", "--short", "0.04", "--items", "220")
ANOTHER_RUNS_ID = "018f3c2e-7b00-7abc-8000-000000000001"


def answers_of(run: Run) -> dict[str, Any]:
    found: Any = run.get("responses")
    assert found is not None
    return found


def test_every_fault_of_the_service_is_counted(
    kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path, table: Table
):
    """Dropped, doubled, misdirected and short answers are as many as the service planted; strangers are counted apart."""
    load = options(rate=REQUESTS_PER_S, duration=f"{5 * ROUNDS}s", warmup="0s", response_timeout="5s")
    with Recommender(tmp_path, kafka, registry, topic_prefix, *FAULTS) as service:
        with Bench(tmp_path.resolve(), *SMALL, *beside(kafka, registry, topic_prefix), *load) as bench:
            bench.says("measuring")
            write_strange(kafka, topic_prefix + "recommendation-responses")
            code, run = bench.ended(), bench.run()
        check_good(run, code)
        check_whole(run)
        found = answers_of(run)
        did = service.stop()
    assert did["requests"] == found["requests"], "the service has read what the run has sent"
    for fault, name in {
        "requests": "requests",
        "answered": "answered",
        "drop": "unanswered",
        "double": "duplicated",
        "misdirect": "misdirected",
        "short": "wrong_count",
    }.items():
        table.exact(f"service under test, {did['requests']:,} requests: {fault}", did[fault], found[name])
    table.exact("answers to requests of another run", 3, found["foreign"])
    table.exact("garbage on the topic of the answers", 2, found["corrupt"])
    assert found["unknown_items"] > 0, "it recommends items beyond the catalogue of 200"
    assert found["reception"]["clicks"] > 0, "people click on what was recommended"
    assert [found[name] for name in ("wrong_model", "disordered", "late", "unasked")] == [0, 0, 0, 0]


def write_strange(kafka: Kafka, topic: str) -> None:
    """Answers to another run's requests, and what is no answer at all."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    foreign = b"\0\0\0\0\1" + bytes([72]) + ANOTHER_RUNS_ID.encode() + bytes(20)
    for value in (foreign, foreign, foreign, b"garbage", None):
        producer.produce(topic, value)
    assert producer.flush(20) == 0


def test_a_service_that_is_not_there(kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path):
    """Without any answer a run fails after the timeout, says so, and has looked for the service's group."""
    load = options(rate=100, duration="2s", warmup="0s", response_timeout="1s")
    arguments = (*SMALL, *beside(kafka, registry, topic_prefix), *load)
    with Bench(tmp_path.resolve(), *arguments, "--slo", "answered >= 99%") as bench:
        assert bench.ended() == 1, bench.log
        run = bench.run()
    assert "no_answers" in codes(run["reasons"])
    assert "objective_missed" in codes(run["reasons"])
    assert answers_of(run)["unanswered"] == answers_of(run)["requests"] > 0
    assert any("group" in notice for notice in run["notices"]), run["notices"]

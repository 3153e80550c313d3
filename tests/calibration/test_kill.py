"""Processes killed in the middle: the broker, and one of two generators. What was acknowledged is accounted for."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

from lensload.results.run import Run, total
from tests.calibration.benches import SMALL, on, options
from tests.calibration.table import Table
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench, child_pids

LOAD = options(rate=2000, duration="6s", warmup="0s")


def test_a_killed_broker_loses_no_acknowledged_event(own_kafka: Kafka, tmp_path: Path, table: Table):
    """Under acks=all: the run goes on, every acknowledged event is in the log, and the ledger balances to one event."""
    witness = Witness(own_kafka)
    with Bench(tmp_path, *SMALL, *on(own_kafka.bootstrap_servers), *LOAD, "--acks", "all") as bench:
        bench.says("measuring")
        time.sleep(1)
        own_kafka.kill()
        time.sleep(0.5)
        own_kafka.start()
        assert bench.ended(90) in (0, 3), bench.log
        run = bench.run()
    what = "broker killed (SIGKILL) and restarted under acks=all:"
    table.exact(f"{what} events produced, of those that were due", 12_000, total(run, "produced"))
    check_against(run, witness, what, table)
    table.exact(f"{what} acknowledged and lost", 0, total(run, "lost"))
    assert run["series"][-1]["at_s"] >= 6, "the run went on"


def test_a_killed_generator_is_told_and_what_it_sent_is_counted(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, table: Table
):
    """One of two workers dies: the run is invalid and says who, and what was seen is just what lies in the topics."""
    witness, folder = Witness(kafka, topic_prefix), tmp_path.resolve()
    load = (*on(kafka.bootstrap_servers, topic_prefix), *LOAD, "--workers", "2")
    with Bench(folder, *SMALL, *load) as bench:
        bench.says("measuring")
        time.sleep(2)
        os.kill(generators(folder)[0], signal.SIGKILL)
        code = bench.ended()
        run, log = bench.run(), bench.log
    (said,) = (reason["text"] for reason in run["reasons"] if reason["code"] == "process_died")
    table.beside("one of two generators killed (SIGKILL)", "exit code 3, said", f"exit code {code}: “{said}”")
    assert code == 3, log
    check_observed(run, witness, "one of two generators killed:", table)
    assert 0 < total(run, "produced") < 12_000
    assert total(run, "lost") == 0, "what was acknowledged to it lies there too"


def check_against(run: Run, witness: Witness, what: str, table: Table) -> None:
    """Produced is acked, failed or without an answer; and what was observed is what lies there."""
    answered = total(run, "acked") + total(run, "failed") + total(run, "unflushed")
    table.exact(f"{what} acked + failed + unflushed, of those produced", total(run, "produced"), answered)
    check_observed(run, witness, what, table)


def check_observed(run: Run, witness: Witness, what: str, table: Table) -> None:
    """Distinct events and further sights of one, by the ids that a plain consumer reads."""
    sights = Counter((each.topic, each.id) for each in witness.read())
    table.exact(
        f"{what} different events that lie in the topics: `observed`", len(sights), total(run, "observed")
    )
    table.exact(
        f"{what} further copies of one: `duplicated`", sights.total() - len(sights), total(run, "duplicated")
    )


def generators(folder: Path) -> list[int]:
    """The generators' pids."""
    return child_pids(folder, "lensload.generator.process")

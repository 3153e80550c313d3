"""A broker that waits for its disk: what it took late is accounted for, and the time is called the broker's."""

import time
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from lensload.results.run import total
from tests.calibration.benches import SMALL, above, busy, on, options
from tests.calibration.table import Table
from tests.calibration.test_kill import check_against
from tests.calibration.witness import PARSED, Witness
from tests.conftest import skip
from tests.harness.disk import SlowDisk
from tests.harness.kafka.on_disk import KafkaOnDisk
from tests.support.locusts import Bench

RATE_PER_S = 600
DURATION_S = 9
SLOW_S = 3
BYTES_PER_S = 64 * 1024
EACH_TO_DISK = {"flush.messages": "1", "message.timestamp.type": "LogAppendTime"}


@pytest.mark.native
def test_a_slow_disk_is_in_the_acknowledgements_and_loses_nothing(tmp_path: Path, table: Table):
    """A broker's disk takes 64 KiB/s for 3 s: every event is acknowledged and kept, none earlier than the log has it."""
    if lacking := SlowDisk.missing():
        skip(f"needs {lacking} for a disk that can be slowed down")
    was_busy = busy()
    load = options(rate=RATE_PER_S, duration=f"{DURATION_S}s", warmup="0s", acks="all")
    patience = options(drain_timeout="2m", max_observer_lag="1m")
    with KafkaOnDisk(SlowDisk, 512 << 20) as kafka:
        admin, witness = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}), Witness(kafka)
        topics = [NewTopic(name, 1, 1, config=EACH_TO_DISK) for name in PARSED]
        for created in admin.create_topics(topics).values():
            created.result(30)
        with Bench(tmp_path, *SMALL, *on(kafka.bootstrap_servers), *load, *patience) as bench:
            bench.says("measuring")
            time.sleep(2)
            kafka.disk.slow_down(kafka.pid, BYTES_PER_S)
            time.sleep(SLOW_S)
            kafka.disk.release()
            assert bench.ended() in (0, 3), bench.log
            run = bench.run()
        waits_s = sorted(each.append_ms / 1e3 - each.due_ms / 1e3 for each in witness.read())
        what = f"broker whose disk takes {BYTES_PER_S // 1024} KiB/s for {SLOW_S} s:"
        table.exact(
            f"{what} events produced, of those that were due", RATE_PER_S * DURATION_S, total(run, "produced")
        )
        check_against(run, witness, what, table)
        table.exact(
            f"{what} acknowledged, of those that were due", RATE_PER_S * DURATION_S, total(run, "acked")
        )
        table.exact(f"{what} acknowledged and lost", 0, total(run, "lost"))
    longest_s = run["latency_us"]["ack"]["all"]["max"] / 1e6
    late, found = sum(wait_s > 0.5 for wait_s in waits_s), above(run, "ack", 0.5)
    table.beside(
        f"{what} longest wait, by the log and acknowledged", f"{waits_s[-1]:.2f} s", f"{longest_s:.2f} s"
    )
    table.beside(f"{what} ack above 0.5 s, by the log at least", f"{late:,} events", f"{found:,} events")
    assert waits_s[-1] > 0.5, "the disk was not slow"
    assert longest_s >= waits_s[-1] - 0.002
    assert found >= 0.99 * late
    breakdown = run["breakdown"]
    assert breakdown is not None
    table.beside(f"{what} mostly", "broker", breakdown["mostly"])
    assert was_busy or breakdown["mostly"] in ("broker", "client"), breakdown

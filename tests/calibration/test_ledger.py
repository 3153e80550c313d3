"""Records deleted, doubled, swapped and spoilt under a run: each found, and each counted exactly."""

import os
import signal
import time
from pathlib import Path

from confluent_kafka import Producer

from lensload.results.run import Run, total
from lensload.verdict.verdict import codes
from tests.calibration.benches import SMALL, on, options, process
from tests.calibration.mischief import SPOILERS, Mischief, done_to
from tests.calibration.table import Table
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench, wait_until

# Events for 3 s, silence, events, silence: in the silences it is known who has read what.
LOAD = options(rate=500, duration="12s", warmup="0s", profile="steps:1,0,1,0")
TRUTHS = {
    "lost": "records deleted, or their heads broken, before anybody read them",
    "duplicated": "the same bytes written twice",
    "reordered": "two records of one writer swapped",
    "corrupt": f"record spoilt ({', '.join(SPOILERS)}, head broken)",
}


def test_what_is_done_to_records_is_found_and_counted(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, table: Table
):
    """Lost, duplicated, reordered and corrupt are, topic by topic, just what was done, and nothing else is told."""
    witness, folder = Witness(kafka, topic_prefix), tmp_path.resolve()
    witness.create(4)
    with Bench(folder, *SMALL, *on(kafka.bootstrap_servers, topic_prefix), *LOAD) as bench:
        bench.says("measuring")
        wait_until(lambda: any(end for _, end in witness.ends().values()))
        before = witness.quiet()
        observer = process(folder, "lensload.observer.process")
        os.kill(observer, signal.SIGSTOP)  # it has read all that is there, and no fetch will bring it more
        time.sleep(0.7)
        assert witness.ends() == before, "the silence was over: this machine is too slow for this test"
        wait_until(lambda: witness.ends() != before)
        after = witness.quiet()
        captured = witness.read({place: end for place, (_, end) in before.items()})
        witness.delete(after)
        mischief = done_to(captured)
        write(kafka, topic_prefix, mischief)
        os.kill(observer, signal.SIGCONT)
        code = bench.ended()
        run, log = bench.run(), bench.log
    assert code == 3, log
    assert "deleted_before_read" in codes(run["reasons"]), run["reasons"]
    check(run, mischief, table)
    skipped = int(run["totals"]["deleted_before_read"])
    table.exact("records deleted under the run: offsets that were skipped", len(captured), skipped)


def write(kafka: Kafka, prefix: str, mischief: Mischief) -> None:
    """As another program would: what was captured, to the partitions it came from."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    for each, value in mischief.records:
        producer.produce(prefix + each.topic, value, each.key, each.partition)
    assert producer.flush(10) == 0


def check(run: Run, mischief: Mischief, table: Table) -> None:
    """Topic by topic in the test, in sum in the table."""
    for name, what in TRUTHS.items():
        table.exact(f"{what}: `{name}`", mischief.done[name].total(), total(run, name))
        found = {topic: counts[name] for topic, counts in run["topics"].items()}
        assert found == {topic: mischief.done[name][topic] for topic in found}, name
    assert total(run, "produced") == total(run, "acked") == total(run, "observed") + total(run, "lost")
    assert run["totals"].get("foreign", 0) == 0

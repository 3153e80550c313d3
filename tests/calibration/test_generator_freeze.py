"""The generator stands still for 2 s: counted event by event, however busy the machine is, by what the records say."""

import os
import signal
import time
from pathlib import Path

from lensload.verdict.verdict import codes
from tests.calibration.benches import SMALL, above, on, process
from tests.calibration.table import Table
from tests.calibration.test_freeze import FROZEN_S, LEVELS_S, LOAD, RATE_PER_S, WITHIN, measured
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench, check_whole


def test_a_frozen_generator_is_told_as_such(kafka: Kafka, topic_prefix: str, tmp_path: Path, table: Table):
    """What the generator was late for stands in the schedule lag, event by event, and the run is invalid for it."""
    witness, folder = Witness(kafka, topic_prefix), tmp_path.resolve()
    witness.create(4)
    with Bench(folder, *SMALL, *on(kafka.bootstrap_servers, topic_prefix), *LOAD) as bench:
        bench.says("measuring")
        time.sleep(2)
        generator = process(folder, "lensload.generator.process")
        os.kill(generator, signal.SIGSTOP)
        time.sleep(FROZEN_S)
        os.kill(generator, signal.SIGCONT)
        code = bench.ended()
        run = bench.run()
    check_whole(run)
    assert code == 3
    assert "schedule_lag" in codes(run["reasons"]), run["reasons"]
    # librdkafka stamps each record as it is handed over (CreateTime), which is when schedule lag ends.
    events = measured(run, witness)
    for level_s in LEVELS_S:
        by_the_stamps = int((events[:, 1] - events[:, 0] > level_s).sum())
        said = f"generator frozen for {FROZEN_S:g} s: schedule_lag above {level_s:g} s, by the records' CreateTime"
        table.near(said, by_the_stamps, above(run, "schedule_lag", level_s), WITHIN, "events")
        assert by_the_stamps > RATE_PER_S * (FROZEN_S - level_s) - WITHIN

"""The broker stands still for 2 s: an open loop shows what arithmetic says, a closed one nearly nothing."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from confluent_kafka import Producer
from numpy.typing import NDArray

from lensload.results.run import Run
from tests.calibration.benches import SMALL, above, busy, on, options
from tests.calibration.table import Table
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench, check_whole

RATE_PER_S = 5_000
FROZEN_S = 2.0
WARMUP_S = 2
LEVELS_S = (0.5, 1.0, 1.5, 1.75)
WITHIN = round(0.02 * RATE_PER_S * FROZEN_S)
TRIES = 3
LOAD = options(rate=RATE_PER_S, duration="8s", warmup=f"{WARMUP_S}s", linger_ms=1, max_schedule_lag="100ms")


class ClosedLoop(threading.Thread):
    """What measures a service by asking, waiting for the answer, and asking again: a sample each ms at most."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        super().__init__(daemon=True)
        self.latencies_s: list[float] = []
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 0, "acks": "all"})
        self._done = threading.Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._done.wait(0.001):
            began_s = time.monotonic()
            self._producer.produce(self._topic, bytes(200))
            self._producer.flush()
            self.latencies_s.append(time.monotonic() - began_s)

    def end(self) -> None:
        """After the sample that is under way."""
        self._done.set()
        self.join()


@dataclass(frozen=True)
class Truth:
    """How many events waited longer than something at a stage: by arithmetic or the broker's log, and as reported."""

    what: str
    truth: int
    found: int
    within: int

    @property
    def holds(self) -> bool:
        """The two are as near as they must be."""
        return abs(self.found - self.truth) <= self.within


def test_a_frozen_broker_is_seen_by_all_who_were_due(own_kafka: Kafka, tmp_path: Path, table: Table):
    """Each of the 10,000 events due meanwhile counts with the time that it waited, not one sample for all of them.

    A machine whose processors others take away lets a broker wake up slowly, so that this may be tried again.
    """
    was_busy, truths = busy(), list[Truth]()
    Witness(own_kafka).create(1, ["closed-loop"])
    closed = ClosedLoop(own_kafka.bootstrap_servers, "closed-loop")
    for number in range(TRIES):
        truths = frozen(own_kafka, tmp_path.resolve() / f"try{number}", closed if not number else None)
        if all(each.holds for each in truths):
            break
    check_closed(np.array(closed.latencies_s), table)
    for each in truths:
        if was_busy and not each.holds:
            table.beside(
                each.what, f"{each.truth:,} events", f"{each.found:,} events", "", "machine too busy"
            )
            assert each.found > each.truth - WITHIN, (
                "nothing is acknowledged or seen before the broker has it"
            )
        else:
            table.near(each.what, each.truth, each.found, each.within, "events")


def frozen(kafka: Kafka, folder: Path, closed: ClosedLoop | None) -> list[Truth]:
    """One run over a frozen broker, perhaps with a closed loop beside it."""
    folder.mkdir()
    witness = Witness(kafka, f"{folder.name}-")
    witness.create(4, **{"message.timestamp.type": "LogAppendTime"})
    with Bench(folder, *SMALL, *on(kafka.bootstrap_servers, witness.prefix), *LOAD) as bench:
        bench.says("measuring")
        if closed:
            closed.start()
        time.sleep(3)
        kafka.freeze()
        froze_s = time.time()
        time.sleep(FROZEN_S)
        thawed_s = time.time()
        kafka.thaw()
        code = bench.ended()
        run, log = bench.run(), bench.log
    if closed:
        closed.end()
    assert code in (0, 3), log
    check_whole(run)
    return truths_of(run, measured(run, witness), froze_s, thawed_s)


def truths_of(run: Run, events: NDArray[np.float64], froze_s: float, thawed_s: float) -> list[Truth]:
    """What arithmetic and the broker's log say of the waiting, beside what the run says."""
    frozen_s = thawed_s - froze_s
    meanwhile = events[(events[:, 0] >= froze_s) & (events[:, 0] < thawed_s)]
    what = f"broker frozen for {frozen_s:.3f} s at {RATE_PER_S:,}/s:"
    found = [Truth(f"{what} events due meanwhile", round(RATE_PER_S * frozen_s), len(meanwhile), WITHIN)]
    # A broker that wakes up needs time to take what has gathered, and what had been due just before; its log says.
    recovery_s = max(0.0, float(meanwhile[:, 1].max()) - thawed_s)
    caught = int(((events[:, 0] < froze_s) & (events[:, 1] > thawed_s)).sum())
    slack = WITHIN + round(RATE_PER_S * recovery_s) + caught
    for level_s in LEVELS_S:
        arithmetic = round(RATE_PER_S * (frozen_s - level_s))
        by_the_log = int((events[:, 1] - events[:, 0] > level_s).sum())
        for stage in ("ack", "end_to_end"):
            said, reported = f"{what} {stage} above {level_s:g} s", above(run, stage, level_s)
            found.append(Truth(said, arithmetic, reported, slack))
            found.append(Truth(f"{said}, by the broker's log", by_the_log, reported, WITHIN))
    return found


def measured(run: Run, witness: Witness) -> NDArray[np.float64]:
    """When each event of the measured time was due and when its record was stamped, Unix seconds; shape (n, 2)."""
    events = np.array([(each.due_ms, each.append_ms) for each in witness.read()]) / 1000
    return events[events[:, 0] >= datetime.fromisoformat(run["started_at"]).timestamp() + WARMUP_S]


def check_closed(latencies_s: NDArray[np.float64], table: Table) -> None:
    """One sample of thousands saw it, so that no percentile up to p99.9 does."""
    p999_s = float(np.percentile(latencies_s, 99.9))
    seen = int((latencies_s > FROZEN_S / 4).sum())
    table.beside(
        "the same by a closed loop beside it",
        f"{(FROZEN_S - FROZEN_S / 4) * RATE_PER_S:,.0f} of 40,000 events above {FROZEN_S / 4:g} s",
        f"{seen:,} of {len(latencies_s):,} samples; p99.9 {1000 * p999_s:,.1f} ms",
    )
    assert seen <= max(1, len(latencies_s) // 1000), "it asks one at a time"
    assert latencies_s.max() > FROZEN_S * 0.98

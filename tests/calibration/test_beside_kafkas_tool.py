"""End-to-end latency beside Kafka's own EndToEndLatency, on one idle broker, with the same acks and size."""

import re
from pathlib import Path

from tests.calibration.benches import bench, busy, on, options
from tests.calibration.table import ROUNDS, Table
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka

TOOL = "org.apache.kafka.tools.EndToEndLatency"
TURNS = max(2, ROUNDS)
RECORDS = 2_000
LOAD = options(rate=100, duration="2s", warmup="1s", acks="all", linger_ms=0, partitions=1)
FACTOR = 3
"""The tool sends the next record when the last has arrived, so that client and broker never go to sleep, and its time
begins at send(); ours begins when an event is due, and 10 ms pass between two. They are no further apart than this
where neither lingers and both fetch at once."""


def test_end_to_end_beside_kafkas_own_tool(kafka: Kafka, topic_prefix: str, tmp_path: Path, table: Table):
    """Taken in turns, the medians are of one size, each in its quietest turn."""
    was_busy = busy()
    ours_ms, theirs_ms, means_ms = list[float](), list[float](), list[float]()
    Witness(kafka, topic_prefix).create(1, ["tool"])
    for turn in range(TURNS):
        run, code = bench(tmp_path, f"turn{turn}", *on(kafka.bootstrap_servers, topic_prefix), *LOAD)
        assert code in (0, 3), run["reasons"]
        ours_ms.append(run["latency_us"]["end_to_end"]["all"]["p50"] / 1000)
        size = str(round(run["load"]["mean_bytes"]))
        said = kafka.tool(TOOL, kafka.bootstrap_servers, f"{topic_prefix}tool", str(RECORDS), "all", size)
        theirs_ms.append(float(figure(r"50th = (\d+)", said)))
        means_ms.append(float(figure(r"Avg latency: ([\d.]+) ms", said)))
    ours, theirs, mean = min(ours_ms), min(theirs_ms), min(means_ms)
    what = f"end-to-end p50 at 100/s on an idle broker, beside EndToEndLatency's {RECORDS:,} records, the best of {TURNS} turns"
    table.beside(
        what,
        f"{theirs:.0f} to {theirs + 1:.0f} ms (mean {mean:.2f})",
        f"{ours:.2f} ms (worst turn {max(ours_ms):.2f})",
        f"{ours / mean:.2f} times its mean",
        f"a factor of {FACTOR}",
    )
    assert theirs / FACTOR < ours, "nothing is seen before it was sent"
    assert was_busy or ours < (theirs + 1) * FACTOR


def figure(pattern: str, said: str) -> str:
    """One of those that the tool prints: percentiles in whole milliseconds, cut off, and an exact mean."""
    found = re.search(pattern, said)
    assert found, said
    return found[1]

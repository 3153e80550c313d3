"""The rows of real runs: each second holds what became of the events that were due in it."""

from pathlib import Path

import pytest

from lensload.metrics.counts import PROGRESS, count_of
from lensload.results.run import Run, total, with_lengths
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench

SMALL = ("--audience-size", "500", "--catalogue-size", "200", "--registry-url", "mock://")


def check_rows(run: Run) -> None:
    """Rows have what was asked for, to the event, but what was given up as overdue, and add up to the ledger."""
    given_up = 0.0
    for row, length_s in with_lengths(run["series"]):
        asked = row["target_per_s"] * length_s
        assert row["produced"] <= asked + 1.001, row
        assert row["produced"] == row["acked"] == row["observed"], row
        given_up += max(0.0, asked - row["produced"] - 1.001)
    assert given_up <= run["totals"].get("unsent", 0)
    for name in PROGRESS:
        warm = sum(count_of(counts, name) for counts in run["warmup"].values())
        assert sum(row[name] for row in run["series"]) == total(run, name) + warm
        assert sum(piece[name] for piece in run["slices"]) == total(run, name)


def test_each_second_holds_what_was_due_in_it(kafka: Kafka, topic_prefix: str, tmp_path: Path):
    """Load meets target in every second, though each acknowledgement comes most of a second after its event was due."""
    where = ("--bootstrap-servers", kafka.bootstrap_servers, "--topic-prefix", topic_prefix)
    load = ("--rate", "301", "--warmup", "1300ms", "--duration", "4500ms", "--linger-ms", "700")
    with Bench(tmp_path, *SMALL, *where, *load, "--profile", "steps:0.5,2") as bench:
        bench.ended()
        run = bench.run()
    ends_s = [row["at_s"] for row in run["series"]]
    assert ends_s == pytest.approx([0.3, 1.3, 2.3, 3.3, 4.3, 5.3, 5.8]), "no second is missing"
    assert [row["phase"] for row in run["series"]] == ["warm-up"] * 2 + ["measuring"] * 5
    check_rows(run)

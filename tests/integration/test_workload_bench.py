"""`lensload bench --workload`: events of schemas that are not LENS's, measured and accounted for as LENS's are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensload.results.comparability import differences
from tests.support import shop
from tests.support.locusts import Bench, Locust, child_pids, wait_until

MIN = ("--min-events", "1", "--min-measured", "1s")
SHORT = ("--rate", "400", "--duration", "2s", "--warmup", "1s", *MIN)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to run in, in which no process is left behind."""
    folder = tmp_path.resolve()
    yield folder
    wait_until(lambda: not child_pids(folder))


@pytest.mark.parametrize("serializer", ["fragments", "confluent"])
def test_events_of_a_workload_are_accounted_for_one_by_one(folder: Path, serializer: str):
    """On the embedded cluster: every event that was sent has arrived, in time order, once, and as Confluent writes it."""
    shop.written(folder)
    with Bench(folder, "--workload", "shop.toml", *SHORT, "--serializer", serializer) as bench:
        bench.ended()
        log, run = bench.log, bench.run()
    assert "Traceback" not in log
    assert set(run["topics"]) == {"orders", "payments"}
    for counts in run["topics"].values():
        assert counts["produced"] == counts["acked"] == counts["observed"] > 0
        assert (counts["lost"], counts["duplicated"], counts["corrupt"]) == (0, 0, 0)
    assert run["totals"].get("mismatched", 0) == 0
    assert serializer == "confluent" or run["totals"]["audited"] > 0
    told = run["conditions"]["configuration"]["workload"]
    assert told["file"] == "shop.toml"
    assert run["conditions"]["seed"] == 7
    assert "lift" not in run["conditions"]["configuration"]
    for stage in ("schedule_lag", "ack", "end_to_end"):
        assert set(run["histograms"][stage]) == {"orders", "payments"}


def test_one_topic_of_a_workload_is_written_alone(folder: Path):
    """The rate is then that topic's, and the others are not created."""
    shop.written(folder)
    with Bench(folder, "--workload", "shop.toml", "--topics", "payments", *SHORT) as bench:
        bench.ended()
        run = bench.run()
    assert set(run["topics"]) == {"payments"}
    assert run["topics"]["payments"]["lost"] == 0


def test_a_workload_that_is_broken_is_refused_before_anything_starts(folder: Path):
    """With file, line and what was meant, and exit code 2."""
    shop.written(folder, shop.TEXT.replace('stopwatch = "orderId"', 'stopwatch = "ordrId"'))
    with Bench(folder, "--workload", "shop.toml", *SHORT) as bench:
        assert bench.ended() == 2
        log = bench.log
    assert "shop.toml:" in log
    assert "orderId" in log
    assert "Traceback" not in log
    assert not (folder / "run.json").exists()


def test_runs_of_other_workloads_are_no_like_conditions(folder: Path):
    """Compare refuses two runs of unlike events, and names the workloads."""
    shop.written(folder)
    for number in (1, 2):
        path = folder / "shop.toml"
        path.write_text(shop.TEXT.replace("seed = 7", f"seed = {number}"))
        with Bench(folder, "--workload", "shop.toml", *SHORT, "--run-file", f"{number}.json") as bench:
            bench.ended()
    runs = [json.loads((folder / f"{number}.json").read_text()) for number in (1, 2)]
    found = [each.text for each in differences(*runs) if each.name == "workload"]
    assert len(found) == 1
    assert "shop.toml" in found[0]


def test_locust_users_are_rates_of_a_workload(folder: Path):
    """Users make its events, on a second worker too; a behaviour of LENS's people is refused before anything is sent."""
    shop.written(folder)
    short = (
        *("--headless", "--only-summary", "--warmup", "500ms", "--duration", "2s", "--user-rate", "100"),
        *MIN,
    )
    with Locust(
        folder, *short, "-u", "2", "-r", "2", "--processes", "2", "--workload", "shop.toml"
    ) as locust:
        locust.ended()
        run = locust.run()
    assert set(run["topics"]) == {"orders", "payments"}
    assert all(counts["observed"] == counts["acked"] > 0 for counts in run["topics"].values())
    assert all(counts["lost"] == counts["duplicated"] == 0 for counts in run["topics"].values())
    crowd = "from lensload.locust import OrdinaryAudience\n\n\nclass Mine(OrdinaryAudience):\n    purchase_rate = 0.9\n"
    (folder / "run.json").unlink()
    with Locust(folder, *short, "-u", "1", "--workload", "shop.toml", locustfile=crowd) as locust:
        assert locust.ended() == 2
        assert "purchase_rate" in locust.log
        assert "--workload" in locust.log
    assert not (folder / "run.json").exists()

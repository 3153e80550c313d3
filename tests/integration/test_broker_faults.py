"""A broker that goes away in the middle: told as it happens, counted, and the run goes on to its end."""

import re
import time
from pathlib import Path

from lensload.kafka.client_errors import NO_BROKER
from lensload.results.run import Run, total
from lensload.verdict.verdict import codes
from tests.calibration.table import Table
from tests.calibration.test_kill import check_against
from tests.calibration.witness import Witness
from tests.harness.kafka import Kafka
from tests.support.locusts import Bench, check_good, check_kept, check_whole, wait_until

SMALL = ("--audience-size", "500", "--catalogue-size", "200", "--registry-url", "mock://", "--warmup", "0s")
LEDGER = ("produced", "acked", "failed", "observed")


def await_events(bench: Bench, kafka: Kafka) -> None:
    """Wait until the run is on and the broker has some of its events."""
    bench.says("measuring")
    witness = Witness(kafka)
    wait_until(lambda: any(end for _, end in witness.ends().values()))


def check_series(run: Run) -> None:
    """Second by second, too, everything is accounted for."""
    for name in LEDGER:
        assert sum(row[name] for row in run["series"]) == total(run, name), name


def test_a_broker_that_comes_back_is_waited_for_and_loses_nothing(own_kafka: Kafka, tmp_path: Path):
    """While it is away the schedule goes on; once it is back all that was due arrives, late from its due time."""
    load = ("--rate", "400", "--duration", "5s", "--bootstrap-servers", own_kafka.bootstrap_servers)
    # A busy machine starts a broker slowly; and whatever the observer reads late is not its own doing.
    judged = ("--drain-timeout", "2m", "--max-observer-lag", "1s")
    with Bench(tmp_path, *SMALL, *load, *judged) as bench:
        await_events(bench, own_kafka)
        own_kafka.kill()
        went_s = time.monotonic()
        bench.says(f"generator: {NO_BROKER}")
        bench.says(f"observer: {NO_BROKER}")
        bench.says(f"generator: {own_kafka.bootstrap_servers}: Connect to .* failed: Connection refused")
        own_kafka.start()
        away_s = time.monotonic() - went_s
        code = bench.ended()
        run, log = bench.run(), bench.log
    # A client whose broker remembers less of it than it does sends again: what is in the log twice is counted as that.
    check_against(run, Witness(own_kafka), "broker back", Table(0.0))
    check_good(run, code)
    check_kept(run)
    check_series(run)
    assert total(run, "produced") == 2000
    assert run["latency_us"]["ack"]["all"]["max"] > 1e6 * min(away_s, 4.0) / 2
    assert run["latency_us"]["end_to_end"]["all"]["max"] >= run["latency_us"]["ack"]["all"]["max"] / 2
    assert any(NO_BROKER in notice for notice in run["notices"])
    assert log.count("Connection refused") <= 10 + away_s, "a client complains twenty times a second"


def test_a_broker_that_stays_away_is_counted_event_by_event(own_kafka: Kafka, tmp_path: Path):
    """What timed out is failed, by error; the run ends in time, writes its file, and its verdict says what is missing."""
    (tmp_path / "client.properties").write_text("message.timeout.ms=1500\n")
    load = ("--rate", "400", "--duration", "4s", "--bootstrap-servers", own_kafka.bootstrap_servers)
    patience = ("--client-config", "client.properties", "--drain-timeout", "4s")
    with Bench(tmp_path, *SMALL, *load, *patience) as bench:
        await_events(bench, own_kafka)
        own_kafka.kill()
        bench.says(f"generator: {NO_BROKER}")
        assert bench.ended() == 3, bench.log
        run, log = bench.run(), bench.log
    check_series(run)
    assert total(run, "produced") == total(run, "acked") + total(run, "failed") == 1600
    assert total(run, "failed") > 400
    assert total(run, "acked") > 0
    # What was written although its delivery failed is observed too.
    seen = total(run, "observed") - total(run, "failed_but_delivered")
    assert total(run, "acked") == seen + total(run, "unknown")
    assert sum(error["count"] for error in run["errors"]) == total(run, "failed")
    assert {error["error"] for error in run["errors"]} == {"Local: Message timed out"}
    assert run["measured_s"] == 4.0
    assert not run["cut_short"]
    assert "failed" in codes(run["reasons"])
    assert "observer_incomplete" in codes(run["reasons"])
    assert "Traceback" not in log


def test_a_broker_that_hangs_is_told_of_though_no_connection_breaks(own_kafka: Kafka, tmp_path: Path):
    """Connections stay open and nothing answers: the run says so, says when it is over, and loses nothing."""
    load = ("--rate", "400", "--duration", "10m", "--bootstrap-servers", own_kafka.bootstrap_servers)
    with Bench(tmp_path, *SMALL, *load) as bench:
        await_events(bench, own_kafka)
        own_kafka.freeze()
        silent = r"generator: .* \d+ s, [\d,]+ "
        bench.says(silent)
        own_kafka.thaw()
        bench.says(f"(?s){silent}.*generator: ")
        bench.press_ctrl_c()
        assert bench.ended() in (0, 3), bench.log
        run = bench.run()
    check_whole(run)
    check_series(run)
    assert run["cut_short"]
    assert run["latency_us"]["ack"]["all"]["max"] > 2.9e6
    assert any(re.search(r"\d s, [\d,]+ ", notice) for notice in run["notices"])

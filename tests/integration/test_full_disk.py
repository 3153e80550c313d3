"""Disks that are full, the broker's and our own: what happened is said, and nothing is lost that was there before."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lensload.results import run_file
from lensload.results.run import total
from tests.calibration.table import Table
from tests.calibration.test_kill import check_against
from tests.calibration.witness import Witness
from tests.conftest import skip
from tests.harness.disk import SmallDisk
from tests.harness.kafka import Kafka
from tests.harness.kafka.on_disk import KafkaOnDisk
from tests.harness.registry import Registry
from tests.support.locusts import Bench, check_kept, wait_until

SMALL = ("--audience-size", "500", "--catalogue-size", "200", "--warmup", "0s")
ROOM = 16 * 1024
LENSLOAD = [sys.executable, "-m", "lensload"]


@pytest.fixture(autouse=True)
def _disks() -> None:
    """Without root there is no disk to fill; these tests are then skipped, and in CI they fail."""
    if lacking := SmallDisk.missing():
        skip(f"needs {lacking} for a disk of its own")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with room for a file of a few lines, and for no run file."""
    with SmallDisk(tmp_path / "small", 1 << 20) as found:
        yield found


def lensload(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """One command, in a process of its own."""
    return subprocess.run(
        [*LENSLOAD, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=200
    )


def test_a_full_disk_keeps_the_old_run_file_and_report(disk: SmallDisk, tmp_path: Path):
    """A run that cannot be written is kept elsewhere, the files that were there stay, and the exit code is not that of a pass."""
    run_path, report = disk.folder / "run.json", disk.folder / "report.html"
    for path in (run_path, report):
        path.write_text("old")
    disk.fill(leave_bytes=ROOM)
    outputs = ("--run-file", str(run_path), "--html", str(report))
    with Bench(tmp_path, *SMALL, "--rate", "300", "--duration", "2s", *outputs) as bench:
        code = bench.ended()
        log = bench.log
    assert code == 2, log
    assert {path.read_text() for path in (run_path, report)} == {"old"}
    assert sorted(path.name for path in disk.folder.iterdir()) == [".ballast", "report.html", "run.json"]
    found = re.search(r"It was kept as (\S+\.json)\.", " ".join(log.split()))
    assert found, log
    kept = Path(found[1])
    assert total(run_file.read(kept), "produced") == 600
    kept.unlink()
    if kept.parent.parent == Path(tempfile.gettempdir()):
        kept.parent.rmdir()


def test_a_full_disk_stops_a_replay_with_a_reason(
    disk: SmallDisk, kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """History that does not fit: the replay ends as a refused one, says why, and shows no traceback."""
    where = (
        "--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url,
        "--topic-prefix", topic_prefix,
    )  # fmt: skip
    manifest = tmp_path / "manifest.json"
    seeded = lensload("seed", "--events", "20000", *SMALL[:4], "--manifest", str(manifest), *where, folder=tmp_path)  # fmt: skip
    assert seeded.returncode == 0, seeded.stderr
    disk.fill(leave_bytes=4 * ROOM)
    for form in ("avro", "parquet"):
        done = lensload(
            "replay", "user-interactions", *where, "--output-format", form, "--output-dir", str(disk.folder / form),
            folder=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_full_disk_keeps_the_manifest_as_it_was(
    disk: SmallDisk, kafka: Kafka, registry: Registry, topic_prefix: str, tmp_path: Path
):
    """A seeding whose manifest does not fit ends with the reason, and leaves a manifest that can be resumed or none."""
    manifest = disk.folder / "manifest.json"
    disk.fill(leave_bytes=4096)
    where = (
        "--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", registry.url,
        "--topic-prefix", topic_prefix,
    )  # fmt: skip
    done = lensload("seed", "--events", "3000", *SMALL[:4], "--manifest", str(manifest), *where, folder=tmp_path)  # fmt: skip
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert not manifest.exists() or json.loads(manifest.read_text())["state"] != "complete"


@pytest.mark.native
def test_a_broker_whose_disk_fills_is_told_and_recovered_from(tmp_path: Path):
    """The broker gives up when its log can grow no more; the run says that it is gone, and all arrives once it is back."""
    load = ("--rate", "1000", "--duration", "8s", "--drain-timeout", "2m", "--max-observer-lag", "2m")
    with KafkaOnDisk(SmallDisk, 64 << 20) as kafka:
        witness = Witness(kafka)
        where = ("--bootstrap-servers", kafka.bootstrap_servers, "--registry-url", "mock://")
        with Bench(tmp_path, *SMALL, *load, *where) as bench:
            bench.says("measuring")
            wait_until(lambda: any(end for _, end in witness.ends().values()))
            kafka.disk.fill()
            wait_until(lambda: not kafka.is_running)
            bench.says("generator: .*(no broker can be reached|Connection refused|Disconnected)")
            kafka.disk.clear()
            kafka.start()
            code = bench.ended()
            run, log = bench.run(), bench.log
        assert code in (0, 3), log
        assert total(run, "produced") == 8_000
        check_against(run, witness, "full disk", Table(0.0))
        check_kept(run)

"""Files hold the same events as the cluster would, all of them or none, and say so byte for byte."""

import errno
import os
import resource
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import fastavro
import pytest
from pyarrow import parquet

from lensload.errors import UsageError
from lensload.files.folder import Format
from lensload.files.parquet import ParquetFile
from lensload.schema import definitions
from lensload.seed.actuals import Actuals
from lensload.seed.file_export import write
from lensload.seed.manifest import FileEntry
from lensload.seed.plan import Plan
from lensload.seed.sources import source_of
from lensload.world.options import WorldOptions

FORMATS: tuple[Format, ...] = ("avro", "parquet")
START_MS = 1_795_000_000_000
WORLD = WorldOptions(seed=3, audience_size=640)
PLAN = Plan(start_ms=START_MS, until_ms=START_MS + 86_400_000, events=8_000, world=WORLD)


def written(folder: Path, form: Format, plan: Plan = PLAN) -> tuple[dict[str, FileEntry], dict[str, Any]]:
    return write(plan, source_of(plan), folder, form)


def from_avro(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as stream:
        records: Any = list(fastavro.reader(stream))
        return records


def from_parquet(path: Path) -> list[dict[str, Any]]:
    return [_as_avro(row) for row in parquet.read_table(path).to_pylist()]


def _as_avro(row: dict[str, Any]) -> dict[str, Any]:
    """Arrow gives maps as pairs."""
    maps = {name: dict(row[name]) for name in ("metadata", "context", "tags") if row.get(name) is not None}
    return {**row, **maps}


def test_both_formats_hold_the_plans_events(tmp_path: Path):
    """Every event of the plan stands in its topic's file, in order, in Avro and in Parquet alike."""
    expected: dict[str, list[dict[str, Any]]] = {}
    counts = Actuals()
    for portion in PLAN.history().portions():
        for batch in portion:
            expected.setdefault(batch.topic, []).extend(batch.records())
            counts.add(batch)
    for form in FORMATS:
        entries, realised = written(tmp_path / form, form)
        assert realised == counts.as_dict()
        assert sum(entry["count"] for entry in entries.values()) == 8_000
        for topic, entry in entries.items():
            path = tmp_path / form / entry["file"]
            read = from_avro(path) if form == "avro" else from_parquet(path)
            assert len(read) == entry["count"]
            assert read == expected[topic]
            assert (entry["bytes"], entry["sha256"]) == (
                path.stat().st_size,
                sha256(path.read_bytes()).hexdigest(),
            )
        assert len(list((tmp_path / form).iterdir())) == len(entries)


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path):
    """Two Avro files of a plan are one, sync markers included; another seed gives another."""
    one, other = (written(tmp_path / name, "avro")[0] for name in ("one", "other"))
    assert one == other


def test_whole_columns_give_the_file_that_single_records_give(tmp_path: Path):
    """Byte for byte, in files of several row groups: what is read from one is read from the other."""
    plan = replace(PLAN, events=50_000)
    entries, _ = written(tmp_path / "columns", "parquet", plan)
    files = {topic: ParquetFile(tmp_path / topic, definitions.load()[topic].parsed) for topic in entries}
    for portion in plan.history().portions():
        for batch in portion:
            for record in batch.records():
                files[batch.topic].add(record)
    for topic, file in files.items():
        file.close()
        assert (tmp_path / topic).read_bytes() == (tmp_path / "columns" / entries[topic]["file"]).read_bytes()
    assert parquet.ParquetFile(tmp_path / "user-interactions").num_row_groups > 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_folder_with_files_is_left_alone(tmp_path: Path, form: Format):
    """Nothing is overwritten, and no manifest of another format; what a killed run left behind is in nobody's way."""
    (tmp_path / f".user-interactions.{form}.part").write_text("half")
    written(tmp_path, form)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert f".user-interactions.{form}.part" not in kept
    for other in FORMATS:
        with pytest.raises(UsageError, match="--output-dir") as caught:
            written(tmp_path, other)
        assert caught.value.exit_code == 2
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_what_is_no_folder_is_refused(tmp_path: Path):
    """A file in the folder's place is a usage error that says why."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=f"--output-dir .*{place}"):
            written(place, "avro")


def test_faults_have_no_place_in_files(tmp_path: Path):
    """Headers, tombstones and broken bytes cannot be told in a file of events, so they are refused at once."""
    plan = replace(PLAN, faults=(("late", 0.1),))
    with pytest.raises(UsageError, match="--fault"):
        written(tmp_path / "out", "avro", plan)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", FORMATS)
def test_a_full_disk_leaves_nothing(tmp_path: Path, form: Format):
    """When there is no room, the reason is told, and no file is left that looks whole, or half."""

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    code = (
        "from pathlib import Path; from tests.integration.test_seed_files import written;"
        f"written(Path({str(tmp_path / 'out')!r}), {form!r})"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],  # no room for compiled modules either, and half a one would stay
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "UsageError" in done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr
    assert list((tmp_path / "out").iterdir()) == []

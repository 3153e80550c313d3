"""Files of a workload hold the events that the cluster would, in every format that can hold them."""

import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from lensload.cli import main
from lensload.files.parquet import ParquetFile
from tests.support import seeded_shop
from tests.support.pages import ROOT
from tests.support.seeded_shop import decoded
from tests.support.workloads import written

EVENTS = 2_000


def seeded(workload: Path, folder: Path, form: str) -> Result:
    """Run `lensload seed` into files."""
    how = ["--events", str(EVENTS), "--until", seeded_shop.UNTIL]
    into = ["--output-dir", str(folder), "--output-format", form]
    return CliRunner().invoke(main.main, ["seed", "--workload", str(workload), *how, *into])


def test_avro_files_hold_what_the_cluster_would(tmp_path: Path):
    """Every topic's events in order, under the topic's schema; a folder is verified as a cluster is."""
    path = seeded_shop.written(tmp_path)
    done = seeded(path, tmp_path / "out", "avro")
    assert done.exit_code == 0, done.output
    found = seeded_shop.records(seeded_shop.plan(path, EVENTS))
    for topic, schema in seeded_shop.SCHEMAS.items():
        with (tmp_path / "out" / f"{topic}.avro").open("rb") as stream:
            records: Any = list(fastavro.reader(stream))
        values = [each.value for (name, _), some in found.items() if name == topic for each in some]
        assert sorted(map(str, records)) == sorted(map(str, decoded(schema, values)))
    manifest = tmp_path / "out" / "manifest.json"
    assert json.loads(manifest.read_text())["planted"] == {}
    assert CliRunner().invoke(main.main, ["seed", "--verify", str(manifest)]).exit_code == 0


@pytest.mark.parametrize("example", ["shop", "iot"])
def test_parquet_files_hold_what_avro_files_do(tmp_path: Path, example: str):
    """Byte for byte the file that the records of the Avro file give one by one, nested and of logical types."""
    workload = ROOT / "examples" / "workloads" / example / "workload.toml"
    for form in ("avro", "parquet"):
        done = seeded(workload, tmp_path / form, form)
        assert done.exit_code == 0, done.output
    counts = 0
    for path in (tmp_path / "avro").glob("*.avro"):
        with path.open("rb") as stream:
            reader = fastavro.reader(stream)
            rows = ParquetFile(tmp_path / path.stem, reader.writer_schema)
            for record in reader:
                rows.add(record)
            rows.close()
        counts += parquet.read_metadata(tmp_path / path.stem).num_rows
        assert (tmp_path / "parquet" / f"{path.stem}.parquet").read_bytes() == (
            tmp_path / path.stem
        ).read_bytes()
    assert counts == EVENTS


NODE = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}


@pytest.mark.parametrize(
    "type_", [["string", "long"], ["null", "string", "long"], NODE, {"type": "array", "items": NODE}]
)
def test_what_parquet_cannot_hold_is_refused_by_topic_and_field(tmp_path: Path, type_: Any):
    """A union of several types or a type within itself ends with exit code 2, and no file; Avro takes it."""
    fields = [{"name": "id", "type": "string"}, {"name": "many", "type": type_}]
    schema = {"type": "record", "name": "R", "fields": fields}
    text = '[topics.things]\nschema = "thing.avsc"\nstopwatch = "id"\n'
    path = written(tmp_path, {"thing.avsc": schema}, text)
    refused = seeded(path, tmp_path / "parquet", "parquet")
    assert refused.exit_code == 2, refused.output
    assert "things.many" in refused.output
    assert not list((tmp_path / "parquet").iterdir())
    taken = seeded(path, tmp_path / "avro", "avro")
    assert taken.exit_code == 0, taken.output

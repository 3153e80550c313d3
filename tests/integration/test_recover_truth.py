"""What is planted can be recovered by somebody who has nothing but the events, and the example shows how."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from lensload.cli.main import main
from lensload.seed.ground_truth import ground_truth
from lensload.seed.manifest import SCHEMA_FILE
from lensload.seed.plan import Plan

pytestmark = pytest.mark.xdist_group("recover_truth")  # its tests share one costly run

EXAMPLE = Path(__file__).parents[2] / "examples" / "recover_truth.py"
EVENTS = 200_000


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, check=False, timeout=120
    )


def seeded(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    code = "from lensload.cli.main import main; main()"
    return run("-c", code, "seed", "--output-dir", folder, *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed in Parquet files, with a trap in it."""
    place = tmp_path_factory.mktemp("seed") / "out"
    what = ("--events", str(EVENTS), "--days", "7", "--until", "2026-01-31T12:00:00Z", "--seed", "2")
    done = seeded(place, *what, "--experiment", "ranking-v2=simpson", "--output-format", "parquet")
    assert done.returncode == 0, done.stderr
    assert f"{EVENTS:,} events in" in done.stdout
    return place


@pytest.fixture(scope="module")
def example(folder: Path) -> subprocess.CompletedProcess[str]:
    """The example, run once on that seed."""
    return run(EXAMPLE, folder)


def manifest_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_the_example_recovers_the_truth(example: subprocess.CompletedProcess[str]):
    """Nothing it finds is further from the planted values than chance allows, and 95 % intervals hold about 95 %."""
    assert example.returncode == 0, example.stdout + example.stderr
    inside, of_all = (int(example.stdout.splitlines()[-1].split()[place]) for place in (0, 2))
    assert of_all == 44
    # 42 on average; fewer than 37 has a chance of one in a hundred, and the seed is fixed.
    assert inside >= 37


def test_its_count_is_of_the_lines_that_it_marks(example: subprocess.CompletedProcess[str]):
    """Who counts the lines marked as outside finds the number it states; every estimate has an interval, no share's below 0."""
    lines = example.stdout.splitlines()
    inside, of_all = (int(lines[-1].split()[place]) for place in (0, 2))
    intervals = [line.split("[")[1].split("]")[0].split(",") for line in lines if "[" in line]
    assert len(intervals) == of_all
    assert all(float(low) < float(high) for low, high in intervals)
    shares = [line.split("[")[1].split(",")[0] for line in lines if line.startswith("  position")]
    assert shares
    assert all(float(low) >= 0 for low in shares)
    assert sum(line.endswith("<- outside") for line in lines) == of_all - inside


def test_the_example_says_how_it_is_used():
    """--help is help, and a folder without a manifest is named, with what makes one."""
    assert run(EXAMPLE, "--help").returncode == 0
    done = run(EXAMPLE, "nowhere")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "nowhere" in done.stderr


def test_the_example_shows_the_trap(example: subprocess.CompletedProcess[str]):
    """Read over all segments the harmful treatment looks like a gain; read by segment it is the harm it is."""
    (told,) = [line for line in example.stdout.splitlines() if line.startswith("Simpson's paradox")]
    pooled, right = (
        float(part.split("%")[0]) for part in (told.split("looks like ")[1], told.split("it is ")[1])
    )
    assert pooled > 10
    assert right < -5


def test_the_example_is_not_fooled(folder: Path, tmp_path: Path):
    """Held against another truth, click-through a fifth higher, the same events are found out."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    manifest = manifest_of(copy)
    through = manifest["planted"]["click_through"]
    through["by_position"] = [1.2 * each for each in through["by_position"]]
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = run(EXAMPLE, copy)
    assert done.returncode == 1
    assert re.search(r"^.*: position 1,.*\.$", done.stdout, re.MULTILINE)


def test_a_manifest_is_as_its_schema_says(folder: Path):
    """The schema is a schema, and the manifest of a seed fits it to the last field."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(manifest_of(folder))


def test_a_manifest_states_the_truth_of_its_plan(folder: Path):
    """What it calls planted is what the plan plants, for anybody who computes it again, effects included."""
    manifest = manifest_of(folder)
    plan = Plan.from_dict(manifest["plan"])
    assert plan.world.experiment == (("ranking-v2", "simpson"),)
    assert ground_truth(plan) == manifest["planted"]
    assert manifest["planted"]["experiments"]["ranking-v2"]["effect"] == "simpson"
    assert manifest["planted"]["experiments"]["large-cards"]["effect"] == "default"


def counted(folder: Path, topic: str, columns: str) -> list[Any]:
    query = f"SELECT {columns}, count(*) FROM '{folder}/{topic}.parquet' GROUP BY ALL"  # noqa: S608 - our own names
    return duckdb.connect().execute(query).fetchall()


def test_realised_counts_are_those_of_the_files(folder: Path):
    """Somebody who counts the events by SQL finds the counts that the manifest tells."""
    realised = manifest_of(folder)["realised"]
    queries = {
        ("user-interactions", "by_type"): "interactionType",
        ("user-interactions", "by_category"): "itemCategory",
        ("recommendation-requests", "by_model"): "modelName",
        ("recommendation-responses", "by_model"): "modelName",
    }
    for (topic, name), column in queries.items():
        assert {row[0]: row[1] for row in counted(folder, topic, column)} == realised[topic][name]
    rows = counted(folder, "ab-test-events", "experimentId, variant, eventType")
    of_experiments = realised["ab-test-events"]["by_experiment_variant_and_type"]
    assert {row[:3]: row[3] for row in rows} == {
        (name, variant, kind): count
        for name, variants in of_experiments.items()
        for variant, kinds in variants.items()
        for kind, count in kinds.items()
    }
    assert sum(each["count"] for each in realised.values()) == EVENTS


def test_a_changed_file_is_found_by_verify(folder: Path, tmp_path: Path):
    """--verify reads files back as it does a cluster: equal, or which is not, with exit code 1."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    verify = ("-c", "from lensload.cli.main import main; main()", "seed", "--verify", copy / "manifest.json")
    done = run(*verify)
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "Equal")
    with (copy / "model-metrics.parquet").open("ab") as stream:
        stream.write(b"x")
    (copy / "ab-test-events.parquet").unlink()
    done = run(*verify)
    assert done.returncode == 1
    assert "model-metrics.parquet: " in done.stdout
    assert f"ab-test-events.parquet: {os.strerror(errno.ENOENT)}" in done.stdout


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--output-format", "avro", "--fault", "late=0.1"], "--fault"),
        (["--output-format", "avro", "--fault", "lat=0.1"], "'lat'"),
        (
            ["--output-format", "avro", "--recreate"],
            "--recreate",
        ),
        (
            ["--output-format", "avro", "--manifest", "m.json"],
            "--manifest",
        ),
        ([], "--output-format"),
        (["--output-format", "parket"], "'parquet'"),
        (["--output-format", "avro", "--experiment", "simpsons"], "simpson?"),
    ],
)
def test_what_cannot_be_written_to_files_is_refused(tmp_path: Path, more: list[str], message: str):
    """Options that contradict --output-dir, or are none, are usage errors, and no folder is made."""
    done = CliRunner().invoke(
        main, ["seed", "--output-dir", str(tmp_path / "out"), "--events", "1000", *more]
    )
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()

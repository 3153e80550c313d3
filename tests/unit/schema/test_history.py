"""The history of the schemas is whole, and a file that differs from it is a version in the making."""

import json
import shutil
from pathlib import Path

import pytest

from lensload.errors import SchemaError
from lensload.schema import definitions, history
from lensload.schema.compatibility import breaches

TOPIC = definitions.load()["user-interactions"].topic


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schemas, to be changed."""
    return shutil.copytree(definitions.default_folder(), tmp_path / "schemas")


def evolve(folder: Path, name: str) -> None:
    """Give the interaction in `folder` one more optional field."""
    path = folder / TOPIC.file
    document = json.loads(path.read_text())
    document["fields"].append({"name": name, "type": ["null", "string"], "default": None})
    path.write_text(json.dumps(document))


def test_every_schema_is_recorded_and_the_versions_follow_on():
    """What is released is in the history, each version by LENS's rule after the ones before it."""
    place = definitions.default_folder()
    for schema in definitions.load().values():
        known = list(history.versions(schema.topic, place).values())
        assert known, f"{schema.topic.file} has no history: lensload schemas check --record"
        for older, newer in zip(known, [*known[1:], schema], strict=True):
            assert breaches(older.parsed, newer.parsed) == ()


def test_recording_adds_the_next_version_once(folder: Path):
    """A changed file becomes the next version; an unchanged one none."""
    assert history.record(definitions.load(folder)[TOPIC.name], folder) is None
    evolve(folder, "campaign")
    path = history.record(definitions.load(folder)[TOPIC.name], folder)
    assert path == folder / "history" / "user-interactions-value" / "v2.avsc"
    assert history.record(definitions.load(folder)[TOPIC.name], folder) is None
    assert list(history.versions(TOPIC, folder)) == [1, 2]


def test_a_gap_in_the_history_is_told(folder: Path):
    """A version that got lost would be one that nothing is held against."""
    for name in ("campaign", "channel"):
        evolve(folder, name)
        history.record(definitions.load(folder)[TOPIC.name], folder)
    (history.folder_of(TOPIC, folder) / "v2.avsc").unlink()
    with pytest.raises(SchemaError, match=r"has no v2\.avsc"):
        history.versions(TOPIC, folder)
